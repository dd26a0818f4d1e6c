import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CertificateEvidence } from '../../../src/identity.ts';
import {
  type CertificateSubject,
  certificateEvidence,
} from '../../../src/methods/mtls/protocol.ts';
import { type IssueOptions, testAuthority } from '../../../src/pki/testing.ts';
import { readCertificate } from '../../../src/x509/certificate.ts';
import { authError } from '../../support/errors.ts';

const root = testAuthority({ subject: 'ca' });
const evidenceOf = (options: IssueOptions, subject?: CertificateSubject): CertificateEvidence =>
  certificateEvidence(readCertificate(root.issue(options).der), 'tls', subject);

describe('certificateEvidence', () => {
  it('says everything that the certificate says of its holder', () => {
    const issued = root.issue({
      subject: 'alice',
      dnsNames: ['A.example'],
      emails: ['x@a.example'],
      spiffeId: 'spiffe://a/x',
      ips: ['::1'],
      upns: ['alice@corp'],
      notBefore: new Date('2030-01-01T00:00:00Z'),
      notAfter: new Date('2031-01-01T00:00:00Z'),
      serialNumber: 0xab,
    });
    assert.deepEqual(certificateEvidence(readCertificate(issued.der), 'tls'), {
      subject: 'spiffe://a/x',
      spiffeId: 'spiffe://a/x',
      dnsNames: ['a.example'],
      emails: ['x@a.example'],
      uris: ['spiffe://a/x'],
      ips: ['::1'],
      upns: ['alice@corp'],
      subjectDn: 'CN=alice',
      issuerDn: 'CN=ca',
      x5tS256: issued.x5tS256,
      spkiSha256: issued.spkiSha256,
      serialNumber: 'AB',
      notBefore: new Date('2030-01-01T00:00:00Z'),
      notAfter: new Date('2031-01-01T00:00:00Z'),
      source: 'tls',
    });
  });

  it('has no SPIFFE ID where there is none, and cannot be changed', () => {
    const evidence = evidenceOf({});
    assert.equal('spiffeId' in evidence, false);
    assert.ok(Object.isFrozen(evidence));
  });

  const two = ['a.example', 'b.example'];
  const subjects: readonly (readonly [options: IssueOptions, subject: string])[] = [
    [{ spiffeId: 'spiffe://a/x', dnsNames: ['a.example'] }, 'spiffe://a/x'],
    [{ dnsNames: ['a.example'], emails: ['x@a.example'], upns: ['u@corp'] }, 'dns:a.example'],
    [{ emails: ['x@a.example'], upns: ['u@corp'] }, 'email:x@a.example'],
    [{ upns: ['u@corp'] }, 'upn:u@corp'],
    [{ dnsNames: two, emails: ['x@a.example'] }, 'email:x@a.example'],
    [{ dnsNames: two, emails: ['x@a.example', 'y@a.example'], upns: ['u@corp'] }, 'upn:u@corp'],
    [{ dnsNames: two }, 'dn:CN=test leaf'],
    [{ uris: ['https://a.example/x'] }, 'dn:CN=test leaf'],
    [{ ips: ['192.0.2.7'] }, 'dn:CN=test leaf'],
    [{ dnsNames: [], subject: 'a.example' }, 'dn:CN=a.example'],
    [{ dnsNames: [], subject: 'x,CN=admin' }, 'dn:CN=x\\,CN=admin'],
    [{ dnsNames: ['a.example'], subject: [] }, 'dns:a.example'],
  ];
  for (const [options, subject] of subjects) {
    it(`calls the holder of ${JSON.stringify(options)} ${subject}`, () => {
      assert.equal(evidenceOf(options).subject, subject);
    });
  }

  it('never takes a name of one kind for one of another', () => {
    const texts = [
      evidenceOf({ dnsNames: ['a.example'] }),
      evidenceOf({ dnsNames: [], subject: 'a.example' }),
      evidenceOf({ upns: ['a.example'] }),
    ].map(({ subject }) => subject);
    assert.equal(new Set(texts).size, 3);
  });

  it('refuses a certificate that names nobody', () => {
    for (const names of [{ dnsNames: [] }, { dnsNames: two }, { ips: ['::1'] }]) {
      assert.throws(
        () => evidenceOf({ ...names, subject: [] }),
        authError('ERR_CERTIFICATE_NAME', /no single name/),
      );
    }
  });

  it("refuses a claim that breaks SPIFFE's rules, whoever chooses the subject", () => {
    const options = { uris: ['spiffe://a/x', 'spiffe://a/y'] };
    assert.throws(() => evidenceOf(options), authError('ERR_CERTIFICATE_NAME', /second URI/));
    assert.throws(() => evidenceOf(options, () => 'user:x'), authError('ERR_CERTIFICATE_NAME'));
  });

  it('lets the program choose the subject from everything that is known', () => {
    let given: Omit<CertificateEvidence, 'subject'> | undefined;
    const evidence = evidenceOf({ upns: ['u@corp'] }, (facts) => {
      given = facts;
      return `user:${facts.upns[0]}`;
    });
    assert.equal(evidence.subject, 'user:u@corp');
    const { subject: _, ...facts } = evidence;
    assert.deepEqual(given, facts);
  });

  it('falls back to the usual rule where the program does not choose', () => {
    assert.equal(evidenceOf({ upns: ['u@corp'] }, () => undefined).subject, 'upn:u@corp');
    const nameless = { dnsNames: [], subject: [] };
    assert.throws(() => evidenceOf(nameless, () => undefined), authError('ERR_CERTIFICATE_NAME'));
    assert.equal(evidenceOf(nameless, () => 'user:x').subject, 'user:x');
  });
});
