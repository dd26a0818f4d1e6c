// The two that stand between undici and a handler, called as undici calls them.
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { Dispatcher } from 'undici';
import type { ConfirmedHead } from '../../src/client/confirm-response.ts';
import { Delivery } from '../../src/client/delivery.ts';
import { HoldingHandler } from '../../src/client/holding-handler.ts';

/** undici's own controller, as far as it is called. */
function upstream() {
  const calls: string[] = [];
  const controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    abort: ({ message }) => void calls.push(`abort ${message}`),
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
  };
  return { calls, controller };
}

/** A handler that keeps what it is told. `act` may answer at once. */
function listener(
  act: (event: string, controller: Dispatcher.DispatchController) => void = () => {},
) {
  const seen: string[] = [];
  const note = (event: string, controller: Dispatcher.DispatchController): void => {
    seen.push(event);
    act(event, controller);
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => note('begin', controller),
    onResponseStart: (controller, status) => note(`head ${status}`, controller),
    onResponseData: (controller, chunk) => note(`data ${chunk.length}`, controller),
    onResponseEnd: (controller) => note('end', controller),
    onResponseError: (controller, { message }) => note(`error ${message}`, controller),
  };
  return { seen, handler };
}

const evidence = { subject: 'key:a', keyId: 'a', signedAt: new Date() };
const good: ConfirmedHead = { evidence, chunk: () => undefined, end: () => ({}) };
const half = Buffer.alloc(600_000);

describe('a HoldingHandler', () => {
  it('stops a long response while its key is looked for, and goes on once it is found', async () => {
    let found: (head: ConfirmedHead) => void = () => undefined;
    const { calls, controller } = upstream();
    const { seen, handler } = listener();
    const holding = new HoldingHandler(handler, () => new Promise((resolve) => (found = resolve)));
    holding.onRequestStart(controller, {});
    holding.onResponseStart(controller, 200, {});
    holding.onResponseData(controller, half);
    assert.deepEqual(calls, []);
    holding.onResponseData(controller, half);
    // What undici had read already.
    holding.onResponseData(controller, half);
    assert.deepEqual([calls, seen], [['pause', 'pause'], ['begin']]);
    found(good);
    await turn();
    assert.deepEqual(calls.slice(2), ['resume', 'resume']);
    const data = ['data 600000', 'data 600000', 'data 600000'];
    assert.deepEqual(seen, ['begin', 'head 200', ...data]);
    holding.onResponseEnd(controller, {});
    assert.equal(seen.at(-1), 'end');
  });

  it('does not go on for a caller that has paused by then', async () => {
    const { calls, controller } = upstream();
    const { seen, handler } = listener((event, own) => event.startsWith('head') && own.pause());
    const holding = new HoldingHandler(handler, async () => good);
    holding.onRequestStart(controller, {});
    holding.onResponseStart(controller, 200, {});
    holding.onResponseData(controller, half);
    holding.onResponseData(controller, half);
    await turn();
    assert.deepEqual(
      [calls, seen],
      [
        ['pause', 'pause'],
        ['begin', 'head 200'],
      ],
    );
  });

  it('tells a caller of a lookup that fails after the end', async () => {
    const { controller } = upstream();
    const { seen, handler } = listener();
    const holding = new HoldingHandler(handler, async () => {
      await turn();
      throw new Error('unknown');
    });
    holding.onRequestStart(controller, {});
    holding.onResponseStart(controller, 200, {});
    holding.onResponseEnd(controller, {});
    await turn();
    await turn();
    assert.deepEqual(seen, ['begin', 'error unknown']);
  });

  it('tells a caller in a later step that the content was another', async () => {
    const { controller } = upstream();
    const { seen, handler } = listener();
    const refusing = (): never => {
      throw new Error('another content');
    };
    const holding = new HoldingHandler(handler, () => ({ ...good, end: refusing }));
    holding.onRequestStart(controller, {});
    holding.onResponseStart(controller, 200, {});
    holding.onResponseEnd(controller, {});
    assert.deepEqual(seen, ['begin']);
    await turn();
    assert.deepEqual(seen, ['begin', 'error another content']);
  });

  for (const large of [true, false]) {
    it(`keeps the caller's own reason to give up a ${large ? 'large' : 'small'} response`, () => {
      const { controller } = upstream();
      let own: Dispatcher.DispatchController | undefined;
      const { seen, handler } = listener((_event, given) => (own = given));
      const holding = new HoldingHandler(handler, () => good);
      holding.onRequestStart(
        { ...controller, abort: (e) => holding.onResponseError(controller, e) },
        {},
      );
      holding.onResponseStart(controller, 200, {});
      for (let i = 0; i < (large ? 2 : 1); i++) holding.onResponseData(controller, half);
      own!.abort(new Error('enough'));
      holding.onResponseError(controller, new Error('again'));
      assert.deepEqual(seen.slice(large ? 4 : 1), ['error enough']);
      assert.equal(own!.aborted, true);
      assert.equal(own!.reason?.message, 'enough');
    });
  }
});

describe('a Delivery', () => {
  function delivery() {
    const failures: string[] = [];
    const { calls, controller } = upstream();
    const own = new Delivery(({ message }) => void failures.push(message));
    own.attach(controller);
    return { calls, failures, own, seen: [] as number[] };
  }

  it('waits while it is paused, in the middle of what is there', () => {
    const { own, seen, calls } = delivery();
    own.add(() => {
      seen.push(1);
      own.pause();
    });
    own.add(() => seen.push(2));
    assert.deepEqual([seen, calls], [[1], ['pause']]);
    own.resume();
    assert.deepEqual(
      [seen, calls],
      [
        [1, 2],
        ['pause', 'resume'],
      ],
    );
    own.resume();
    assert.deepEqual(calls, ['pause', 'resume']);
  });

  it("leaves undici's controller alone once all has come", () => {
    const { own, seen, calls, failures } = delivery();
    own.detach();
    own.pause();
    own.add(() => seen.push(1));
    own.resume();
    own.abort(new Error('enough'));
    assert.deepEqual([seen, calls, failures], [[1], [], ['enough']]);
  });

  it('goes in order where a step adds or resumes', () => {
    const { own, seen } = delivery();
    own.add(() => {
      own.add(() => seen.push(2));
      own.pause();
      own.resume();
      seen.push(1);
    });
    assert.deepEqual(seen, [1, 2]);
  });

  it('ends with what a step throws, and tells of it once', () => {
    const { own, seen, calls, failures } = delivery();
    own.add(() => {
      throw new Error('the handler');
    });
    own.add(() => seen.push(1));
    own.abort(new Error('again'));
    assert.deepEqual([seen, calls], [[], ['abort the handler']]);
    own.detach();
    own.fail(new Error('the handler'));
    own.fail(new Error('again'));
    assert.deepEqual(failures, ['the handler']);
  });

  it('tells of what the last step throws', () => {
    const { own, seen, failures } = delivery();
    own.addLast(() => {
      throw new Error('the end');
    });
    own.add(() => seen.push(1));
    own.abort(new Error('late'));
    assert.deepEqual([seen, failures], [[], ['the end']]);
  });
});
