// `npm test` runs everything but interop, and `npm test -- test/client` a part.
//
// The files are listed here because Node 20 has no globs: given no file it runs whatever it finds, says
// `# tests 0` and calls that a success.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const given = process.argv.slice(2);
const files = (given.length === 0 ? ['test'] : given).flatMap(testFiles).sort();
if (files.length === 0) {
  console.error(`no test files in ${given.join(' ')}`);
  process.exit(1);
}
if (process.env['COUNTERSIGN_VECTORS'] === undefined) {
  console.log('COUNTERSIGN_VECTORS is not set: tests over public test vectors are left out.');
}
const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--test', ...files], {
  cwd: root,
  env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

function testFiles(path: string): string[] {
  const absolute = resolve(path);
  if (statSync(absolute).isFile()) return [relative(root, absolute)];
  return readdirSync(absolute, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => relative(root, join(absolute, name)))
    .filter((file) => given.length > 0 || !file.startsWith(join('test', 'interop')));
}
