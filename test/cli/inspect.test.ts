import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseInput, UsageError } from '../../src/cli/command.ts';
import { inspect } from '../../src/cli/inspect.ts';
import type { IssueOptions } from '../../src/pki/issue-options.ts';
import { testAuthority, type CrlOptions } from '../../src/pki/testing.ts';
import { openssl, temporaryDirectory } from '../pki/openssl.ts';
import { authority, day } from '../support/pki.ts';
import { countersign, countersignReading } from './countersign.ts';

const directory = temporaryDirectory();
process.chdir(directory);
const run = (...args: string[]) => countersign(directory, 'inspect', ...args);

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(directory, name), content);
  return name;
}

interface Shown {
  readonly kind: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly [fact: string]: unknown;
}

function shown(out: string): readonly Shown[] {
  return (JSON.parse(out) as { certificates: readonly Shown[] }).certificates;
}

const inDays = (count: number) => new Date(Date.now() + count * day);
const teller = authority.issue({
  subject: 'teller',
  spiffeId: 'spiffe://bank.example/teller',
  upns: ['teller@bank.example'],
  dnsNames: ['a.bank.example', 'b.bank.example'],
  ips: ['10.0.0.1'],
  usage: 'clientAuth',
});
const branch = authority.intermediate({
  subject: 'Bank branch CA',
  pathLength: 0,
  nameConstraints: {
    permitted: [{ dnsName: 'bank.example' }, { ip: '10.0.0.0/8' }, { directoryName: 'Bank' }],
    excluded: [{ email: '.evil.example' }, { upn: 'x' }],
  },
  policies: ['1.2.3.4', '2.23.140.1.2.1'],
  crlUris: ['http://crl.bank.example/root.crl'],
  ocspUris: ['http://ocsp.bank.example/'],
});

describe('countersign inspect', { concurrency: 4 }, () => {
  it('tells in words what a leaf says', async () => {
    const { code, out, err } = await run(file('teller.pem', teller.leaf));
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^teller\.pem: a leaf certificate\n\n  names /);
    assert.match(out, /^  names +SPIFFE ID spiffe:\/\/bank\.example\/teller$/m);
    assert.match(out, /^ +DNS a\.bank\.example, b\.bank\.example$/m);
    assert.match(out, /^ +IP 10\.0\.0\.1$/m);
    assert.match(out, /^ +UPN teller@bank\.example$/m);
    assert.match(out, /^  until +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(in 23 hours\)$/m);
    assert.match(out, /^  key +EC P-256$/m);
    assert.match(out, /^  signed with +ECDSA with SHA-256$/m);
    assert.match(out, /^  used for +TLS clients \(clientAuth\)$/m);
    assert.match(out, /^  key may +sign handshakes and messages \(digitalSignature\)$/m);
    assert.match(out, new RegExp(`^  serial +${teller.serialNumber}$`, 'm'));
    for (const line of out.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('tells in words what a CA may do', async () => {
    const { code, out } = await run(file('branch.pem', branch.cert));
    assert.equal(code, 0);
    assert.match(out, /^branch\.pem: a CA under another CA\n/);
    assert.match(out, /^  may issue +leaf certificates only$/m);
    assert.match(out, /^  names only +DNS bank\.example, and all below$/m);
    assert.match(out, /^ +IP in 10\.0\.0\.0\/8$/m);
    assert.match(out, /^ +directory names below CN=Bank$/m);
    assert.match(out, /^  names never +mail below evil\.example$/m);
    assert.match(out, /^ +of a kind that nobody here can compare \(otherName$/m);
    assert.match(out, /^  policies +1\.2\.3\.4$/m);
    assert.match(out, /^ +2\.23\.140\.1\.2\.1 \(public, domain validated\)$/m);
    assert.match(out, /^  CRL +http:\/\/crl\.bank\.example\/root\.crl$/m);
    assert.match(out, /^  OCSP +http:\/\/ocsp\.bank\.example\/$/m);
  });

  it('has the thumbprints that pins, tokens and openssl know', async () => {
    const { out } = await run(file('thumbprints.pem', teller.leaf), '--json');
    const [{ x5tS256, spkiSha256, sha256 } = assert.fail()] = shown(out);
    assert.deepEqual([x5tS256, spkiSha256], [teller.x5tS256, teller.spkiSha256]);
    const { text } = openssl(['x509', '-noout', '-fingerprint', '-sha256'], teller.leaf);
    const fingerprint = text.trim().split('=')[1]!.replaceAll(':', '').toLowerCase();
    assert.equal(sha256, fingerprint);
  });

  it('puts warnings first', async () => {
    const expired = authority.issue({ notBefore: inDays(-500), notAfter: inDays(-3.5) });
    const { code, out } = await run(file('expired.pem', expired.leaf));
    assert.equal(code, 0);
    assert.match(
      out,
      /^expired\.pem: a leaf certificate\n\n  !  It ended 3 days ago\.\n  !  It is valid for 496 days/,
    );
  });

  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const unknown = { oid: '1.2.3.4.5', critical: true, value: Uint8Array.of(5, 0) };
  const ids = ['spiffe://bank.example/a', 'spiffe://bank.example/b'];
  const defects: readonly (readonly [what: string, options: IssueOptions, codes: string[]])[] = [
    ['nothing', {}, []],
    ['nothing in a short life', { notAfter: inDays(0.1), notBefore: inDays(-0.1) }, []],
    ['its end', { notAfter: inDays(-1) }, ['ERR_CERTIFICATE_EXPIRED']],
    ['its beginning', { notBefore: inDays(1) }, ['ERR_CERTIFICATE_NOT_YET_VALID']],
    ['its near end', { notAfter: inDays(12), notBefore: inDays(-80) }, ['WARN_ENDS_SOON']],
    ['a weak key', { keyPair: weak }, ['ERR_CERTIFICATE_ALGORITHM']],
    ['a weak algorithm', { hash: 'sha1' }, ['ERR_CERTIFICATE_ALGORITHM']],
    ['an unknown extension', { extensions: [unknown] }, ['ERR_CERTIFICATE_EXTENSION']],
    ['no names', { dnsNames: [] }, ['WARN_NO_NAMES']],
    ['no name of a server', { emails: ['a@b.example'] }, ['WARN_NO_NAMES']],
    ['a wildcard', { dnsNames: ['*.bank.example'] }, ['WARN_WILDCARD']],
    ['two SPIFFE IDs', { uris: ids }, ['ERR_CERTIFICATE_NAME']],
    ['no purpose', { usage: null }, ['WARN_ANY_PURPOSE']],
    ['a key that signs nothing', { keyUsage: ['keyAgreement'] }, ['ERR_CERTIFICATE_USAGE']],
    ['a long life', { notAfter: inDays(500) }, ['WARN_LONG_LIVED']],
    ['itself as issuer', { selfSigned: true }, ['WARN_SELF_SIGNED']],
    ['a CA that is a host', { ca: true, dnsNames: ['a.example'] }, ['WARN_CA_WITH_NAMES']],
    ['a CA that cannot sign', { ca: true, keyUsage: ['cRLSign'] }, ['WARN_CA_CANNOT_SIGN']],
    ['invisible characters', { subject: 'a\u202eb' }, ['WARN_HIDDEN_CHARACTERS']],
  ];
  it('warns of each defect, and of nothing else', async () => {
    const leaves = defects.map(([, options]) => authority.issue(options).leaf);
    const { out } = await run(file('defects.pem', leaves.join('')), '--json');
    assert.deepEqual(
      shown(out).map(({ warnings }, i) => [defects[i]![0], warnings.map(({ code }) => code)]),
      defects.map(([what, , codes]) => [what, codes]),
    );
  });

  it('does not warn of what a root says of itself', async () => {
    const root = testAuthority({ hash: 'sha1' });
    const [certificate] = shown((await run(file('root.pem', root.cert), '--json')).out);
    assert.deepEqual([certificate?.warnings, certificate?.['selfSigned']], [[], true]);
  });

  it('lets no name speak to the terminal', async () => {
    const subject = 'bank\u001b[2J\u202egro.elpmaxe\u00a0\u00a0valid';
    const hostile = authority.issue({ subject, upns: ['a\u2028b@bank.example'] });
    const name = file('hostile.pem', hostile.leaf);
    const [text, json] = await Promise.all([run(name), run(name, '--json')]);
    assert.doesNotMatch(text.out.replaceAll('\n', ''), /(?! )[\p{C}\p{Z}]/u);
    assert.match(text.out, /CN=bank\\1b\[2J\\e2\\80\\aegro\.elpmaxe\\u\{a0\}\\u\{a0\}valid/);
    assert.match(text.out, /UPN a\\u\{2028\}b@bank\.example/);
    assert.doesNotMatch(json.out.replaceAll('\n', ''), /[\p{C}\p{Zl}\p{Zp}]/u);
    const [{ names } = assert.fail()] = shown(json.out);
    assert.deepEqual((names as { upns: unknown }).upns, ['a\u2028b@bank.example']);
  });

  it('tells one certificate of a file from the next', async () => {
    const { out } = await run(file('two.pem', `${teller.leaf}${branch.cert}`));
    assert.match(out, /^two\.pem, 1 of 2: a leaf certificate\n/);
    assert.match(out, /\n\ntwo\.pem, 2 of 2: a CA under another CA\n/);
  });

  it('reads DER, and standard input', async () => {
    const outcomes = await Promise.all([
      run(file('teller.der', teller.der), '--json'),
      countersignReading(teller.leaf, directory, 'inspect', '-', '--json'),
      countersignReading(teller.der, directory, 'inspect', '-', '--json'),
    ]);
    for (const { code, out } of outcomes) {
      assert.equal(code, 0);
      assert.equal(shown(out)[0]?.['x5tS256'], teller.x5tS256);
    }
  });

  it('gives programs every member, whatever the certificate says', async () => {
    const { out } = await run(file('both.pem', `${teller.leaf}${branch.cert}`), '--json');
    const [leaf, ca] = shown(out) as [Shown, Shown];
    assert.deepEqual(Object.keys(leaf), Object.keys(ca));
    assert.doesNotMatch(out, /"Buffer"|"0": /);
    const { spiffeId, names, key, purposes, keyUsage, pathLength } = leaf;
    assert.deepEqual(
      { spiffeId, names, key, purposes, keyUsage, pathLength },
      {
        spiffeId: 'spiffe://bank.example/teller',
        names: {
          dnsNames: ['a.bank.example', 'b.bank.example'],
          emails: [],
          uris: ['spiffe://bank.example/teller'],
          ips: ['10.0.0.1'],
          upns: ['teller@bank.example'],
          directoryNames: [],
          otherNames: [],
        },
        key: { type: 'ec', bits: null, curve: 'P-256' },
        purposes: ['clientAuth'],
        keyUsage: ['digitalSignature'],
        pathLength: null,
      },
    );
    assert.deepEqual(ca['nameConstraints'], {
      permitted: [
        { form: 'dnsName', base: 'bank.example' },
        { form: 'ip', base: '10.0.0.0/8' },
        { form: 'directoryName', base: 'CN=Bank' },
      ],
      excluded: [
        { form: 'email', base: '.evil.example' },
        { form: 'otherName 1.3.6.1.4.1.311.20.2.3', base: null },
      ],
    });
  });

  it('tells what a CRL says, in PEM, in DER and among certificates', async () => {
    const ca = testAuthority({ subject: 'Bank root' });
    ca.revoke(ca.issue());
    const list = ca.crl({ number: 7 });
    const { code, out } = await run(file('list.crl', list.pem));
    assert.equal(code, 0);
    assert.match(
      out,
      /^list\.crl: a CRL, a list of revoked certificates\n\n  issuer +CN=Bank root\n/,
    );
    assert.match(out, /^  about +all certificates of its issuer$/m);
    assert.match(out, /^  entries +1$/m);
    assert.match(out, /^  next +.* UTC \(in 23 hours\)$/m);
    assert.match(out, /^  number +7$/m);
    const outcomes = await Promise.all([
      run(file('list.der', list.der), '--json'),
      run(file('all.pem', `${list.pem}${teller.leaf}`), '--json'),
    ]);
    for (const outcome of outcomes) {
      const { crls } = JSON.parse(outcome.out) as { crls: readonly Shown[] };
      const [{ warnings, kind, issuer, number, entries } = assert.fail()] = crls;
      assert.deepEqual(
        { code: outcome.code, warnings, kind, issuer, number, entries },
        { code: 0, warnings: [], kind: 'crl', issuer: 'CN=Bank root', number: '7', entries: 1 },
      );
    }
    assert.deepEqual(
      outcomes.map(({ out: json }) => shown(json).length),
      [0, 1],
    );
  });

  const lists: readonly (readonly [options: CrlOptions, codes: string[]])[] = [
    [{ thisUpdate: inDays(-3), nextUpdate: inDays(-2) }, ['WARN_CRL_STALE']],
    [{ nextUpdate: null }, ['WARN_CRL_ENDLESS']],
    [{ thisUpdate: inDays(0.5) }, ['WARN_CRL_NOT_YET']],
    [{ hash: 'sha1' }, ['ERR_CERTIFICATE_ALGORITHM']],
  ];
  it('warns of CRLs that nobody should rely on', async () => {
    const text = lists.map(([options]) => authority.crl(options).pem).join('');
    const { out } = await run(file('lists.pem', text), '--json');
    const { crls } = JSON.parse(out) as { crls: readonly Shown[] };
    assert.deepEqual(
      crls.map(({ warnings }) => warnings.map(({ code }) => code)),
      lists.map(([, codes]) => codes),
    );
  });

  it('shows the others where one cannot be read, with exit code 1', async () => {
    const cut = authority.issue({ rewrite: (fields) => fields.slice(1) });
    const { code, out } = await run(file('cut.pem', `${cut.leaf}${teller.leaf}`));
    assert.equal(code, 1);
    assert.match(out, /^cut\.pem, 1 of 2: not readable as a certificate\n\n  !  [A-Z]/);
    assert.match(out, /cut\.pem, 2 of 2: a leaf certificate/);
  });

  mkdirSync(join(directory, 'folder'));
  const request = '-----BEGIN CERTIFICATE REQUEST-----\n';
  const damaged = teller.leaf.replace(/\n\w{4}/, '\n!!!!');
  const faults: readonly (readonly [args: string[], message: RegExp])[] = [
    [['missing.pem'], /cannot read missing\.pem: there is no such file/],
    [['folder'], /cannot read folder: it is a directory/],
    [[file('empty.pem', '')], /empty\.pem is empty/],
    [[file('note.txt', 'hello')], /note\.txt holds no certificate, neither in PEM nor in DER/],
    [[file('only.key', teller.key)], /only\.key holds a private key and no certificate/],
    [[file('request.pem', request)], /the first thing in it is "CERTIFICATE REQUEST"/],
    [[file('damaged.pem', damaged)], /damaged\.pem is damaged: .*base64/],
    [['teller.pem', '--jsn'], /no option --jsn\. Did you mean `--json`\?/],
  ];
  // A process for each of them would take longer than all the rest.
  for (const [args, message] of faults) {
    it(`says what is wrong with ${JSON.stringify(args)}`, async () => {
      await assert.rejects(
        async () => inspect.run(parseInput(inspect, args)),
        (error: Error) => {
          assert.ok(error instanceof UsageError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('answers a call that is wrong with exit code 2', async () => {
    for (const args of [['-'], ['missing.pem'], ['only.key', '--jsn']]) {
      const { code, out, err } = await run(...args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, /^countersign: .*\nSee countersign inspect --help\n$/);
    }
  });

  it('never shows a key', async () => {
    const secret = teller.key.split('\n')[1]!;
    const names = [file('with.pem', teller.key + teller.leaf), file('only.key', teller.key)];
    for (const { out, err } of await Promise.all(names.map((name) => run(name)))) {
      assert.equal((out + err).includes(secret), false);
    }
  });
});
