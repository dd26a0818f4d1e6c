import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { integer, sequence, utcTime } from '../../src/pki/der-writer.ts';
import { testAuthority, type IssueOptions } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { certificateText, openssl, verifyChain } from './openssl.ts';

const root = testAuthority();
const stranger = testAuthority();
const day = 86_400_000;

const basicConstraints = '2.5.29.19';

describe('a certificate with one defect', () => {
  const refused: readonly (readonly [what: string, options: IssueOptions, verdict: RegExp])[] = [
    ['is past its end', { notAfter: new Date(Date.now() - day) }, /certificate has expired/],
    ['is not valid yet', { notBefore: new Date(Date.now() + day) }, /not yet valid/],
    ['is for other purposes', { usage: 'codeSigning' }, /unsuitable certificate purpose/],
    ['is for servers only', { usage: 'serverAuth' }, /unsuitable certificate purpose/],
    ['is signed with a wrong key', { signWith: stranger.keyPair.privateKey }, /signature failure/],
    ['has a signature that was changed', { tampered: true }, /signature failure/],
    ['is self-signed', { selfSigned: true }, /self-signed certificate/],
    ['names another issuer', { issuer: 'nobody' }, /unable to get local issuer/],
    [
      'names another key of its issuer',
      { authorityKeyId: Buffer.alloc(20) },
      /unable to get local issuer/,
    ],
    [
      'has a critical extension that nobody knows',
      { extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] },
      /unhandled critical extension/,
    ],
    [
      'has no usage for signatures in TLS',
      { keyUsage: ['keyCertSign'] },
      /unsuitable certificate purpose/,
    ],
  ];
  for (const [what, options, verdict] of refused) {
    it(`${what}, and openssl says so`, () => {
      const { leaf } = root.issue(options);
      const { ok, text } = verifyChain({ leaf, root: root.cert }, '-purpose', 'sslclient');
      assert.equal(ok, false);
      assert.match(text, verdict);
    });
  }

  it('is signed with SHA-1, by EC and by RSA', () => {
    assert.match(certificateText(root.issue({ hash: 'sha1' }).leaf), /ecdsa-with-SHA1/);
    const rsa = testAuthority({ keyType: 'rsa-2048' });
    assert.match(certificateText(rsa.issue({ hash: 'sha1' }).leaf), /sha1WithRSAEncryption/);
  });

  it('has a key that is too small', () => {
    const text = certificateText(root.issue({ keyType: 'rsa-1024' }).leaf);
    assert.match(text, /Public-Key: \(1024 bit\)/);
  });

  it('is an authority, or says nothing of it', () => {
    assert.equal(new X509Certificate(root.issue({ ca: true }).der).ca, true);
    assert.doesNotMatch(certificateText(root.issue({ ca: null }).leaf), /Basic Constraints/);
  });

  it('lacks the extensions that are null', () => {
    const text = certificateText(
      root.issue({
        ca: null,
        usage: null,
        keyUsage: null,
        subjectKeyId: null,
        authorityKeyId: null,
        dnsNames: [],
      }).leaf,
    );
    assert.doesNotMatch(text, /X509v3/);
  });

  it('has a serial number that is zero, negative or too long', () => {
    const serial = (serialNumber: bigint) =>
      readCertificate(root.issue({ serialNumber }).der).serialNumber;
    assert.equal(serial(0n), '0');
    assert.equal(serial(-5n), '-5');
    assert.equal(serial(1n << 200n), (1n << 200n).toString(16).toUpperCase());
  });

  it('is revoked whatever its serial number', () => {
    const odd = root.issue({ serialNumber: -5n });
    root.revoke(odd);
    assert.match(openssl(['crl', '-noout', '-text'], root.crl().pem).text, /Serial Number: -05/);
  });

  it('has an extension in place of its own, and two where it is given twice', () => {
    const own = { oid: basicConstraints, value: Buffer.from('3003020100', 'hex') };
    const count = (options: IssueOptions) =>
      certificateText(root.issue(options).leaf).match(/Basic Constraints/g)?.length;
    assert.equal(count({ extensions: [own] }), 1);
    assert.equal(count({ extensions: [own, own] }), 2);
    assert.throws(() => readCertificate(root.issue({ extensions: [own, own] }).der), /twice/);
  });

  it('carries raw bytes in names: NUL, marks that turn the text around, bytes that are no text', () => {
    const has = (options: IssueOptions, bytes: Buffer) => root.issue(options).der.includes(bytes);
    const nul = Buffer.from('good.example\0.evil.example');
    assert.ok(has({ dnsNames: [nul] }, nul));
    assert.ok(has({ dnsNames: [nul.toString()] }, nul));
    const turned = 'alice\u202e\u200f';
    assert.ok(has({ subject: turned }, Buffer.from(turned)));
    assert.ok(has({ emails: ['b\u00fccher@example.com'] }, Buffer.from('b\u00fccher@example.com')));
    assert.ok(has({ uris: [Buffer.of(0xff, 0xfe)] }, Buffer.of(0x86, 2, 0xff, 0xfe)));
    assert.ok(has({ ips: [Buffer.of(1, 2, 3)] }, Buffer.of(0x87, 3, 1, 2, 3)));
    assert.ok(has({ upns: [nul] }, nul));
    assert.ok(has({ subject: [{ type: 'CN', value: nul, as: 'printable' }] }, nul));
  });

  it('has any field of the signed part rewritten, and the signature still holds', () => {
    const issuer = new X509Certificate(root.cert);
    const rewritten = (rewrite: NonNullable<IssueOptions['rewrite']>) => root.issue({ rewrite });

    const first = rewritten(([, ...fields]) => fields.slice(0, -1));
    assert.match(certificateText(first.leaf), /Version: 1 /);
    assert.ok(new X509Certificate(first.der).verify(issuer.publicKey));

    const times = sequence(utcTime(new Date(0)), utcTime(new Date(0)));
    const { der } = rewritten((fields) => fields.with(4, times));
    assert.equal(readCertificate(der).notAfter.getTime(), 0);

    const mixed = rewritten((fields) => fields.with(2, sequence(integer(1))));
    assert.throws(() => readCertificate(mixed.der), /two different signature algorithms/);
  });
});
