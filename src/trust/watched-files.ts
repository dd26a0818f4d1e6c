// Files that may be replaced while the process runs, as certificate managers do: by renaming a file, or by
// turning the link of a whole directory. So they are looked at by name each time, not watched by inode.
import { type Stats, readFileSync, readdirSync, statSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { announce } from '../events.ts';

/** A file and what was in it. */
export interface WatchedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const fileNames = /\.(?:pem|crt|cer|der)$/i;
/** How often the files are looked at, at most. */
const periodMs = 5_000;

/** Files and directories by name. Of a directory only files that look like certificates or CRLs count. */
export class WatchedFiles {
  readonly #paths: readonly string[];
  readonly #changed: (files: readonly WatchedFile[]) => void;
  readonly #option: string;
  #state: string;
  #lookedAt: number;
  #looking = false;

  /**
   * Reads them all at once, then looks again from time to time when `refresh` is called.
   *
   * @param option the option that names the files, for messages and events
   * @param changed called with all files when one of them has changed; may throw to keep what was
   * @throws ConfigError where one cannot be read
   */
  constructor(
    option: string,
    paths: readonly string[],
    changed: (files: readonly WatchedFile[]) => void,
  ) {
    this.#paths = paths;
    this.#changed = changed;
    this.#option = option;
    this.#lookedAt = performance.now();
    try {
      const found = paths.flatMap((path) => listed(path, statSync(path), readdirSync));
      this.#state = stateOf(found.map((path) => [path, statSync(path)]));
      this.#changed(found.map((path) => ({ path, bytes: readFileSync(path) })));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const { message } = error as Error;
      throw new ConfigError(
        option,
        `${message}; give PEM text, or the path of a file or directory`,
      );
    }
  }

  /** Looks at the files in the background where that is due. Costs a comparison where it is not. */
  refresh(): void {
    const now = performance.now();
    if (this.#looking || now - this.#lookedAt < periodMs || this.#paths.length === 0) return;
    this.#lookedAt = now;
    this.#looking = true;
    void this.#look()
      .catch((error: unknown) => this.#announce(error as Error))
      .finally(() => (this.#looking = false));
  }

  async #look(): Promise<void> {
    const found: string[] = [];
    for (const path of this.#paths) {
      const stats = await stat(path);
      found.push(...listed(path, stats, () => []));
      if (stats.isDirectory()) found.push(...namesIn(path, await readdir(path)));
    }
    const states: [string, Stats][] = [];
    for (const path of found) states.push([path, await stat(path)]);
    const state = stateOf(states);
    if (state === this.#state) return;
    const files: WatchedFile[] = [];
    // One by one: there may be thousands, and the process has better use for its descriptors.
    for (const path of found) files.push({ path, bytes: await readFile(path) });
    // Also where they are refused: the same files would be refused again.
    this.#state = state;
    this.#changed(files);
    this.#announce(undefined);
  }

  #announce(error: Error | undefined): void {
    announce('rotation', { option: this.#option, error });
  }
}

function listed(path: string, stats: Stats, read: (path: string) => string[]): string[] {
  return stats.isDirectory() ? namesIn(path, read(path)) : [path];
}

function namesIn(directory: string, names: readonly string[]): string[] {
  return names
    .filter((name) => fileNames.test(name) && !name.startsWith('.'))
    .sort()
    .map((name) => join(directory, name));
}

function stateOf(files: readonly (readonly [string, Stats])[]): string {
  return files
    .map(([path, { mtimeMs, size, ino }]) => `${path} ${mtimeMs} ${size} ${ino}`)
    .join('\n');
}
