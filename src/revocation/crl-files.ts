// CRLs that somebody else puts into files: read when the program starts, and again whenever they change.
// A file is looked at by its state, not watched: watching dies at the first swap of a Kubernetes volume.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { isOlder, isSameSeries, isWhole } from '../x509/crl/series.ts';
import { isCrlSignedByInSteps, knownSigners } from '../x509/crl/signature.ts';
import { type Crl, readCrl } from '../x509/crl/crl.ts';
import { derBlocks } from '../x509/pem.ts';
import { withPauses } from './pauses.ts';
import { readCrlsInSteps } from './read-crls.ts';

export interface CrlFilesOptions {
  /** Told of a file that is gone, or changed and is not taken; what it held before goes on counting. */
  readonly onProblem: (path: string, error: Error) => void;
}

interface CrlFile {
  readonly state: string;
  readonly crls: readonly Crl[];
}

const nothing: CrlFile = { state: '', crls: [] };
const gone = 'gone';

/** How often the files are looked at, at most. */
const checkEveryMs = 5_000;

/** In a directory: `*.crl`, `*crl.pem`, and the names that `openssl rehash` gives (`5ad8a5d6.r0`). */
const crlName = /\.crl$|crl\.pem$|\.r\d+$/i;

export class CrlFiles {
  #version = 0;
  #files: ReadonlyMap<string, CrlFile>;
  /** States that were not taken, so that each is reported once, and read once where it can be read. */
  readonly #refused = new Map<string, string>();
  readonly #places: readonly string[];
  readonly #options: CrlFilesOptions;
  #checkedAt: number;
  #check: Promise<void> | undefined;

  /**
   * @param places files, or directories of them
   * @throws ConfigError where one is missing, holds no CRL, or what is none
   */
  constructor(path: string, places: readonly string[], options: CrlFilesOptions) {
    this.#places = places;
    this.#options = options;
    this.#files = new Map(
      places.flatMap((place, i) => attempt(`${path}[${i}]`, place, () => readPlace(place))),
    );
    this.#checkedAt = performance.now();
  }

  /** Changes whenever the lists do. */
  get version(): number {
    return this.#version;
  }

  /** The lists as they were read last. Looks for newer ones in the background. */
  crls(): readonly Crl[] {
    const now = performance.now(); // The clock may be set back.
    if (now - this.#checkedAt >= checkEveryMs) {
      this.#checkedAt = now;
      void this.refresh();
    }
    return [...this.#files.values()].flatMap(({ crls }) => crls);
  }

  /** Looks for changes now. Resolves when they are in; never rejects. */
  refresh(): Promise<void> {
    this.#check ??= this.#readChanges().finally(() => {
      this.#check = undefined;
    });
    return this.#check;
  }

  async #readChanges(): Promise<void> {
    const listed = new Set<string>();
    for (const place of this.#places) {
      try {
        const paths = await pathsIn(place);
        if (!paths.includes(place)) this.#refused.delete(place);
        for (const path of paths) listed.add(path);
      } catch (error) {
        this.#report(place, gone, error as Error);
      }
    }
    const files = new Map<string, CrlFile>();
    for (const path of listed) files.set(path, await this.#readChange(path));
    // A file that is gone takes back no revocation, unless its lists have come under another name.
    for (const [path, file] of this.#files) {
      if (files.has(path)) continue;
      if (isReplaced(file, files)) this.#refused.delete(path);
      else files.set(path, await this.#readChange(path));
    }
    const before = this.#files;
    if (files.size === before.size && [...files].every(([path, file]) => before.get(path) === file))
      return;
    this.#files = files;
    this.#version++;
  }

  async #readChange(path: string): Promise<CrlFile> {
    const before = this.#files.get(path) ?? nothing;
    let state = gone;
    try {
      const present = stateOf(await stat(path));
      if (present === this.#refused.get(path)) return before;
      if (present === before.state) {
        this.#refused.delete(path);
        return before;
      }
      const bytes = await readFile(path);
      state = present;
      const crls = await readCrlsInSteps(bytes);
      if (crls.some((crl) => before.crls.some((one) => isOlder(crl, one)))) {
        throw new Error('it is older than the CRL that it is to replace');
      }
      await verifyAhead(crls, before.crls);
      this.#refused.delete(path);
      return { state, crls };
    } catch (error) {
      // What cannot be looked at has not changed, as far as anybody knows.
      this.#report(path, state, error as Error);
      return before;
    }
  }

  #report(path: string, state: string, error: Error): void {
    if (this.#refused.get(path) === state) return;
    this.#refused.set(path, state);
    this.#options.onProblem(path, error);
  }
}

/** Whoever signed the list before will be asked for first: then the answer is there. */
async function verifyAhead(crls: readonly Crl[], before: readonly Crl[]): Promise<void> {
  for (const crl of crls) {
    for (const signer of before.filter((one) => isSameSeries(crl, one)).flatMap(knownSigners)) {
      await withPauses(isCrlSignedByInSteps(crl, signer));
    }
  }
}

/** Whether others hold all its lists, or newer ones. */
function isReplaced({ crls }: CrlFile, others: ReadonlyMap<string, CrlFile>): boolean {
  const theirs = [...others.values()].flatMap((file) => file.crls);
  return crls.every((crl) =>
    theirs.some(
      (one) => isSameSeries(one, crl) && isWhole(one) === isWhole(crl) && !isOlder(one, crl),
    ),
  );
}

function readPlace(place: string): readonly (readonly [string, CrlFile])[] {
  const paths = statSync(place).isDirectory() ? crlsAmong(place, readdirSync(place)) : [place];
  if (paths.length === 0) throw new Error('it holds none');
  return paths.map((path) => {
    // The state first: a change in between is then seen as one, instead of missed.
    const state = stateOf(statSync(path));
    return [path, { state, crls: derBlocks(readFileSync(path), 'X509 CRL').map(readCrl) }];
  });
}

async function pathsIn(place: string): Promise<readonly string[]> {
  return (await stat(place)).isDirectory() ? crlsAmong(place, await readdir(place)) : [place];
}

function crlsAmong(directory: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => crlName.test(name)).map((name) => join(directory, name));
}

function stateOf(stats: { mtimeMs: number; size: number; ino: number }): string {
  return `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

function attempt<T>(path: string, place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      path,
      `cannot read CRLs from "${place}" (${reason}); name a CRL file or a directory of them`,
    );
  }
}
