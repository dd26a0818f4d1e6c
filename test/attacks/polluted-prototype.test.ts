// What the attacker has: some other code of the process lets him write members of `Object.prototype`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MutualAuthModule } from '../../adapters/nest/index.ts';
import { MutualAuthStrategy } from '../../adapters/passport.ts';
import { readServerOptions } from '../../src/client/expected-server.ts';
import { createVerifier } from '../../src/index.ts';
import { checkPolicy } from '../../src/policy.ts';
import { configError } from '../support/errors.ts';
import { fakeExchange } from '../support/exchange.ts';
import { fakeMethod } from '../support/method.ts';
import { authority } from '../support/pki.ts';

/** Runs `attacked` while every object has this member. */
function polluted<T>(name: string, value: unknown, attacked: () => T): T {
  // oxlint-disable-next-line eslint/no-extend-native
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true });
  try {
    return attacked();
  } finally {
    Reflect.deleteProperty(Object.prototype, name);
  }
}

const absent = fakeMethod('absent', null);

describe('a member of Object.prototype', () => {
  it('lets nobody pass a policy that is made afterwards', () => {
    polluted('allowAnonymous', true, () => {
      const verifier = createVerifier({ methods: [absent] });
      for (const one of [verifier, verifier.withPolicy({}), verifier.withPolicy({ maxAge: 5 })]) {
        const decision = one.decide(fakeExchange());
        assert.equal('outcome' in decision && decision.outcome, 'refused');
      }
    });
  });

  it('is no member of a policy', () => {
    for (const [name, value] of [
      ['allow', []],
      ['authorize', () => true],
      ['maxAge', 5],
    ] as const) {
      const { matchers, authorize, maxAge } = polluted(name, value, () =>
        checkPolicy({}, [absent]),
      );
      assert.deepEqual([matchers, authorize, maxAge], [undefined, undefined, undefined], name);
    }
  });

  it('says nothing of how proofs are bound', () => {
    const methods = [absent, fakeMethod('other', null)];
    polluted('bind', 'none', () => {
      assert.throws(
        () => checkPolicy({ require: { allOf: ['absent', 'other'] } }, methods),
        configError('policy.require.bind'),
      );
    });
  });

  it('says nothing of where the service lives', () => {
    const cross = fakeExchange({ method: 'POST', fields: { origin: 'https://evil.example' } });
    const ambient = fakeMethod('ambient', undefined, { ambient: true });
    const verifier = polluted('origins', ['https://evil.example'], () =>
      createVerifier({ methods: [ambient] }),
    );
    const decision = verifier.decide(cross);
    assert.equal('outcome' in decision && decision.outcome, 'refused');
  });

  it('is no verifier of a Nest module and no policy of a strategy', () => {
    const verifier = createVerifier({ methods: [absent] });
    polluted('policy', { allowAnonymous: true }, () => {
      const strategy = new MutualAuthStrategy({ verifier });
      const [plan] = Object.getOwnPropertySymbols(strategy).map(
        (symbol) => (strategy as unknown as Record<symbol, unknown>)[symbol],
      );
      assert.equal((plan as { verifier: unknown }).verifier, verifier);
      const { providers = [] } = MutualAuthModule.forRoot({ verifier });
      const [settings] = providers as { useValue: { verifier: unknown } }[];
      assert.equal(settings!.useValue.verifier, verifier);
    });
  });

  it('names no other server to a client', () => {
    const { spiffeIds } = polluted('spiffeId', 'spiffe://evil.example/x', () =>
      readServerOptions({ origins: ['https://localhost'], ca: authority.cert }),
    );
    assert.equal(spiffeIds, undefined);
  });
});
