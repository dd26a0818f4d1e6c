import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { createPki, hasPki, openPki, type DevelopmentIssueOptions } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { certificateText, openssl, temporaryDirectory, verifyChain } from './openssl.ts';

const directory = temporaryDirectory();
let made = 0;
const fresh = () => join(directory, `pki-${made++}`, '.countersign');
const mode = (file: string) => statSync(file).mode & 0o777;
const pki = createPki(fresh());
const day = 86_400_000;

describe('createPki', () => {
  it('makes an authority that says what it is for, with a key that only its owner reads', () => {
    const text = certificateText(readFileSync(pki.certFile, 'utf8'));
    assert.match(text, /O=for development only,\s?CN=countersign development CA/);
    assert.match(text, /CA:TRUE, pathlen:0/);
    assert.match(text, /Certificate Sign, CRL Sign/);
    assert.equal(mode(join(pki.path, 'ca.key')), 0o600);
    assert.equal(mode(pki.path), 0o700);
    assert.ok(verifyChain({ leaf: pki.cert, root: pki.cert }, '-x509_strict').ok);
  });

  it('keeps its directory out of git and leaves nothing half-written in it', () => {
    assert.deepEqual(
      readdirSync(pki.path)
        .filter((name) => !/\.(pem|key)$/.test(name))
        .sort(),
      ['.gitignore', 'index.json'],
    );
    assert.equal(readFileSync(join(pki.path, '.gitignore'), 'utf8'), '*\n');
  });

  it('overwrites nothing', () => {
    const path = fresh();
    createPki(path);
    const before = readFileSync(join(path, 'ca.key'));
    assert.throws(() => createPki(path), /ca\.pem exists; nothing was changed/);
    assert.deepEqual(readFileSync(join(path, 'ca.key')), before);
    rmSync(join(path, 'ca.pem'));
    assert.throws(() => createPki(path), /ca\.key exists; nothing was changed/);
  });

  it('takes a name, an end and a kind of key', () => {
    const { cert } = createPki(fresh(), { name: 'my CA', days: 7, keyType: 'ed25519' });
    const certificate = new X509Certificate(cert);
    assert.match(certificate.subject, /CN=my CA/);
    assert.equal(certificate.publicKey.asymmetricKeyType, 'ed25519');
    assert.ok(new Date(certificate.validTo).getTime() < Date.now() + 7 * day + 1000);
  });

  it('refuses options that are none or make no sense', () => {
    assert.throws(() => createPki(fresh(), { nam: 'x' } as never), /Did you mean `name`/);
    for (const days of [0, -1, 1.5, Number.NaN, 40_000]) {
      assert.throws(() => createPki(fresh(), { days }), { path: 'days' });
    }
    assert.throws(() => createPki(fresh(), { keyType: 'rsa-1024' }), { path: 'keyType' });
  });
});

describe('openPki', () => {
  it('goes on where another process stopped', () => {
    const path = fresh();
    createPki(path).issue('api', { dnsNames: ['localhost'] });
    const again = openPki(path);
    assert.equal(again.certificates().length, 1);
    const { cert } = again.issue('web', { dnsNames: ['web.test'] });
    assert.ok(verifyChain({ leaf: cert, root: again.cert }, '-x509_strict').ok);
  });

  it('says what is missing or does not fit', () => {
    const path = fresh();
    assert.equal(hasPki(path), false);
    assert.throws(() => openPki(path), /there is no PKI in/);
    createPki(path);
    assert.equal(hasPki(path), true);
    const key = readFileSync(join(path, 'ca.key'));
    writeFileSync(join(path, 'ca.key'), readFileSync(join(pki.path, 'ca.key')));
    assert.throws(() => openPki(path), /ca\.key is not the key of ca\.pem/);
    writeFileSync(join(path, 'ca.key'), 'nonsense');
    assert.throws(() => openPki(path), /is damaged/);
    writeFileSync(join(path, 'ca.key'), key);
    writeFileSync(join(path, 'index.json'), '{');
    assert.throws(() => openPki(path), /index\.json is not JSON/);
    writeFileSync(join(path, 'index.json'), '{"version":2}');
    assert.throws(() => openPki(path), /not an index of this version/);
    rmSync(join(path, 'index.json'));
    assert.throws(() => openPki(path), /cannot read .*index\.json/);
  });
});

describe('issue', () => {
  it('writes a certificate that openssl trusts, and its key for its owner alone', () => {
    const issued = pki.issue('api', { dnsNames: ['localhost'], ips: ['127.0.0.1'] });
    for (const purpose of ['sslserver', 'sslclient']) {
      const { ok, text } = verifyChain(
        { leaf: readFileSync(issued.certFile, 'utf8'), root: pki.cert },
        '-x509_strict',
        '-purpose',
        purpose,
      );
      assert.ok(ok, text);
    }
    assert.equal(mode(issued.keyFile), 0o600);
    const key = createPrivateKey(readFileSync(issued.keyFile));
    assert.ok(new X509Certificate(issued.cert).checkPrivateKey(key));
    assert.equal(issued.record.serialNumber, new X509Certificate(issued.cert).serialNumber);
  });

  it('gives exactly the names it was asked for', () => {
    const { cert } = pki.issue('names', {
      dnsNames: ['B\u00fccher.example', '*.a.example', '*.a.example'],
      emails: ['alice@example.com'],
      spiffeId: 'spiffe://bank.example/teller',
      ips: ['2001:DB8:0::1'],
      upns: ['alice@corp.example'],
    });
    const { names } = readCertificate(new X509Certificate(cert).raw);
    assert.deepEqual(names.dnsNames, ['xn--bcher-kva.example', '*.a.example']);
    assert.deepEqual(names.emails, ['alice@example.com']);
    assert.deepEqual(names.uris, ['spiffe://bank.example/teller']);
    assert.deepEqual(names.ips, ['2001:db8::1']);
    assert.deepEqual(names.upns, ['alice@corp.example']);
  });

  it('issues for one direction where asked', () => {
    const { cert } = pki.issue('client', { emails: ['a@b.test'], usage: ['clientAuth'] });
    assert.ok(verifyChain({ leaf: cert, root: pki.cert }, '-purpose', 'sslclient').ok);
    assert.equal(verifyChain({ leaf: cert, root: pki.cert }, '-purpose', 'sslserver').ok, false);
  });

  it('never outlives the authority', () => {
    const short = createPki(fresh(), { days: 5 });
    const { cert } = short.issue('api', { dnsNames: ['a.test'], days: 90 });
    assert.equal(new X509Certificate(cert).validTo, new X509Certificate(short.cert).validTo);
  });

  it('does not replace a certificate that can still be used', () => {
    pki.issue('once', { dnsNames: ['a.test'] });
    assert.throws(
      () => pki.issue('once', { dnsNames: ['b.test'] }),
      /renew it, or revoke it first/,
    );
    pki.revoke('once');
    pki.issue('once', { dnsNames: ['b.test'] });
  });

  const names = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a\\b',
    '/etc/x',
    '.hidden',
    'a\0b',
    'ca',
    'CRL',
    'x'.repeat(65),
  ];
  for (const name of names) {
    it(`refuses ${JSON.stringify(name.slice(0, 12))} for the name of a file`, () => {
      assert.throws(() => pki.issue(name, { dnsNames: ['a.test'] }), { path: 'name' });
    });
  }

  const refused: readonly (readonly [DevelopmentIssueOptions, string])[] = [
    [{}, 'names'],
    [{ dnsNames: [] }, 'names'],
    [{ dnsNames: ['a b'] }, 'dnsNames[0]'],
    [{ dnsNames: ['a.test', '127.0.0.1'] }, 'dnsNames[1]'],
    [{ dnsNames: ['a.*.test'] }, 'dnsNames[0]'],
    [{ dnsNames: [''] }, 'dnsNames[0]'],
    [{ ips: ['300.1.1.1'] }, 'ips[0]'],
    [{ ips: ['fe80::1%eth0'] }, 'ips[0]'],
    [{ emails: ['nobody'] }, 'emails[0]'],
    [{ emails: ['a@b@c.test'] }, 'emails[0]'],
    [{ uris: ['no scheme'] }, 'uris[0]'],
    [{ upns: ['a\0@b'] }, 'upns[0]'],
    [{ spiffeId: 'spiffe://bank.example' }, 'spiffeId'],
    [{ spiffeId: 'https://bank.example/x' }, 'spiffeId'],
    [{ spiffeId: 'spiffe://a.example/x', uris: ['https://a.test/'] }, 'uris'],
    [{ dnsNames: ['a.test'], usage: [] }, 'usage'],
    [{ dnsNames: ['a.test'], usage: ['codeSigning' as never] }, 'usage'],
    [{ dnsNames: ['a.test'], keyType: 'dsa' as never }, 'keyType'],
    [{ dnsNames: undefined as never }, 'issue.dnsNames'],
  ];
  for (const [options, path] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const before = pki.certificates().length;
      assert.throws(
        () => pki.issue('refused', options),
        (error) => error instanceof ConfigError && error.path === path,
      );
      assert.equal(pki.certificates().length, before);
    });
  }
});

describe('find', () => {
  it('answers the newest certificate that can still be used', () => {
    assert.equal(pki.find('found'), undefined);
    const first = pki.issue('found', { dnsNames: ['a.test'] });
    assert.deepEqual(pki.find('found'), first);
    const second = pki.renew('found');
    assert.deepEqual(pki.find('found'), second);
    pki.revoke('found');
    assert.equal(pki.find('found'), undefined);
  });
});

describe('renew', () => {
  it('keeps names, usage and kind of key, and makes a new key and new dates', () => {
    const options = {
      emails: ['a@b.test'],
      usage: ['clientAuth'],
      keyType: 'ed25519',
      days: 3,
    } as const;
    const before = pki.issue('renewed', options);
    const after = pki.renew('renewed', { days: 30 });
    const [old, renewed] = [before, after].map(({ cert }) => new X509Certificate(cert)) as [
      X509Certificate,
      X509Certificate,
    ];
    assert.equal(renewed.subjectAltName, old.subjectAltName);
    assert.deepEqual(renewed.keyUsage, old.keyUsage);
    assert.equal(renewed.publicKey.asymmetricKeyType, 'ed25519');
    assert.notEqual(after.key, before.key);
    assert.notEqual(renewed.serialNumber, old.serialNumber);
    assert.ok(new Date(renewed.validTo) > new Date(old.validTo));
    assert.equal(readFileSync(after.certFile, 'utf8'), after.cert);
  });

  it('refuses what is unknown, with the nearest name, and what was revoked', () => {
    pki.issue('teller', { dnsNames: ['a.test'] });
    assert.throws(
      () => pki.renew('telller'),
      /no certificate for "telller" here\. Did you mean `teller`/,
    );
    pki.revoke('teller');
    assert.throws(() => pki.renew('teller'), /was revoked; issue it anew/);
    assert.throws(() => createPki(fresh()).renew('x'), /Nothing was issued yet/);
  });
});

describe('revoke', () => {
  const crl = () =>
    openssl(['crl', '-noout', '-text', '-CAfile', pki.certFile], readFileSync(pki.crlFile)).text;
  const revoked = (leaf: string) => {
    const options = ['-crl_check', '-CRLfile', pki.crlFile];
    return /certificate revoked/.test(verifyChain({ leaf, root: pki.cert }, ...options).text);
  };

  it('puts all that the name holds on a list that openssl verifies and applies', () => {
    const first = pki.issue('leaving', { dnsNames: ['a.test'] });
    const second = pki.renew('leaving');
    const staying = pki.issue('staying', { dnsNames: ['a.test'] });
    const serials = pki
      .revoke('leaving', { reason: 'keyCompromise' })
      .map((one) => one.serialNumber);
    assert.deepEqual(serials, [first.record.serialNumber, second.record.serialNumber]);
    assert.match(crl(), /verify OK/);
    assert.match(crl(), /Key Compromise/);
    assert.deepEqual(
      [first, second, staying].map(({ cert }) => revoked(cert)),
      [true, true, false],
    );
  });

  it('takes one serial number, in any of the usual spellings', () => {
    const first = pki.issue('serial', { dnsNames: ['a.test'] });
    const second = pki.renew('serial');
    const spelt = first.record.serialNumber.toLowerCase().replace(/..(?=.)/g, '$&:');
    assert.equal(pki.revoke(spelt).length, 1);
    assert.deepEqual(
      [first, second].map(({ cert }) => revoked(cert)),
      [true, false],
    );
    assert.equal(pki.find('serial')?.cert, second.cert);
  });

  it('counts the list up and lets it last as long as the authority', () => {
    const path = fresh();
    const own = createPki(path);
    own.issue('a', { dnsNames: ['a.test'] });
    const shown = () =>
      openssl(['crl', '-noout', '-crlnumber', '-nextupdate'], readFileSync(own.crlFile)).text;
    const end = new X509Certificate(own.cert).validTo;
    assert.equal(shown(), `crlNumber=0x00\nnextUpdate=${end}\n`);
    own.revoke('a');
    assert.equal(shown(), `crlNumber=0x01\nnextUpdate=${end}\n`);
  });

  it('refuses what it does not know or has revoked already', () => {
    pki.issue('twice', { dnsNames: ['a.test'] });
    pki.revoke('twice');
    assert.throws(() => pki.revoke('twice'), /"twice" is revoked already/);
    assert.throws(() => pki.revoke('ABCDEF'), /no certificate for "ABCDEF" here/);
    assert.throws(() => pki.revoke('twice', { reason: 'lost' as never }), { path: 'reason' });
  });
});
