import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LeafRecord } from '../../src/peer/leaf-record.ts';

describe('LeafRecord', () => {
  it('keeps ten thousand leaves, and then forgets the one that was seen longest ago', () => {
    const record = new LeafRecord('some CAs');
    for (let i = 0; i < 10_000; i++) record.add(`leaf ${i}`);
    assert.equal(record.has('leaf 0'), true);
    record.add('leaf 0'); // seen again
    record.add('one more');
    assert.equal(record.has('leaf 1'), false);
    for (const kept of ['leaf 0', 'leaf 2', 'leaf 9999', 'one more']) {
      assert.equal(record.has(kept), true, kept);
    }
  });

  it('does not have what was never seen', () => {
    assert.equal(new LeafRecord('some CAs').has('leaf'), false);
  });
});
