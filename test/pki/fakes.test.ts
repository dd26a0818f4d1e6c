import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError, ConfigError } from '../../src/errors.ts';
import type { Exchange } from '../../src/exchange.ts';
import { Identity } from '../../src/identity.ts';
import { fakeIdentity, fakeVerifier } from '../../src/pki/testing.ts';

// A fake looks at nothing of the request.
const exchange = {} as Exchange;

describe('fakeIdentity', () => {
  it('is an identity like one that was proven', () => {
    const identity = fakeIdentity();
    assert.ok(Identity.isIdentity(identity));
    assert.equal(identity.subject, 'dns:client.test');
    assert.equal(identity.method, 'mtls');
  });

  it('has certificate evidence that follows the subject', () => {
    const spiffe = fakeIdentity({ subject: 'spiffe://bank.example/teller' }).evidence.mtls;
    assert.equal(spiffe?.spiffeId, 'spiffe://bank.example/teller');
    assert.deepEqual(spiffe.uris, ['spiffe://bank.example/teller']);
    assert.deepEqual(fakeIdentity({ subject: 'dns:a.test' }).evidence.mtls?.dnsNames, ['a.test']);
    assert.deepEqual(fakeIdentity({ subject: 'email:a@b.test' }).evidence.mtls?.emails, [
      'a@b.test',
    ]);
    assert.deepEqual(fakeIdentity({ subject: 'upn:a@b.test' }).evidence.mtls?.upns, ['a@b.test']);
    assert.equal(fakeIdentity({ subject: 'dn:CN=a' }).evidence.mtls?.subjectDn, 'CN=a');
  });

  it('has the evidence it is given, of several methods', () => {
    const authenticatedAt = new Date(0);
    const identity = fakeIdentity({
      method: 'scram',
      subject: 'user:alice',
      evidence: { scram: { authenticatedAt }, mtls: { subject: 'dns:a.test', serialNumber: '7' } },
    });
    assert.equal(identity.subject, 'user:alice');
    assert.equal(identity.method, 'scram');
    assert.deepEqual(identity.authenticatedAt, authenticatedAt);
    assert.deepEqual(identity.evidence['scram'], { subject: 'user:alice', authenticatedAt });
    assert.equal(identity.evidence.mtls?.serialNumber, '7');
    assert.deepEqual(identity.evidence.mtls?.dnsNames, ['a.test']);
  });

  it('refuses an option that is none', () => {
    assert.throws(() => fakeIdentity({ subjet: 'x' } as never), /Did you mean `subject`/);
  });
});

describe('fakeVerifier', () => {
  it('accepts every request as the identity, whatever the policy', async () => {
    const identity = fakeIdentity();
    const verifier = fakeVerifier(identity);
    for (const one of [verifier, verifier.withPolicy({ allow: [] })]) {
      assert.deepEqual(await one.decide(exchange), { outcome: 'accepted', identity });
    }
  });

  it('refuses every request with the error', async () => {
    const error = new AuthError('ERR_NOT_ALLOWED', 'not today');
    const decision = await fakeVerifier(error).decide(exchange);
    assert.equal(decision.outcome, 'refused');
    assert.ok(decision.outcome === 'refused');
    assert.equal(decision.error, error);
    assert.equal(decision.response.status, 403);
  });

  it('refuses to be anything else', () => {
    assert.throws(() => fakeVerifier({ subject: 'dns:a' } as never), ConfigError);
    assert.throws(() => fakeVerifier(new Error('x') as never), ConfigError);
  });
});
