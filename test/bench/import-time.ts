import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Row, atMost } from './report.ts';
import { difference, paired } from './statistics.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How much longer a process lives that imports our door and ends than one that only ends. */
export function importTime(pairs: number): readonly Row[] {
  const bare: number[] = [];
  const ours: number[] = [];
  run('import "countersign/express"');
  for (let i = 0; i < pairs; i++) {
    if (i % 2 === 0) bare.push(run(''));
    ours.push(run('import "countersign/express"'));
    if (i % 2 === 1) bare.push(run(''));
  }
  const value = paired(ours, bare, difference);
  return [{ work: 'import countersign/express', value, unit: 'ms', target: atMost(40, value) }];
}

// Wall time, because that is what whoever starts a service waits for.
function run(code: string): number {
  const before = performance.now();
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return performance.now() - before;
}
