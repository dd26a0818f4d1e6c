import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type MemoryStoreOptions, memoryStore } from '../../src/stores/memory.ts';
import { authError, configError } from '../support/errors.ts';
import { storeContract } from './contract.ts';

function scene(options: MemoryStoreOptions = {}) {
  let time = 1_800_000_000_250;
  const now = () => time;
  const store = memoryStore({ now, ...options });
  return { store, now, pass: (seconds: number) => void (time += seconds * 1000) };
}

const full = authError('ERR_STORE_FULL', /no more room/);
const shareFull = authError('ERR_STORE_FULL', /its share/);

storeContract('memoryStore', scene);

describe('memoryStore', () => {
  it('answers at once', () => {
    const { store, now } = scene();
    assert.equal(store.add('a', 60), true);
    assert.equal(store.put('a', 'x', 60), undefined);
    assert.equal(store.get('a'), 'x');
    assert.equal(store.take('a'), 'x');
    assert.equal(store.bornAt(), now());
  });

  it('refuses what does not fit, and forgets nothing', () => {
    const { store, pass } = scene({ maxEntries: 3, maxShare: 1 });
    for (const key of ['a', 'b', 'c']) assert.equal(store.add(key, 60), true);
    assert.throws(() => store.add('d', 60), full);
    // A replay is told from what does not fit.
    for (const key of ['a', 'b', 'c']) assert.equal(store.add(key, 60), false);
    pass(59.5);
    assert.throws(() => store.add('d', 60), full);
    pass(1.5);
    for (const key of ['d', 'a', 'b']) assert.equal(store.add(key, 60), true);
    assert.throws(() => store.add('c', 60), full);
  });

  it('lets no account have more than its share', () => {
    const { store, pass } = scene({ maxEntries: 8, maxShare: 0.25 });
    assert.equal(store.add('a', 60, 'mallory'), true);
    assert.equal(store.add('b', 30, 'mallory'), true);
    assert.throws(() => store.add('c', 60, 'mallory'), shareFull);
    assert.equal(store.add('a', 60, 'mallory'), false);
    assert.equal(store.add('d', 60, 'alice'), true);
    pass(31);
    assert.equal(store.add('c', 60, 'mallory'), true);
    assert.throws(() => store.add('e', 60, 'mallory'), shareFull);
  });

  it('has a quarter for an account unless told otherwise, and all of it for what is on nobody', () => {
    const { store } = scene({ maxEntries: 8 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) assert.equal(store.add(key, 60), true);
    for (const key of ['f', 'g']) assert.equal(store.add(key, 60, 'alice'), true);
    assert.throws(() => store.add('h', 60, 'alice'), shareFull);
    assert.equal(store.add('h', 60), true);
    assert.throws(() => store.add('i', 60), full);
  });

  it('tells ten thousand accounts apart, but for a few', () => {
    const { store } = scene({ maxEntries: 100_000, maxShare: 0.000_01 });
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      try {
        store.add(`${i}`, 60, `key-${i}`);
      } catch (error) {
        assert.ok(shareFull(error));
        refused++;
      }
    }
    assert.ok(refused < 1_200, `${refused} share a number with another`);
  });

  it('refuses values that do not fit, and forgets none', () => {
    const { store, pass } = scene({ maxValues: 2, maxShare: 1 });
    store.put('a', '1', 60);
    store.put('b', '2', 60);
    assert.throws(() => store.put('c', '3', 60), full);
    store.put('a', '4', 60);
    assert.equal(store.get('a'), '4');
    assert.equal(store.take('b'), '2');
    store.put('c', '3', 60);
    assert.throws(() => store.put('b', '2', 60), full);
    pass(61);
    store.put('b', '2', 60);
    store.put('d', '2', 60);
    assert.throws(() => store.put('a', '2', 60), full);
  });

  it('bounds what values take, and keeps the one that was to be replaced', () => {
    const { store } = scene({ maxValues: 2, maxShare: 1 });
    store.put('a', 'x'.repeat(5_000), 60);
    assert.throws(() => store.put('b', 'x'.repeat(5_000), 60), full);
    assert.throws(() => store.put('a', 'x'.repeat(8_192), 60), full);
    assert.equal(store.get('a')?.toString().length, 5_000);
    store.take('a');
    store.put('b', 'x'.repeat(8_191), 60);
    assert.throws(() => store.put('k'.repeat(8_192), '', 60), full);
  });

  it('lets no account have more than its share of the values', () => {
    const { store, pass } = scene({ maxValues: 8, maxShare: 0.25 });
    store.put('a', '1', 60, 'mallory');
    store.put('b', '2', 60, 'mallory');
    assert.throws(() => store.put('c', '3', 60, 'mallory'), shareFull);
    store.put('b', '3', 60, 'mallory');
    store.put('d', '4', 60, 'alice');
    store.take('a');
    store.put('c', '3', 60, 'mallory');
    assert.throws(() => store.put('a', '1', 60, 'mallory'), shareFull);
    pass(61);
    store.put('a', '1', 60, 'mallory');
  });

  it('goes on remembering when the clock is set back', () => {
    const { store, pass } = scene({ maxEntries: 2, maxShare: 1 });
    pass(3_600);
    store.add('a', 60);
    pass(-7_200);
    assert.equal(store.add('a', 60), false);
    store.add('b', 60);
    assert.throws(() => store.add('c', 60), full);
    pass(61);
    assert.equal(store.add('b', 60), true);
    assert.equal(store.add('a', 60), false);
  });

  it('finds each of a hundred thousand keys again, and none besides', () => {
    const { store } = scene();
    for (let i = 0; i < 100_000; i++) if (store.add(`a${i}`, 60) !== true) assert.fail(`a${i}`);
    for (let i = 0; i < 100_000; i++) if (store.add(`a${i}`, 60) !== false) assert.fail(`a${i}`);
    for (let i = 0; i < 1_000; i++) assert.equal(store.add(`b${i}`, 60), true);
  });

  it('takes less than 60 bytes for each of a hundred thousand keys', () => {
    const { store } = scene({ maxShare: 1 });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100_000; i++) store.add(`${i}`, 60, 'alice');
    const bytes = (process.memoryUsage().arrayBuffers - before) / 100_000;
    // Beside the table there is a number of 8 bytes in a list.
    assert.ok(bytes < 52, `${bytes} bytes`);
    assert.equal(store.add('0', 60), false);
  });

  it('holds on to no memory for keys whose time is over', () => {
    const { store, pass } = scene({ maxEntries: 1_000, maxShare: 1 });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100_000; i++) {
      if (i % 500 === 0) pass(60);
      assert.equal(store.add(`${i}`, 60), true);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000);
  });

  it('keeps no process alive', () => {
    const before = process.getActiveResourcesInfo().length;
    const { store } = scene();
    store.add('a', 60);
    store.put('a', 'x', 60);
    assert.equal(process.getActiveResourcesInfo().length, before);
  });

  it('does with any sequence of steps what two plain maps do', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l');
    const ttl = fc.integer({ min: 1, max: 20 });
    const step = fc.oneof(
      fc.record({ verb: fc.constant('add' as const), key, ttl }),
      fc.record({ verb: fc.constant('put' as const), key, ttl }),
      fc.record({ verb: fc.constantFrom('get' as const, 'take' as const), key }),
      fc.record({ verb: fc.constant('pass' as const), ttl }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        // Whole seconds, so that the store counts as the maps do.
        let time = 1_800_000_000_000;
        const store = memoryStore({ now: () => time, maxEntries: 6, maxValues: 6, maxShare: 1 });
        const keys = new Map<string, number>();
        const values = new Map<string, { value: string; until: number }>();
        for (const [i, each] of steps.entries()) {
          for (const [name, until] of keys) if (until <= time) keys.delete(name);
          for (const [name, { until }] of values) if (until <= time) values.delete(name);
          if (each.verb === 'pass') {
            time += each.ttl * 500;
            time += time % 1000;
          } else if (each.verb === 'add') {
            const attempt = () => store.add(each.key, each.ttl);
            if (keys.has(each.key)) assert.equal(attempt(), false);
            else if (keys.size === 6) assert.throws(attempt, full);
            else {
              assert.equal(attempt(), true);
              keys.set(each.key, time + each.ttl * 1000);
            }
          } else if (each.verb === 'put') {
            const attempt = () => store.put(each.key, `${i}`, each.ttl);
            if (!values.has(each.key) && values.size === 6) assert.throws(attempt, full);
            else {
              attempt();
              values.set(each.key, { value: `${i}`, until: time + each.ttl * 1000 });
            }
          } else {
            assert.equal(store[each.verb](each.key), values.get(each.key)?.value);
            if (each.verb === 'take') values.delete(each.key);
          }
        }
      }),
    );
  });

  it('takes any text as a key', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 30 }), (keys) => {
        const { store } = scene();
        for (const key of keys) assert.equal(store.add(key, 60, key), true);
        for (const key of keys) assert.equal(store.add(key, 60, key), false);
      }),
    );
  });

  for (const [options, path] of [
    [{ maxEntries: 0 }, 'memoryStore.maxEntries'],
    [{ maxEntries: 1.5 }, 'memoryStore.maxEntries'],
    [{ maxEntries: Infinity }, 'memoryStore.maxEntries'],
    [{ maxEntries: '5' }, 'memoryStore.maxEntries'],
    [{ maxEntries: undefined }, 'memoryStore.maxEntries'],
    [{ maxValues: -1 }, 'memoryStore.maxValues'],
    [{ maxShare: 0 }, 'memoryStore.maxShare'],
    [{ maxShare: 1.1 }, 'memoryStore.maxShare'],
    [{ maxShare: Number.NaN }, 'memoryStore.maxShare'],
    [{ now: 5 }, 'memoryStore.now'],
    [{ maxEntrys: 5 }, 'memoryStore.maxEntrys'],
  ] as const) {
    it(`refuses the options ${JSON.stringify(options)}`, () => {
      assert.throws(() => memoryStore(options as unknown as MemoryStoreOptions), configError(path));
    });
  }
});
