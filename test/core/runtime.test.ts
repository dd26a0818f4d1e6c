import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insecureRuntime } from '../../src/runtime.ts';
import { createVerifier } from '../../src/verifier.ts';
import { recordEvents } from '../support/events.ts';
import { fakeMethod } from '../support/method.ts';

describe('insecureRuntime', () => {
  for (const [version, date, insecure] of [
    ['v20.20.2', '2026-04-29T23:59:59Z', false],
    ['v20.20.2', '2026-04-30', true],
    ['v21.7.3', '2026-04-30', true],
    ['v22.23.3', '2026-11-25', false],
    ['v22.23.3', '2027-04-30', true],
    ['v23.11.1', '2026-11-25', true],
    ['v24.21.0', '2026-11-25', false],
    ['v25.9.0', '2026-11-25', true],
    ['v26.10.0', '2026-11-25', false],
    ['v27.0.0', '2050-01-01', false],
    ['20', '2050-01-01', false],
  ] as const) {
    it(`says ${insecure ? 'why' : 'nothing'} of ${version} at ${date}`, () => {
      assert.equal(insecureRuntime(version, new Date(date)) !== undefined, insecure);
    });
  }

  it('names the line, the day and the danger', () => {
    assert.equal(
      insecureRuntime('v20.20.2', new Date('2026-11-25')),
      'Node.js 20 is past its end of life (2026-04-30): holes in its TLS are no longer closed',
    );
  });
});

describe('createVerifier', () => {
  const create = () => createVerifier({ methods: [fakeMethod('m')] });

  it('publishes no insecure-runtime on a Node that is looked after', () => {
    using events = recordEvents();
    onNode('v27.0.0', create);
    assert.deepEqual(events['insecure-runtime'], []);
  });

  // All of it in one test: a process that has been told is told no more.
  it('publishes insecure-runtime once, when somebody listens, whatever nobody heard before', () => {
    onNode('v21.7.3', create);
    using events = recordEvents();
    onNode('v21.7.3', create);
    onNode('v21.7.3', create);
    assert.deepEqual(events['insecure-runtime'], [
      { version: 'v21.7.3', reason: insecureRuntime('v21.7.3', new Date()) },
    ]);
  });
});

/** What `run` gives where the process says that it is this Node. */
function onNode<Result>(version: string, run: () => Result): Result {
  const own = Object.getOwnPropertyDescriptor(process, 'version')!;
  Object.defineProperty(process, 'version', { ...own, value: version });
  try {
    return run();
  } finally {
    Object.defineProperty(process, 'version', own);
  }
}
