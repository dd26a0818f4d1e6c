import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { announce, publish } from '../../src/events.ts';
import { fakeExchange } from '../support/exchange.ts';

/** What the channel gets while `run` runs. */
function heard(channel: string, run: () => void): readonly unknown[] {
  const messages: unknown[] = [];
  const listen = (message: unknown): void => void messages.push(message);
  subscribe(channel, listen);
  run();
  unsubscribe(channel, listen);
  return messages;
}

describe('publish', () => {
  const details = { subject: 'key:a', method: 'm' };

  it('sends the details with a summary of the request', () => {
    const exchange = fakeExchange({ method: 'POST', target: '/pay' });
    assert.deepEqual(
      heard('countersign:accepted', () => publish('accepted', exchange, () => details)),
      [{ request: { method: 'POST', path: '/pay', address: '192.0.2.7' }, ...details }],
    );
  });

  for (const event of ['accepted', 'refused', 'proof'] as const) {
    it(`sends ${event} on a channel of its own`, () => {
      const send = (): void => publish(event, fakeExchange(), () => details as never);
      assert.equal(heard(`countersign:${event}`, send).length, 1);
    });
  }

  for (const [target, path] of [
    ['/pay?token=secret', '/pay'],
    ['/pay#secret', '/pay'],
    ['/pay?a\n?b=secret', '/pay'],
    ['?secret', ''],
    ['*', '*'],
    ['https://user:secret@api.example/pay?token=secret', '/pay'],
    ['ws://user:secret@api.example', ''],
    ['/pay?to=https://api.example/', '/pay'],
  ] as const) {
    it(`says ${path} of ${JSON.stringify(target)}`, () => {
      const [message] = heard('countersign:accepted', () =>
        publish('accepted', fakeExchange({ target }), () => details),
      );
      assert.equal((message as { request: { path: string } }).request.path, path);
    });
  }

  it('makes no message where nobody listens', () => {
    publish('accepted', fakeExchange(), () => assert.fail('made one'));
  });
});

describe('announce', () => {
  const message = { version: 'v20.19.0', reason: 'old' };

  it('sends insecure-runtime on a channel of its own', () => {
    const send = (): void => assert.equal(announce('insecure-runtime', message), true);
    assert.deepEqual(heard('countersign:insecure-runtime', send), [message]);
  });

  it('says that nobody listens', () => {
    assert.equal(announce('insecure-runtime', message), false);
  });
});
