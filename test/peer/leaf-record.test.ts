import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LeafRecord } from '../../src/peer/leaf-record.ts';

const now = Date.now();

describe('LeafRecord', () => {
  it('keeps ten thousand leaves, and then forgets the one that was seen longest ago', () => {
    const record = new LeafRecord('some CAs');
    for (let i = 0; i < 10_000; i++) record.add(`leaf ${i}`, now);
    assert.equal(record.has('leaf 0', now), true);
    record.add('leaf 0', now); // seen again
    record.add('one more', now);
    assert.equal(record.has('leaf 1', now), false);
    for (const kept of ['leaf 0', 'leaf 2', 'leaf 9999', 'one more']) {
      assert.equal(record.has(kept, now), true, kept);
    }
  });

  it('does not have what was never seen', () => {
    assert.equal(new LeafRecord('some CAs').has('leaf', now), false);
  });

  it('forgets a leaf an hour after its full handshake', () => {
    const record = new LeafRecord('some CAs');
    record.add('leaf', now);
    assert.equal(record.has('leaf', now + 3_599_999), true);
    assert.equal(record.has('leaf', now + 3_600_000), false);
  });
});
