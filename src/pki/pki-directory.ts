// Files of the development PKI. Each is written whole to a neighbour and renamed, so a reader never
// sees half of one; several are not one step, which is why the index goes first.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

/** A directory that one process at a time changes. */
export class PkiDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  has(name: string): boolean {
    return existsSync(this.file(name));
  }

  /** Makes it where it is missing, closed to other users, and keeps what it holds out of git. */
  create(): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    if (!this.has('.gitignore')) this.write('.gitignore', '*\n', 0o644);
  }

  /** @throws Error that names the missing file. */
  read(name: string): string {
    try {
      return readFileSync(this.file(name), 'utf8');
    } catch (error) {
      throw new Error(`cannot read ${this.file(name)}`, { cause: error });
    }
  }

  write(name: string, text: string, mode: 0o600 | 0o644): void {
    const neighbour = this.file(`.${name}.${randomBytes(6).toString('hex')}`);
    try {
      const descriptor = openSync(neighbour, 'wx', mode);
      try {
        writeFileSync(descriptor, text);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(neighbour, this.file(name));
    } catch (error) {
      rmSync(neighbour, { force: true });
      throw new Error(`cannot write ${this.file(name)}`, { cause: error });
    }
  }

  /**
   * Runs `change` while no other process runs one here.
   *
   * @throws Error where another one has not finished in time.
   */
  exclusively<T>(change: () => T, patienceMs = 5_000): T {
    const lock = this.file('.lock');
    acquire(lock, patienceMs);
    try {
      return change();
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

function acquire(lock: string, patienceMs: number): void {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      writeFileSync(lock, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new Error(`cannot write ${lock}`, { cause: error });
      }
      // Whether a lock was left by a process that died is for a person to judge: taking it over by
      // oneself would race with the next process that does the same.
      if (performance.now() > end) {
        throw new Error(`another process is changing this PKI; if none is, delete ${lock}`, {
          cause: error,
        });
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
    }
  }
}
