// Projects of somebody else's, into which the package is installed as npm would publish it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const root: string = resolve(import.meta.dirname, '../..');

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<
    Record<string, string | { readonly types: string; readonly default: string }>
  >;
}

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** What programs import: `countersign`, `countersign/express` and so on, without package.json. */
export const doors: readonly string[] = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => join('countersign', path));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Project {
  readonly directory: string;
  /** Runs a program in the project's directory. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Outcome;
  /** Runs Node.js in it. */
  node(...args: readonly string[]): Outcome;
  /** Runs the TypeScript compiler in it. */
  tsc(...args: readonly string[]): Outcome;
}

/**
 * A project that has installed the packed package and nothing else.
 *
 * @param files what is in it, by path
 * @param links packages that it has besides, taken from our own node_modules
 */
export function project(
  files: Readonly<Record<string, string | object>>,
  links: readonly string[] = [],
): Project {
  const directory = temporaryDirectory();
  const made: Project = {
    directory,
    run: (program, args, env) => run(directory, program, args, env),
    node: (...args) => run(directory, process.execPath, args),
    tsc: (...args) => run(directory, process.execPath, [tsc, ...args]),
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(
      join(directory, path),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }
  const npm = ['install', '--offline', '--no-audit', '--no-fund', '--no-save', '--no-package-lock'];
  must(made.run('npm', [...npm, tarball()]), 'npm install');
  for (const name of links) {
    const link = join(directory, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  return made;
}

/** A directory that is gone when the tests of this file are over: until then they may share it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'countersign-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

const tsc = join(root, 'node_modules/typescript/bin/tsc');

let packed: string | undefined;

// `npm test` has built what is packed here. The `prepack` script would take `dist` away under the other
// tests and build it again.
function tarball(): string {
  if (packed !== undefined) return packed;
  const directory = temporaryDirectory();
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const { stdout } = must(run(root, 'npm', args), 'npm pack');
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  packed = join(directory, filename);
  return packed;
}

function run(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    // What runs in dist counts for no coverage, and npm's own code would fill the report.
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...env },
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

function must(outcome: Outcome, what: string): Outcome {
  if (outcome.status !== 0) throw new Error(`${what}: ${outcome.stdout}${outcome.stderr}`);
  return outcome;
}
