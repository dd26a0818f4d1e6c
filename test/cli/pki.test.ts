import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openPki, type CertificateRecord } from '../../src/pki/testing.ts';
import { certificateText, openssl, temporaryDirectory, verifyChain } from '../pki/openssl.ts';
import { countersign } from './countersign.ts';

const directory = temporaryDirectory();
const run = (...args: string[]) => countersign(directory, 'pki', ...args);
const inDirectory = (file: string) => readFileSync(join(directory, file), 'utf8');
const home = '.countersign/pki';

type Shown = CertificateRecord & { certFile: string; keyFile: string; caFile: string };

// The steps build on one another, as they do at a terminal.
describe('countersign pki', () => {
  it('issues nothing before there is an authority', async () => {
    const { code, err } = await run('issue', 'api', '--dns', 'localhost');
    assert.equal(code, 1);
    assert.match(err, /^countersign: there is no PKI in .*\n$/);
    assert.equal(existsSync(join(directory, home)), false);
  });

  it('init makes the authority and says what it is for and what comes next', async () => {
    const { code, out, err } = await run('init');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /for development.*not for production/);
    assert.match(out, /Next:\n  countersign pki issue api --dns localhost/);
    assert.equal(statSync(join(directory, home, 'ca.key')).mode & 0o777, 0o600);
  });

  it('init does not do it twice', async () => {
    const before = inDirectory(`${home}/ca.pem`);
    const { code, err } = await run('init');
    assert.equal(code, 1);
    assert.match(err, /^countersign: .*ca\.pem exists; nothing was changed\n$/);
    assert.equal(inDirectory(`${home}/ca.pem`), before);
  });

  it('issue writes a certificate with the names given, and shows how to use it', async () => {
    const names = ['--dns', 'localhost', '--dns=api.test', '--ip', '127.0.0.1', '--ip', '::1'];
    const { code, out, err } = await run('issue', 'api', ...names, '--server');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^Issued api for localhost, api\.test, 127\.0\.0\.1, ::1\.\n/);
    assert.match(out, /createServer\(\{ cert: read\('\.countersign\/pki\/api\.pem'\)/);
    assert.doesNotMatch(out, /curl/);
    assert.doesNotMatch(out, /PRIVATE KEY/);
    const leaf = inDirectory(`${home}/api.pem`);
    assert.match(certificateText(leaf), /DNS:localhost, DNS:api\.test, IP Address:127\.0\.0\.1/);
    const root = inDirectory(`${home}/ca.pem`);
    assert.ok(verifyChain({ leaf, root }, '-purpose', 'sslserver', '-x509_strict').ok);
    assert.equal(verifyChain({ leaf, root }, '-purpose', 'sslclient').ok, false);
  });

  it('issue answers programs in JSON', async () => {
    const names = ['--email=a@b.test', '--upn=a@corp.test', '--spiffe=spiffe://bank.test/alice'];
    const others = ['--client', '--days', '7', '--key-type', 'ed25519', '--json'];
    const { code, out } = await run('issue', 'alice', ...names, ...others);
    assert.equal(code, 0);
    const shown = JSON.parse(out) as Shown;
    assert.equal(shown.certFile, join(openPki(join(directory, home)).path, 'alice.pem'));
    assert.deepEqual(shown.usage, ['clientAuth']);
    assert.deepEqual(shown.names, {
      emails: ['a@b.test'],
      upns: ['a@corp.test'],
      spiffeId: 'spiffe://bank.test/alice',
    });
    assert.equal(statSync(shown.keyFile).mode & 0o777, 0o600);
    assert.doesNotMatch(out, /PRIVATE KEY/);
    assert.match(
      certificateText(readFileSync(shown.certFile, 'utf8')),
      /URI:spiffe:\/\/bank\.test\/alice/,
    );
  });

  it('issue is for both directions unless one is named', async () => {
    const { out } = await run('issue', 'both', '--uri', 'https://a.test/x', '--json');
    assert.deepEqual((JSON.parse(out) as Shown).usage, ['clientAuth', 'serverAuth']);
  });

  it('issue refuses a name that leads out of the directory', async () => {
    const { code, err } = await run('issue', '../../evil', '--dns', 'a.test');
    assert.equal(code, 2);
    assert.match(err, /"\.\.\/\.\.\/evil" cannot name a file/);
    assert.equal(existsSync(join(directory, 'evil.pem')), false);
  });

  it('issue says what a certificate without a name lacks', async () => {
    const { code, err } = await run('issue', 'nameless');
    assert.equal(code, 2);
    assert.match(err, /names: there is none\. A server needs a DNS name or IP address/);
  });

  it('renew keeps the names', async () => {
    const before = inDirectory(`${home}/api.pem`);
    const { code, out } = await run('renew', 'api');
    assert.equal(code, 0);
    assert.match(out, /^Renewed api for localhost, api\.test/);
    const renewed = inDirectory(`${home}/api.pem`);
    assert.notEqual(renewed, before);
    const names = (pem: string) => /DNS:.*/.exec(certificateText(pem))?.[0];
    assert.equal(names(renewed), names(before));
  });

  it('renew names the nearest where there is none of this name', async () => {
    const { code, err } = await run('renew', 'alic');
    assert.deepEqual(
      [code, err],
      [1, 'countersign: no certificate for "alic" here. Did you mean `alice`?\n'],
    );
  });

  it('revoke puts the certificate on the list', async () => {
    const { code, out } = await run('revoke', 'alice', '--reason', 'keyCompromise');
    assert.equal(code, 0);
    assert.match(out, /^Revoked alice, serial number [0-9A-F]+\.\n/);
    const crl = openssl(
      ['crl', '-noout', '-text', '-CAfile', join(directory, home, 'ca.pem')],
      inDirectory(`${home}/crl.pem`),
    ).text;
    assert.match(crl, /verify OK/);
    assert.match(crl, /Key Compromise/);
    const { code: again, err } = await run('revoke', 'alice');
    assert.deepEqual([again, err], [1, 'countersign: "alice" is revoked already\n']);
  });

  it('lets several processes work at once without losing a certificate', async () => {
    const names = Array.from({ length: 5 }, (_, i) => `parallel-${i}`);
    const outcomes = await Promise.all(names.map((name) => run('issue', name, '--dns', 'a.test')));
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      [0, 0, 0, 0, 0],
    );
    const known = openPki(join(directory, home))
      .certificates()
      .map(({ name }) => name);
    for (const name of names) assert.ok(known.includes(name));
  });

  it('works in another directory with --dir, and repeats it in what comes next', async () => {
    const { code, out } = await run('init', '--dir', 'other', '--name', 'Other CA');
    assert.equal(code, 0);
    assert.match(out, /countersign pki issue api .* --dir other/);
    assert.match(certificateText(inDirectory('other/ca.pem')), /CN=Other CA/);
  });

  it('fails in one line, without a stack, where files cannot be written or read', async () => {
    writeFileSync(join(directory, 'file'), '');
    const { code, err } = await run('init', '--dir', 'file');
    assert.equal(code, 1);
    assert.match(err, /^countersign: .*\n$/);
    writeFileSync(join(directory, 'other/index.json'), '[]');
    const broken = await run('issue', 'a', '--dns', 'a.test', '--dir', 'other');
    assert.equal(broken.code, 1);
    assert.match(broken.err, /^countersign: .*index\.json is not an index of this version\n$/);
  });
});
