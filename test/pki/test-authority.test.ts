import assert from 'node:assert/strict';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { testAuthority, type KeyType } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { certificateText, openssl, temporaryDirectory, verifyChain } from './openssl.ts';

const root = testAuthority();
const directory = temporaryDirectory();

describe('testAuthority', () => {
  it('is a root that openssl trusts for what it issues, in both directions', () => {
    const { leaf } = root.issue();
    for (const purpose of ['sslserver', 'sslclient']) {
      const { ok, text } = verifyChain(
        { leaf, root: root.cert },
        '-purpose',
        purpose,
        '-x509_strict',
      );
      assert.ok(ok, text);
    }
  });

  const keyTypes: readonly KeyType[] = ['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'ed25519'];
  for (const keyType of keyTypes) {
    it(`signs with ${keyType}, for node:crypto, openssl and the strict reader`, () => {
      const authority = testAuthority({ keyType });
      const issued = authority.issue({ keyType });
      const certificate = new X509Certificate(issued.der);
      assert.ok(certificate.verify(new X509Certificate(authority.cert).publicKey));
      assert.ok(certificate.checkPrivateKey(createPrivateKey(issued.key)));
      const { ok, text } = verifyChain({ leaf: issued.leaf, root: authority.cert }, '-x509_strict');
      assert.ok(ok, text);
      readCertificate(issued.der);
    });
  }

  it('signs with the hash that fits the curve', () => {
    assert.match(certificateText(testAuthority({ keyType: 'ec-p384' }).cert), /ecdsa-with-SHA384/);
    assert.match(certificateText(testAuthority({ keyType: 'ec-p521' }).cert), /ecdsa-with-SHA512/);
  });

  it('never has the name of another one', () => {
    const subject = (cert: string) => new X509Certificate(cert).subject;
    assert.notEqual(subject(testAuthority().cert), subject(testAuthority().cert));
  });

  it('does not vouch for what another one issued', () => {
    const { leaf } = testAuthority().issue();
    assert.equal(verifyChain({ leaf, root: root.cert }).ok, false);
  });

  it('refuses an option that is none and names the nearest', () => {
    assert.throws(() => testAuthority({ subjct: 'x' } as never), {
      name: 'ConfigError',
      path: 'testAuthority.subjct',
      message: /Did you mean `subject`\?/,
    });
    assert.throws(() => root.issue({ dnsName: [] } as never), ConfigError);
    assert.throws(() => root.crl({ nextUpdated: null } as never), ConfigError);
  });
});

describe('issue', () => {
  it('describes what it issued', () => {
    const issued = root.issue();
    const certificate = new X509Certificate(issued.der);
    assert.equal(issued.leaf, certificate.toString());
    assert.equal(issued.cert, issued.leaf);
    assert.equal(issued.serialNumber, certificate.serialNumber);
    assert.equal(issued.x5tS256, createHash('sha256').update(certificate.raw).digest('base64url'));
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    assert.equal(issued.spkiSha256, createHash('sha256').update(spki).digest('base64url'));
  });

  it('names localhost and its addresses where no name is given, and none where the list is empty', () => {
    const { names } = readCertificate(root.issue().der);
    assert.deepEqual(names.dnsNames, ['localhost']);
    assert.deepEqual(names.ips, ['127.0.0.1', '::1']);
    assert.equal(new X509Certificate(root.issue({ dnsNames: [] }).der).subjectAltName, undefined);
  });

  it('writes every kind of name where the strict reader finds it', () => {
    const { der } = root.issue({
      dnsNames: ['a.example', '*.b.example'],
      emails: ['alice@example.com'],
      spiffeId: 'spiffe://bank.example/teller',
      ips: ['192.0.2.7', '2001:db8::1', '::ffff:192.0.2.7'],
      upns: ['alice@corp.example'],
    });
    const { names } = readCertificate(der);
    assert.deepEqual(names.dnsNames, ['a.example', '*.b.example']);
    assert.deepEqual(names.emails, ['alice@example.com']);
    assert.deepEqual(names.uris, ['spiffe://bank.example/teller']);
    assert.deepEqual(names.ips, ['192.0.2.7', '2001:db8::1', '::ffff:c000:207']);
    assert.deepEqual(names.upns, ['alice@corp.example']);
  });

  it('writes names of other forms as openssl reads them', () => {
    const text = certificateText(
      root.issue({
        otherNames: [
          { directoryName: [{ type: 'O', value: 'Bank' }] },
          { registeredId: '1.2.3.4' },
          { der: Buffer.from('a506a1040c026869', 'hex') },
        ],
      }).leaf,
    );
    assert.match(text, /DirName:\/?O ?= ?Bank, Registered ID:1\.2\.3\.4, EdiPartyName/);
  });

  it('writes a subject in the order, the string types and the groups it was given', () => {
    const { der, leaf } = root.issue({
      subject: [
        { type: 'C', value: 'DE' },
        { type: 'DC', value: 'example' },
        [
          { type: 'CN', value: 'Alice', as: 'bmp' },
          { type: 'UID', value: '7' },
        ],
        { type: '1.2.3.4', value: 'own' },
      ],
    });
    // A text under an unknown type keeps its DER: UTF8String, three bytes.
    assert.match(
      readCertificate(der).subjectDn,
      /^1\.2\.3\.4=#0c036f776e,(CN=Alice\+UID=7|UID=7\+CN=Alice),DC=example,C=DE$/,
    );
    const shown = openssl(['asn1parse'], leaf).text;
    assert.match(shown, /PRINTABLESTRING\s+:DE/);
    assert.match(shown, /IA5STRING\s+:example/);
    assert.match(shown, /BMPSTRING/);
  });

  it('marks the names critical exactly where the subject is empty', () => {
    assert.match(certificateText(root.issue({ subject: [] }).leaf), /Alternative Name: critical/);
    assert.doesNotMatch(certificateText(root.issue().leaf), /Alternative Name: critical/);
  });

  it('is valid from an hour ago for a day more, and stays in order where one end is given', () => {
    const soon = readCertificate(root.issue().der);
    const now = Date.now();
    assert.ok(soon.notBefore.getTime() < now && soon.notAfter.getTime() > now);
    const past = readCertificate(root.issue({ notAfter: new Date(now - 5 * 86_400_000) }).der);
    assert.ok(past.notBefore < past.notAfter && past.notAfter.getTime() < now);
    const future = readCertificate(root.issue({ notBefore: new Date(now + 5 * 86_400_000) }).der);
    assert.ok(future.notBefore < future.notAfter && future.notBefore.getTime() > now);
  });

  it('takes keys that exist already', () => {
    const { keyPair, spkiSha256 } = root.issue();
    assert.equal(root.issue({ keyPair }).spkiSha256, spkiSha256);
  });

  it('writes usages, policies and addresses of revocation services', () => {
    const text = certificateText(
      root.issue({
        usage: ['clientAuth', '1.2.3.4'],
        keyUsage: ['digitalSignature', 'keyAgreement', 'decipherOnly'],
        policies: ['2.16.840.1.101.3.2.1.3.13'],
        crlUris: ['http://crl.example/a', 'http://crl.example/b'],
        ocspUris: ['http://ocsp.example/'],
      }).leaf,
    );
    assert.match(text, /TLS Web Client Authentication, 1\.2\.3\.4/);
    assert.match(text, /Digital Signature, Key Agreement, Decipher Only/);
    assert.match(text, /Policy: 2\.16\.840\.1\.101\.3\.2\.1\.3\.13/);
    assert.match(text, /URI:http:\/\/crl\.example\/a\s[^]*URI:http:\/\/crl\.example\/b/);
    assert.match(text, /OCSP - URI:http:\/\/ocsp\.example\//);
  });
});

describe('intermediate', () => {
  const middle = root.intermediate();
  const lower = middle.intermediate({ pathLength: 0 });

  it('makes leaves carry every intermediate and not the root', () => {
    const certificates = lower.issue().cert.match(/BEGIN CERTIFICATE/g);
    assert.equal(certificates?.length, 3);
    const { leaf } = lower.issue();
    const { ok, text } = verifyChain(
      { leaf, root: root.cert, intermediates: lower.cert + middle.cert },
      '-x509_strict',
    );
    assert.ok(ok, text);
  });

  it('has the path length and the name constraints it is given, and openssl applies them', () => {
    const tooDeep = lower.intermediate();
    const intermediates = tooDeep.cert + lower.cert + middle.cert;
    const deep = verifyChain({ leaf: tooDeep.issue().leaf, root: root.cert, intermediates });
    assert.match(deep.text, /path length constraint exceeded/);

    const confined = root.intermediate({
      nameConstraints: {
        permitted: [{ dnsName: 'bank.example' }, { ip: '10.0.0.0/8' }, { ip: '2001:db8::/33' }],
        excluded: [{ dnsName: 'no.bank.example' }],
      },
    });
    const verdict = (names: object) =>
      verifyChain({
        leaf: confined.issue(names).leaf,
        root: root.cert,
        intermediates: confined.cert,
      });
    assert.ok(verdict({ dnsNames: ['a.bank.example'], ips: ['10.9.9.9', '2001:db8:7fff::1'] }).ok);
    assert.match(verdict({ dnsNames: ['a.other.example'] }).text, /permitted subtree violation/);
    assert.match(verdict({ dnsNames: ['no.bank.example'] }).text, /excluded subtree violation/);
    assert.match(verdict({ ips: ['11.0.0.1'] }).text, /permitted subtree violation/);
    assert.match(verdict({ ips: ['2001:db8:8000::1'] }).text, /permitted subtree violation/);
  });
});

describe('crl', () => {
  function check(leaf: string, crl: string) {
    const file = join(directory, 'crl.pem');
    writeFileSync(file, crl);
    return verifyChain({ leaf, root: root.cert }, '-crl_check', '-CRLfile', file);
  }

  it('lists what was revoked, with reason and date, under the signature of the authority', () => {
    const authority = testAuthority();
    const [lost, plain, good] = [authority.issue(), authority.issue(), authority.issue()];
    authority.revoke(lost, { reason: 'keyCompromise', at: new Date('2026-01-02T03:04:05Z') });
    authority.revoke(plain.serialNumber);
    const file = join(directory, 'ca.pem');
    writeFileSync(file, authority.cert);
    const { text } = openssl(['crl', '-noout', '-text', '-CAfile', file], authority.crl().pem);
    assert.match(text, /verify OK/);
    assert.match(text, /Version 2/);
    assert.match(text, new RegExp(`${lost.serialNumber}\\s+Revocation Date: Jan  2 03:04:05 2026`));
    assert.match(text, /Key Compromise/);
    assert.match(text, new RegExp(plain.serialNumber));
    assert.doesNotMatch(text, new RegExp(good.serialNumber));
  });

  it('counts its numbers up', () => {
    const authority = testAuthority();
    const number = () => openssl(['crl', '-noout', '-crlnumber'], authority.crl().pem).text;
    assert.deepEqual([number(), number()], ['crlNumber=0x01\n', 'crlNumber=0x02\n']);
  });

  it('lets openssl refuse the revoked and accept the others', () => {
    const [revoked, good] = [root.issue(), root.issue()];
    root.revoke(revoked);
    const { pem } = root.crl();
    assert.ok(check(good.leaf, pem).ok);
    assert.match(check(revoked.leaf, pem).text, /certificate revoked/);
  });

  it('can be outdated, tampered with, signed by another key, or without an end', () => {
    const { leaf } = root.issue();
    const day = 86_400_000;
    const old = {
      thisUpdate: new Date(Date.now() - 2 * day),
      nextUpdate: new Date(Date.now() - day),
    };
    assert.match(check(leaf, root.crl(old).pem).text, /CRL has expired/);
    assert.match(check(leaf, root.crl({ tampered: true }).pem).text, /CRL signature failure/);
    const signWith = testAuthority().keyPair.privateKey;
    assert.match(check(leaf, root.crl({ signWith }).pem).text, /CRL signature failure/);
    const endless = openssl(['crl', '-noout', '-nextupdate'], root.crl({ nextUpdate: null }).pem);
    assert.match(endless.text, /nextUpdate=NONE/);
  });
});
