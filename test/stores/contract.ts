// What every store must do, as one list. A new store needs one file that sets it up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Store } from '../../src/stores/store.ts';

export interface Scene {
  readonly store: Store;
  /** Time goes by, for the store as well. */
  pass(seconds: number): void | Promise<void>;
  readonly now: () => number;
}

export function storeContract(name: string, scene: () => Scene | Promise<Scene>): void {
  describe(`${name}, as every store`, () => {
    it('says of a key once that it was absent', async () => {
      const { store } = await scene();
      assert.equal(await store.add('a', 60), true);
      assert.equal(await store.add('a', 60), false);
      assert.equal(await store.add('b', 60), true);
    });

    it('says so to one of all who add it at the same time', async () => {
      const { store } = await scene();
      const answers = await Promise.all(Array.from({ length: 50 }, () => store.add('a', 60)));
      assert.equal(answers.filter(Boolean).length, 1);
    });

    it('remembers a key for its time, whoever adds it again meanwhile', async () => {
      const { store, pass } = await scene();
      await store.add('a', 60);
      await pass(30);
      assert.equal(await store.add('a', 60), false);
      await pass(29.5);
      assert.equal(await store.add('a', 60), false);
      // One second at most, for stores that count in seconds.
      await pass(1.5);
      assert.equal(await store.add('a', 60), true);
      assert.equal(await store.add('a', 60), false);
    });

    it('takes no two keys for one', async () => {
      const { store } = await scene();
      const keys = [
        '',
        ' ',
        'a',
        'A',
        'a ',
        'a:b',
        'a:',
        ':',
        'a\0',
        '\r\n',
        '\u00e9',
        'e\u0301',
        '*',
      ];
      for (const key of keys) assert.equal(await store.add(key, 60), true, JSON.stringify(key));
      for (const key of keys) await store.put(key, `of ${key}`, 60);
      for (const key of keys) assert.equal(await store.get(key), `of ${key}`);
    });

    it('knows nothing of a key that nobody has put', async () => {
      const { store } = await scene();
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.take('a'), undefined);
    });

    it('keeps values as they are', async () => {
      const { store } = await scene();
      for (const value of ['', 'a', '1', '\0\r\n$3', '\u00e9\u{1f600}', 'x'.repeat(20_000)]) {
        await store.put('a', value, 60);
        assert.equal(await store.get('a'), value);
      }
    });

    it('keeps a value for its time', async () => {
      const { store, pass } = await scene();
      await store.put('a', 'x', 60);
      await store.put('b', 'y', 60);
      await pass(59.5);
      assert.equal(await store.get('a'), 'x');
      await pass(1);
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.take('b'), undefined);
    });

    it('replaces a value together with its time', async () => {
      const { store, pass } = await scene();
      await store.put('shorter', 'x', 100);
      await store.put('shorter', 'y', 10);
      await store.put('longer', 'x', 10);
      await store.put('longer', 'y', 100);
      assert.equal(await store.get('shorter'), 'y');
      await pass(20);
      assert.equal(await store.get('shorter'), undefined);
      assert.equal(await store.get('longer'), 'y');
      await pass(100);
      assert.equal(await store.get('longer'), undefined);
    });

    it('gives a value away once', async () => {
      const { store } = await scene();
      await store.put('a', 'x', 60);
      const answers = await Promise.all(Array.from({ length: 50 }, () => store.take('a')));
      assert.deepEqual(
        answers.filter((answer) => answer !== undefined),
        ['x'],
      );
      assert.equal(await store.get('a'), undefined);
      await store.put('a', 'y', 60);
      assert.equal(await store.take('a'), 'y');
    });

    it('keeps keys that were added and keys that were put apart', async () => {
      const { store } = await scene();
      await store.put('a', 'x', 60);
      assert.equal(await store.add('a', 60), true);
      assert.equal(await store.take('a'), 'x');
      assert.equal(await store.add('a', 60), false);
      assert.equal(await store.get('a'), undefined);
    });

    it('is not older than itself, and stays as old', async () => {
      const { store, pass, now } = await scene();
      const born = await store.bornAt();
      assert.ok(born <= now() && born > now() - 60_000, String(born));
      await pass(10);
      assert.equal(await store.bornAt(), born);
    });

    for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1_800_000_000]) {
      it(`refuses ${ttl} as a ttl, and remembers nothing`, async () => {
        const { store } = await scene();
        await assert.rejects(async () => store.add('a', ttl), RangeError);
        await assert.rejects(async () => store.put('a', 'x', ttl), RangeError);
        assert.equal(await store.get('a'), undefined);
        assert.equal(await store.add('a', 60), true);
      });
    }
  });
}
