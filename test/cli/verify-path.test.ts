import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseInput, UsageError, type Report } from '../../src/cli/command.ts';
import { verifyPath } from '../../src/cli/verify-path.ts';
import { ConfigError } from '../../src/errors.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { temporaryDirectory, verifyChain } from '../pki/openssl.ts';
import { day } from '../support/pki.ts';
import { countersign, countersignReading } from './countersign.ts';

const directory = temporaryDirectory();
const run = (...args: string[]) => countersign(directory, 'verify-path', ...args);

// A process for each line of a table would take longer than all the rest.
process.chdir(directory);
const answerTo = async (args: readonly string[]) =>
  verifyPath.run(parseInput(verifyPath, args)) as Promise<Report & { readonly json: Answer }>;

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(directory, name), content);
  return name;
}

const root = testAuthority({ subject: 'Bank root' });
const branch = root.intermediate({
  subject: 'Bank branch',
  nameConstraints: { permitted: [{ dnsName: 'bank.example' }] },
  policies: ['1.2.3.4', '1.2.3.5'],
});
const subBranch = branch.intermediate({ subject: 'Bank sub-branch', policies: ['1.2.3.4'] });
const leaf = subBranch.issue({
  subject: 'api',
  dnsNames: ['api.bank.example'],
  usage: 'serverAuth',
  policies: ['1.2.3.4'],
});
const stray = subBranch.issue({ subject: 'stray', dnsNames: ['api.other.example'] });

file('root.pem', root.cert);
file('chain.pem', leaf.cert);
file('leaf.pem', leaf.leaf);
file('leaf.der', leaf.der);
file('stray.pem', stray.cert);
file('root.key', root.key);
branch.revoke(subBranch, { reason: 'keyCompromise' });
mkdirSync(join(directory, 'crls'));
file('root.crl', root.crl().pem);
file('crls/root.crl', root.crl().der);
file('crls/branch.crl', branch.crl().pem);
mkdirSync(join(directory, 'anchors/folder'), { recursive: true });
mkdirSync(join(directory, 'between'));
file('anchors/README', 'CAs of the bank');
file('anchors/other.pem', testAuthority().cert);
file('anchors/root.der', root.der);
file('between/branch.pem', branch.cert);
file('between/sub-branch.pem', subBranch.cert);

interface Answer {
  readonly valid: boolean;
  readonly path: readonly { readonly role: string; readonly subject: string }[];
  readonly policies: readonly string[];
  readonly code: string;
  readonly reason: string;
  readonly certificate: { readonly role: string; readonly file: string; readonly subject?: string };
}

const answer = (out: string) => JSON.parse(out) as Answer;

describe('countersign verify-path', { concurrency: 4 }, () => {
  it('shows the path, leaf first and anchor last, and the policies', async () => {
    const { code, out, err } = await run('chain.pem', '--anchors', 'root.pem');
    assert.deepEqual([code, err], [0, '']);
    const date = String.raw`\d{4}-\d\d-\d\d`;
    assert.match(
      out,
      new RegExp(
        `^Valid: a path leads to a CA that is trusted\\.

  leaf          until ${date}  CN=api
  intermediate  until ${date}  CN=Bank sub-branch
  intermediate  until ${date}  CN=Bank branch
  anchor        until ${date}  CN=Bank root

Policies: 1\\.2\\.3\\.4\\. Revocation was not checked\\.
$`,
      ),
    );
  });

  it('answers programs in JSON', async () => {
    const { code, out } = await run('chain.pem', '--anchors', 'root.pem', '--json');
    assert.equal(code, 0);
    const { valid, path, policies } = answer(out);
    assert.deepEqual([valid, policies], [true, ['1.2.3.4']]);
    assert.deepEqual(
      path.map(({ role, subject }) => [role, subject]),
      [
        ['leaf', 'CN=api'],
        ['intermediate', 'CN=Bank sub-branch'],
        ['intermediate', 'CN=Bank branch'],
        ['anchor', 'CN=Bank root'],
      ],
    );
  });

  const chain = ['chain.pem', '--anchors', 'root.pem'];
  const good: readonly string[][] = [
    [...chain, '--purpose', 'server', '--dns', 'API.bank.example', '--profile', 'rfc5280'],
    [...chain, '--dns', 'other.example', '--dns', 'api.bank.example'],
    [...chain, '--policy', '1.2.3.4', '--policy', '1.2.3.9', '--explicit-policy'],
    [...chain, '--max-depth', '2', '--at', new Date().toISOString()],
    ['leaf.pem', '--anchors', 'anchors', '--intermediates', 'between'],
    ['leaf.der', '--anchors=root.pem', '--intermediates', 'between', '--intermediates', 'root.pem'],
    ['root.pem', '--anchors', 'root.pem'],
    ['chain.pem', '--system', '--anchors', 'root.pem'],
  ];
  for (const args of good) {
    it(`finds ${JSON.stringify(args)} valid`, async () => {
      const { failed, json } = await answerTo(args);
      assert.deepEqual([failed, json.valid], [false, true]);
    });
  }

  it('reads the leaf from standard input', async () => {
    const args = ['verify-path', '-', '--anchors', 'root.pem'];
    assert.equal((await countersignReading(leaf.cert, directory, ...args)).code, 0);
    const { code, out } = await countersignReading(stray.cert, directory, ...args, '--json');
    assert.deepEqual([code, answer(out).certificate.file], [1, 'standard input']);
  });

  it('names the reason and the certificate at fault', async () => {
    const at = new Date(Date.now() + 2 * day).toISOString();
    const { code, out, err } = await run(...chain, '--at', at);
    assert.deepEqual([code, err], [1, '']);
    assert.match(
      out,
      /^Not valid: the certificate ended .*\.\n\n  code +ERR_CERTIFICATE_EXPIRED\n/,
    );
    assert.match(out, /^  which +the leaf, from chain\.pem$/m);
    assert.match(out, /^  subject +CN=api$/m);
    assert.match(out, new RegExp(`^  serial +${leaf.serialNumber}$`, 'm'));
  });

  const future = new Date(Date.now() + 20 * 365 * day).toISOString();
  const bad: readonly (readonly [args: string[], code: string, at: string])[] = [
    [[...chain, '--at', future], 'ERR_CERTIFICATE_EXPIRED', 'anchor of root.pem'],
    [[...chain, '--purpose', 'client'], 'ERR_CERTIFICATE_USAGE', 'leaf of chain.pem'],
    [[...chain, '--dns', 'bank.example'], 'ERR_CERTIFICATE_NAME', 'leaf of chain.pem'],
    [[...chain, '--ip', '10.0.0.1'], 'ERR_CERTIFICATE_NAME', 'leaf of chain.pem'],
    [[...chain, '--email', 'a@b.example'], 'ERR_CERTIFICATE_NAME', 'leaf of chain.pem'],
    [[...chain, '--uri', 'spiffe://a/b'], 'ERR_CERTIFICATE_NAME', 'leaf of chain.pem'],
    [
      [...chain, '--policy', '1.2.3.5', '--explicit-policy'],
      'ERR_CERTIFICATE_POLICY',
      'leaf of chain.pem',
    ],
    [[...chain, '--max-depth', '1'], 'ERR_CERTIFICATE_UNDECIDED', 'intermediate of chain.pem'],
    [['stray.pem', '--anchors=root.pem'], 'ERR_CERTIFICATE_CONSTRAINED', 'leaf of stray.pem'],
    [['leaf.pem', '--anchors', 'root.pem'], 'ERR_CERTIFICATE_UNTRUSTED', 'leaf of leaf.pem'],
    [['chain.pem', '--system'], 'ERR_CERTIFICATE_UNTRUSTED', 'intermediate of chain.pem'],
  ];
  for (const [args, code, at] of bad) {
    it(`finds ${JSON.stringify(args)} not valid`, async () => {
      const { failed, json } = await answerTo(args);
      assert.equal(failed, true);
      const { valid, code: found, certificate } = json;
      assert.deepEqual(
        [valid, found, `${certificate.role} of ${certificate.file}`],
        [false, code, at],
      );
    });
  }

  it('asks CRLs, where there are any', async () => {
    const revoked = await run(...chain, '--crl', 'crls');
    assert.equal(revoked.code, 1);
    assert.match(revoked.out, /^  code +ERR_CERTIFICATE_REVOKED$/m);
    assert.match(revoked.out, /keyCompromise/);
    assert.match(revoked.out, /^  subject +CN=Bank sub-branch$/m);

    const unknown = await run(...chain, '--crl', 'root.crl', '--json');
    const { code, certificate } = answer(unknown.out);
    assert.deepEqual([unknown.code, code], [1, 'ERR_REVOCATION_UNKNOWN']);
    assert.equal(certificate.subject, 'CN=Bank sub-branch');

    const preferred = await run(...chain, '--crl', 'root.crl', '--revocation', 'prefer');
    assert.equal(preferred.code, 0);
    assert.match(preferred.out, /Nothing below the anchor is known to be revoked\.\n$/);
  });

  it('agrees with openssl', () => {
    const intermediates = `${subBranch.cert}${branch.cert}`;
    assert.ok(verifyChain({ leaf: leaf.leaf, root: root.cert, intermediates }).ok);
    assert.equal(verifyChain({ leaf: stray.leaf, root: root.cert, intermediates }).ok, false);
  });

  it('says which certificates it could not read where one may have been missing', async () => {
    const cut = root.issue({ rewrite: (fields) => fields.slice(1) }).leaf;
    const anchors = file('damaged.pem', cut);
    const { code, out } = await run('chain.pem', '--anchors', anchors);
    assert.equal(code, 1);
    assert.match(out, /ERR_CERTIFICATE_UNTRUSTED/);
    assert.match(out, /\n\nLeft out, from damaged\.pem: .+\.\n$/);
    assert.equal((await run('chain.pem', '--anchors', anchors, '--anchors', 'root.pem')).code, 0);
  });

  it('finds a leaf that cannot be read not valid', async () => {
    const cut = root.issue({ rewrite: (fields) => fields.slice(1) }).leaf;
    const { code, out } = await run(file('cut.pem', cut), '--anchors', 'root.pem');
    assert.equal(code, 1);
    assert.match(out, /ERR_CERTIFICATE_MALFORMED\n  which  the leaf, from cut\.pem\n$/);
  });

  it('answers a call that is wrong with exit code 2', async () => {
    for (const args of [['chain.pem'], ['missing.pem', '--system'], [...chain, '--dns', 'a b']]) {
      const { code, out, err } = await run(...args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, /^countersign: .*\nSee countersign verify-path --help\n$/);
    }
  });

  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [['chain.pem'], /which CAs are trusted\? Give --anchors=<file>, or --system/],
    [['missing.pem', '--system'], /cannot read missing\.pem: there is no such file/],
    [['chain.pem', '--anchors', 'missing.pem'], /cannot read missing\.pem/],
    [['chain.pem', '--anchors', 'anchors/folder'], /no file in anchors\/folder holds a certific/],
    [['chain.pem', '--anchors', 'root.key'], /root\.key holds a private key and no certificate/],
    [[...chain, '--crl', 'root.pem'], /root\.pem holds no CRL; the first thing in it is "CERTIF/],
    [[...chain, '--crl', 'root.crl', '--revocation', 'never'], /--revocation: no "never"/],
    [[...chain, '--revocation', 'require'], /--revocation needs CRLs: --crl=<file>/],
    [[...chain, '--purpose', 'srver'], /--purpose: no "srver"\. Did you mean `server`\?/],
    [[...chain, '--profile', 'web'], /--profile: no "web"/],
    [[...chain, '--dns', 'a b'], /--dns: "a b" is no dnsName/],
    [[...chain, '--ip', '10.0.0'], /--ip: "10\.0\.0" is no ip/],
    [[...chain, '--policy', 'gold'], /--policy must be an OID, such as 1\.2\.3\.4/],
    [[...chain, '--max-depth', '21'], /--max-depth must be a whole number from 0 to 20/],
    [[...chain, '--at', '2026-01-31T12:00:00'], /--at must be a time with its zone, such as/],
    [[...chain, '--at', '2026-13-31'], /--at must be a time/],
    [[...chain, '--anchor', 'root.pem'], /no option --anchor\. Did you mean `--anchors`\?/],
  ];
  for (const [args, message] of wrong) {
    it(`says what is wrong with ${JSON.stringify(args)}`, async () => {
      await assert.rejects(answerTo(args), (error: Error) => {
        assert.ok(error instanceof UsageError || error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
