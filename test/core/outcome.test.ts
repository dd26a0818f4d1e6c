import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError } from '../../src/errors.ts';
import type { Exchange } from '../../src/exchange.ts';
import { Continue, type ServerMethod } from '../../src/method.ts';
import { type Outcome, endOf, prepareOnce, verifyOnce } from '../../src/outcome.ts';
import { fakeExchange } from '../support/exchange.ts';
import { evidence, fakeMethod } from '../support/method.ts';
import { memoryStore } from '../../src/stores/memory.ts';

const noServices = { store: memoryStore() };

const bad = new AuthError('x-bad', 'no');

// `verifyOnce` may throw nothing and answer at once; here every answer is waited for.
const ask = async (method: ServerMethod, exchange: Exchange): Promise<Outcome> =>
  verifyOnce(method, exchange, noServices);

describe('verifyOnce', () => {
  const good = evidence('key:a', { authenticatedAt: new Date(0) });
  const step = new Continue({ 'www-authenticate': 'Step' });
  for (const [what, answer] of [
    ['evidence', good],
    ['null', null],
    ['another step', step],
    ['evidence, some time later', () => Promise.resolve(good)],
  ] as const) {
    it(`passes on ${what}`, async () => {
      const expected: unknown = typeof answer === 'function' ? good : answer;
      assert.equal(await ask(fakeMethod('m', answer), fakeExchange()), expected);
    });
  }

  it('asks once for each request and method, however often and however soon it is asked', async () => {
    const method = fakeMethod('m', () => Promise.resolve(good));
    const exchange = fakeExchange();
    await Promise.all([ask(method, exchange), ask(method, exchange)]);
    await ask(method, exchange);
    assert.equal(method.calls, 1);
    await ask(method, fakeExchange());
    assert.equal(method.calls, 2);
  });

  it('answers at once where the method does, also the second time', () => {
    const exchange = fakeExchange();
    const method = fakeMethod('m', good);
    assert.equal(verifyOnce(method, exchange, noServices), good);
    assert.equal(verifyOnce(method, exchange, noServices), good);
    assert.equal(verifyOnce(fakeMethod('n', null), exchange, noServices), null);
    assert.equal(method.calls, 1);
  });

  it('does not ask again where the answer was null', async () => {
    const method = fakeMethod('m', null);
    const exchange = fakeExchange();
    await ask(method, exchange);
    assert.equal(await ask(method, exchange), null);
    assert.equal(method.calls, 1);
  });

  it('keeps methods of one name apart', async () => {
    const exchange = fakeExchange();
    await ask(fakeMethod('m'), exchange);
    assert.equal(await ask(fakeMethod('m', null), exchange), null);
  });

  for (const [when, answer] of [
    ['at once', bad],
    ['later', () => Promise.reject(bad)],
  ] as const) {
    it(`remembers what is thrown ${when}, and does not ask again`, async () => {
      const method = fakeMethod('m', answer);
      const exchange = fakeExchange();
      await assert.rejects(ask(method, exchange), bad);
      await assert.rejects(ask(method, exchange), bad);
      assert.equal(method.calls, 1);
    });
  }

  for (const thrown of [undefined, null, false, 0, '', 'x', {}]) {
    it(`makes an error of ${JSON.stringify(thrown) ?? 'undefined'}, should a method throw it`, async () => {
      const method = fakeMethod('m', () => {
        throw thrown;
      });
      await assert.rejects(ask(method, fakeExchange()), { name: 'TypeError', cause: thrown });
    });
  }

  for (const [what, answer] of [
    ['undefined', () => undefined],
    ['true', true],
    ['a string', 'key:a'],
    ['an empty object', {}],
    ['evidence with an empty subject', evidence('')],
    ['evidence with a subject that is no text', { subject: ['key:a'] }],
    ['an age that is no instant', evidence('key:a', { authenticatedAt: new Date(Number.NaN) })],
    ['an age as text', evidence('key:a', { authenticatedAt: '2030-01-01T00:00:00Z' })],
    ['an age as a number', evidence('key:a', { authenticatedAt: 0 })],
    ['an age that is null', evidence('key:a', { authenticatedAt: null })],
    ['an end that is no instant', evidence('key:a', { notAfter: new Date(Number.NaN) })],
    ['an end as a number', evidence('key:a', { notAfter: 0 })],
  ] as const) {
    it(`takes ${what} for a fault of the method, not for proof`, async () => {
      await assert.rejects(ask(fakeMethod('m', answer), fakeExchange()), TypeError);
    });
  }
});

describe('the end of evidence', () => {
  const now = new Date('2030-01-01T00:00:00Z');
  const ending = (at: number) => evidence('key:a', { notAfter: new Date(at) });

  it('is the last instant at which it holds', async () => {
    const last = ending(now.getTime());
    assert.equal(await ask(fakeMethod('m', last), fakeExchange({ now })), last);
  });

  it('refuses it from the next one on, whether it comes at once or later', async () => {
    const past = ending(now.getTime() - 1);
    for (const answer of [past, () => Promise.resolve(past)]) {
      const exchange = fakeExchange({ now });
      const method = fakeMethod('m', answer);
      const expired = { code: 'ERR_CREDENTIAL_EXPIRED', status: 401, message: /m found/ };
      for (let i = 0; i < 2; i++) await assert.rejects(ask(method, exchange), expired);
      assert.equal(method.calls, 1);
    }
  });

  it('cannot be put off by setting its Date', async () => {
    const shared = ending(now.getTime());
    const method = fakeMethod('m', shared);
    await ask(method, fakeExchange({ now }));
    shared.notAfter!.setTime(now.getTime() + 60_000);
    const later = fakeExchange({ now: new Date(now.getTime() + 1) });
    await assert.rejects(ask(method, later), { code: 'ERR_CREDENTIAL_EXPIRED' });
    assert.equal(endOf(shared), now.getTime());
  });
});

describe('prepareOnce', () => {
  it('prepares once, before verify, also where nobody did so early', async () => {
    const seen: string[] = [];
    const method = fakeMethod('m', () => (seen.push('verify'), evidence('key:a')), {
      prepare: () => void seen.push('prepare'),
    });
    const exchange = fakeExchange();
    prepareOnce(method, exchange);
    prepareOnce(method, exchange);
    await ask(method, exchange);
    assert.deepEqual(seen, ['prepare', 'verify']);
    await ask(method, fakeExchange());
    assert.deepEqual(seen, ['prepare', 'verify', 'prepare', 'verify']);
  });

  it('takes a promise for a fault of the method, which nobody would wait for', async () => {
    const late: (() => unknown)[] = [async () => {}, () => Promise.reject(new Error('later'))];
    for (const prepare of late) {
      const exchange = fakeExchange();
      const method = fakeMethod('m', evidence('key:a'), { prepare: prepare });
      prepareOnce(method, exchange);
      await assert.rejects(ask(method, exchange), TypeError);
      assert.equal(method.calls, 0);
    }
  });

  it('lets the method see the exchange with itself as `this`', () => {
    const exchange = fakeExchange();
    const method = fakeMethod('m', null, {
      prepare(given) {
        assert.equal(this, method);
        assert.equal(given, exchange);
      },
    });
    prepareOnce(method, exchange);
  });

  for (const thrown of [bad, new Error('a bug'), undefined, null, false, 0, '']) {
    it(`does not throw ${String(thrown)}; verifying does, without asking the method`, async () => {
      const method = fakeMethod('m', evidence('key:a'), {
        prepare() {
          throw thrown;
        },
      });
      const exchange = fakeExchange();
      prepareOnce(method, exchange);
      await assert.rejects(ask(method, exchange), (error: unknown) =>
        thrown instanceof Error ? error === thrown : error instanceof TypeError,
      );
      assert.equal(method.calls, 0);
    });
  }
});
