// What the memory store takes for each key that it remembers. Needs `--expose-gc`.
import { setTimeout as delay } from 'node:timers/promises';
import { memoryStore } from 'countersign';
import { answerParent } from './answer-parent.mjs';

const accounts = 10_000;
let time = Date.now();
let live;
let store;

answerParent({
  /** Makes a store with so many live nonces. @returns bytes for each */
  async fill({ nonces, maxEntries }) {
    store = undefined;
    const before = await used();
    store = memoryStore({ maxEntries, now: () => time });
    for (let i = 0; i < nonces; i++) if (add(i) !== true) throw new Error(`${i} is new`);
    live = nonces;
    const kept = (await used()) - before;
    if (add(0) !== false) throw new Error('a replay was let in');
    return kept / nonces;
  },
  /** Microseconds for each key: of replays, and of new ones, whose place becomes free in the next second. */
  check({ times }) {
    const first = numbers(times).map(keyOf);
    const fresh = first.map((_, i) => keyOf(live + i));
    const replays = each(first, (key) => store.add(key, 120, 'key-1'), false);
    time += 1;
    // Short, so that there are as many again after each round.
    const news = each(fresh, (key) => store.add(key, 0.001, 'key-1'), true);
    time += 2_000;
    return { replays, news };
  },
});

function numbers(times) {
  return Array.from({ length: times }, (_, i) => (i * 7_919) % live);
}

function add(i) {
  return store.add(keyOf(i), 86_400, `key-${i % accounts}`);
}

/** As the method `signature` calls them: 22 characters, of which no two are alike. */
function keyOf(i) {
  const nonce = Buffer.alloc(16, 7);
  nonce.writeUInt32LE(i, 0);
  nonce.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, 6);
  return `replay:key-${i % accounts}:${nonce.toString('base64url')}`;
}

function each(keys, work, expected) {
  const before = process.cpuUsage();
  for (const key of keys) if (work(key) !== expected) throw new Error(`${key} is not ${expected}`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / keys.length;
}

async function used() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await delay(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
