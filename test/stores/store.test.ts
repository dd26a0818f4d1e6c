import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryStore } from '../../src/stores/memory.ts';
import { type Store, spend } from '../../src/stores/store.ts';
import { authError } from '../support/errors.ts';

const born = 1_800_000_000_000;
const message = { key: 'a', created: born + 1, ttl: 120, share: 'alice' };

function store(): Store {
  return memoryStore({ now: () => born, maxEntries: 10, maxShare: 0.1 });
}

/** As a store that answers later. */
function later({ add, bornAt, ...rest }: Store): Store {
  return { ...rest, add: async (...given) => add(...given), bornAt: async () => bornAt() };
}

describe('spend', () => {
  it('tells the first time from all others, at once where the store does', () => {
    const inMemory = store();
    assert.equal(spend(inMemory, message), 'first');
    assert.equal(spend(inMemory, message), 'seen');
  });

  it('tells them from a store that answers later', async () => {
    const far = later(store());
    assert.equal(await spend(far, message), 'first');
    assert.equal(await spend(far, message), 'seen');
  });

  it('knows nothing of what may have come before the store was born', async () => {
    for (const to of [store, () => later(store())]) {
      assert.equal(await spend(to(), { ...message, created: born }), 'unknown');
      assert.equal(await spend(to(), { ...message, created: born - 1 }), 'unknown');
      const exact = { ...message, created: born + 1 };
      assert.equal(await spend(to(), exact), 'first');
      assert.equal(await spend(to(), { ...message, created: Number.NaN }), 'unknown');
    }
  });

  it('asks for the birth after the message is spent: in between the store may have begun anew', async () => {
    let since = born;
    const restarting: Store = {
      ...store(),
      add: async () => {
        // Empty again, so that the key is absent.
        since = born + 600_000;
        return true;
      },
      bornAt: () => since,
    };
    assert.equal(await spend(restarting, message), 'unknown');
  });

  it('counts it on the account of its sender', () => {
    const inMemory = store();
    assert.equal(spend(inMemory, message), 'first');
    assert.throws(() => spend(inMemory, { ...message, key: 'b' }), authError('ERR_STORE_FULL'));
    assert.equal(spend(inMemory, { ...message, key: 'b', share: 'bob' }), 'first');
  });
});
