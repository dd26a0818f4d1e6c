import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { equalInConstantTime } from '../../src/crypto/constant-time.ts';

describe('equalInConstantTime', () => {
  const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);

  it('tells equal bytes from others', () => {
    assert.equal(equalInConstantTime(bytes(1, 2), Buffer.from([1, 2])), true);
    assert.equal(equalInConstantTime(bytes(1, 2), bytes(1, 3)), false);
    assert.equal(equalInConstantTime(bytes(), bytes()), true);
  });

  it('tells apart what is not of one length', () => {
    assert.equal(equalInConstantTime(bytes(1, 2), bytes(1, 2, 0)), false);
    assert.equal(equalInConstantTime(bytes(), bytes(0)), false);
  });
});
