// Which files are the suite, and how a Node runs them: what test/run.ts and test/nodes.ts share.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';

export const root: string = resolve(import.meta.dirname, '..');

/** What is left out for want of something on this machine, in words. */
export const leftOut: string | undefined =
  process.env['COUNTERSIGN_VECTORS'] === undefined
    ? 'COUNTERSIGN_VECTORS is not set: tests over public test vectors are left out.'
    : undefined;

/**
 * The test files at these paths; without any, the whole suite, which is everything but interop.
 *
 * They are listed here because Node 20 has no globs: given no file it runs whatever it finds, says
 * `# tests 0` and calls that a success.
 *
 * @throws Error where there is none
 */
export function testFiles(paths: readonly string[]): string[] {
  const files = (paths.length === 0 ? ['test'] : paths)
    .flatMap(filesAt)
    .filter((file) => paths.length > 0 || !file.startsWith(join('test', 'interop')))
    .sort();
  if (files.length === 0) throw new Error(`no test files in ${paths.join(' ')}`);
  return files;
}

/**
 * Runs test files on a Node, which is also the one that `npm` and its like find.
 *
 * @returns whether every test passed
 */
export function runTests(
  node: string,
  files: readonly string[],
  args: readonly string[] = [],
): boolean {
  const { status } = spawnSync(node, ['--import', 'tsx', '--test', ...args, ...files], {
    cwd: root,
    env: {
      ...process.env,
      PATH: [dirname(node), process.env['PATH']].join(delimiter),
      TSX_TSCONFIG_PATH: 'test/tsconfig.json',
    },
    stdio: 'inherit',
  });
  return status === 0;
}

function filesAt(path: string): string[] {
  const absolute = resolve(path);
  if (statSync(absolute).isFile()) return [relative(root, absolute)];
  return readdirSync(absolute, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => relative(root, join(absolute, name)));
}
