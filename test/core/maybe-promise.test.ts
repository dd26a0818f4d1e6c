import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { andThen, isPromise } from '../../src/maybe-promise.ts';

const double = (value: number): number => value * 2;

describe('andThen', () => {
  it('goes on in the same step with a value that is there', () => {
    assert.equal(andThen(2, double), 4);
  });

  it('goes on later with one that comes later', async () => {
    const later = andThen(Promise.resolve(2), double);
    assert.ok(later instanceof Promise);
    assert.equal(await later, 4);
  });

  it('passes on what is thrown: at once, or later', async () => {
    const fail = (): never => {
      throw new Error('no');
    };
    assert.throws(() => andThen(2, fail), /no/);
    await assert.rejects(async () => andThen(Promise.resolve(2), fail), /no/);
    await assert.rejects(async () => andThen(Promise.reject(new Error('before')), fail), /before/);
  });

  it("waits for another realm's promise, and for another library's", async () => {
    const foreign = runInNewContext('Promise.resolve(2)') as Promise<number>;
    assert.equal(await andThen(foreign, double), 4);
    // oxlint-disable-next-line unicorn/no-thenable -- what other libraries' promises are
    const thenable = { then: (resolve: (value: number) => void) => resolve(2) };
    assert.equal(await andThen(thenable as unknown as Promise<number>, double), 4);
  });
});

describe('isPromise', () => {
  for (const value of [undefined, null, 0, '', 'then', {}, () => {}]) {
    it(`is false for ${typeof value === 'function' ? 'a function' : JSON.stringify(value)}`, () => {
      assert.equal(isPromise(value), false);
    });
  }
});
