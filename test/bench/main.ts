// npm run bench [-- --quick] [-- --json]
//
// A wrong answer ends it with exit code 1. A missed target does not: times are the machine's as well.
import { parseArgs } from 'node:util';
import { knownConnection, memory, newConnection } from './connections.ts';
import { pin } from './cores.ts';
import { forwarded } from './forwarded.ts';
import { frameworks } from './frameworks.ts';
import { importTime } from './import-time.ts';
import { material } from './material.ts';
import { paths } from './paths.ts';
import { type Row, table } from './report.ts';
import { signatures } from './signatures.ts';
import { stores } from './stores.ts';

const sizes = {
  quick: {
    frameworks: { starts: 1, rounds: 2, requests: 200, warmUp: 300 },
    guard: { rounds: 5, requests: 2000 },
    memory: { rounds: 2, connections: 50 },
    newConnections: 20,
    imports: 3,
    paths: { rounds: 3, chains: 50, connections: 20, anchors: 100, revocations: 1_000 },
    forwarded: { rounds: 3, certificates: 20, requests: 200 },
    signatures: { rounds: 3, times: 200 },
    stores: { rounds: 3, nonces: [1, 1_000, 50_000], checks: 500 },
    seconds: 60,
  },
  full: {
    // Long rounds: the first requests of each find the caches full of its neighbours.
    frameworks: { starts: 5, rounds: 4, requests: 8000, warmUp: 8000 },
    guard: { rounds: 60, requests: 4000 },
    memory: { rounds: 5, connections: 400 },
    newConnections: 200,
    imports: 21,
    paths: { rounds: 15, chains: 500, connections: 200, anchors: 10_000, revocations: 1_000_000 },
    forwarded: { rounds: 15, certificates: 200, requests: 20_000 },
    signatures: { rounds: 21, times: 4000 },
    stores: { rounds: 31, nonces: [1, 1_000, 1_000_000], checks: 20_000 },
    seconds: 900,
  },
} as const;

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' } },
});
const size = values.quick === true ? sizes.quick : sizes.full;

setTimeout(() => {
  console.error(`not finished after ${size.seconds} s`);
  process.exit(1);
}, size.seconds * 1000).unref();

const pinned = pin(process.pid, 'loader');
const peers = material();

const parts: readonly (readonly [
  what: string,
  measure: () => Promise<readonly Row[]> | readonly Row[],
])[] = [
  ['Express over TLS, guarded in four ways', () => frameworks(peers, size.frameworks)],
  ['the guard alone', () => knownConnection(peers, size.guard)],
  ['memory', () => memory(peers, size.memory)],
  ['path validation', () => paths(size.paths)],
  ['a trusted proxy', () => forwarded(size.forwarded)],
  ['message signatures', () => signatures(size.signatures)],
  ['stores', () => stores(size.stores)],
  ['import', () => importTime(size.imports)],
  ['client', () => newConnection(peers, size.newConnections)],
];

const rows: Row[] = [];
try {
  for (const [i, [what, measure]] of parts.entries()) {
    console.error(`${i + 1}/${parts.length} ${what}`);
    rows.push(...(await measure()));
  }
} catch (error) {
  console.error(error);
  process.exit(1);
}

const run = { node: process.version, pinned, quick: values.quick === true };
if (values.json === true) {
  console.log(JSON.stringify({ ...run, rows }, undefined, 2));
} else {
  const cores = pinned ? 'server and loader on a core each' : 'server and loader share all cores';
  console.log(`\nNode ${run.node}, ${cores}${run.quick ? ', quick: numbers mean little' : ''}\n`);
  console.log(table(rows));
}
// Open connections of undici would keep the process.
process.exit();
