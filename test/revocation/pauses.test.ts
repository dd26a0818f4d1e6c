import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withPauses } from '../../src/revocation/pauses.ts';

describe('withPauses', () => {
  it('lets others have their turn after each step', async () => {
    let turns = 0;
    const seen: number[] = [];
    function others(): void {
      turns++;
      if (seen.length < 10) setImmediate(others);
    }
    setImmediate(others);
    function* work(): Generator<void, string> {
      for (let i = 0; i < 10; i++) {
        seen.push(turns);
        yield;
      }
      return 'done';
    }
    assert.equal(await withPauses(work()), 'done');
    assert.ok(
      seen.every((value, i) => i === 0 || value > seen[i - 1]!),
      seen.join(),
    );
  });

  it('rejects with what a step throws', async () => {
    function* work(): Generator<void, string> {
      yield;
      throw new Error('at the second step');
    }
    await assert.rejects(withPauses(work()), /at the second step/);
  });
});
