import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError } from '../../src/errors.ts';
import type { Policy } from '../../src/policy.ts';
import type { ResponseProof } from '../../src/proof.ts';
import { type VerifierOptions, createVerifier } from '../../src/verifier.ts';
import { configError } from '../support/errors.ts';
import { fakeExchange } from '../support/exchange.ts';
import { fakeMethod } from '../support/method.ts';

const proof: ResponseProof = {
  name: 'p',
  read() {},
  digest: () => '',
  digesting: () => ({ chunk() {}, end: () => '' }),
  prove: () => ({}),
};
const authorities = ['https://localhost'];

function verifier(options: Partial<VerifierOptions> = {}) {
  return createVerifier({ methods: [fakeMethod('m')], authorities, proof, ...options });
}

describe('the proof of a verifier', () => {
  it('is that of every route, unless its policy says otherwise', () => {
    const given = verifier();
    assert.equal(given.proof, proof);
    assert.equal(given.withPolicy({ allow: [] }).proof, proof);
    const off = given.withPolicy({ proof: 'off' });
    assert.equal(off.proof, 'off');
    assert.equal(off.withPolicy({ allow: [] }).proof, 'off');
    assert.equal(off.withPolicy({ proof: 'require' }).proof, proof);
  });

  it('is not there where none is given', () => {
    const none = createVerifier({ methods: [fakeMethod('m')] });
    assert.equal(none.proof, undefined);
    assert.equal(none.withPolicy({ proof: 'off' }).proof, 'off');
  });

  for (const [what, options, path] of [
    ['no proof', { proof: {} as ResponseProof }, 'proof'],
    ['null', { proof: null as unknown as ResponseProof }, 'proof'],
    ['undefined', { proof: undefined as unknown as ResponseProof }, 'proof'],
    ['a policy that is neither', { policy: { proof: 'on' } as unknown as Policy }, 'policy.proof'],
    ['an unset policy', { policy: { proof: undefined } as unknown as Policy }, 'policy.proof'],
  ] as const) {
    it(`is refused while the program starts: ${what}`, () => {
      assert.throws(() => verifier(options), configError(path));
    });
  }

  it('needs authorities that it speaks for', () => {
    assert.throws(
      () => createVerifier({ methods: [fakeMethod('m')], proof }),
      configError('authorities', /must be said with `proof`/),
    );
  });

  it('cannot be required of a verifier that has none', () => {
    const none = createVerifier({ methods: [fakeMethod('m')] });
    assert.throws(() => none.withPolicy({ proof: 'require' }), configError('policy.proof'));
  });

  it('refuses a request that asks for it in a way that cannot be read, before any method', async () => {
    const method = fakeMethod('m');
    const failing: ResponseProof = {
      ...proof,
      read() {
        throw new AuthError('ERR_SIGNATURE_MALFORMED', 'unreadable');
      },
    };
    const given = verifier({ methods: [method], proof: failing });
    const decision = await given.decide(fakeExchange({ authority: 'localhost' }));
    assert.equal(decision.outcome === 'refused' && decision.response.status, 400);
    assert.equal(method.calls, 0);
    const off = given.withPolicy({ proof: 'off' });
    const accepted = await off.decide(fakeExchange({ authority: 'localhost' }));
    assert.equal(accepted.outcome, 'accepted');
  });
});
