// What the attacker has: a certificate that its CA has revoked, or sources of revocation data that are old,
// silent, or somebody else's. What must happen: 403 where it is known, 503 where it had to be known.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { type MtlsOptions, createVerifier, mtls } from '../../src/index.ts';
import { type TestAuthority, type TestCertificate, testAuthority } from '../../src/pki/testing.ts';
import { connect, sendOnce } from '../support/connection.ts';
import { minutes } from '../support/files.ts';
import { assertAccepted, assertRefused, guarded } from '../support/guarded.ts';
import { authority, day, impostor } from '../support/pki.ts';

const subject = 'dns:alice.example';
const dnsNames = ['alice.example'];

/** A service that knows of revocations from one file. */
async function listed(context: TestContext, list: string, ca: TestAuthority) {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'list.pem');
  writeFileSync(file, list);
  const site = await serving({
    trustAnchors: ca.cert,
    revocation: { mode: 'require', crls: file },
  });
  const replace = (next: string): void => {
    writeFileSync(join(directory, 'next.txt'), next);
    renameSync(join(directory, 'next.txt'), file);
  };
  return { site, replace };
}

function serving(options: MtlsOptions) {
  const verifier = createVerifier({ methods: [mtls(options)] });
  return guarded({ verifier, tls: { ca: [] } });
}

describe('a CRL', () => {
  it('C7: refuses what is on it, and lets others pass', async (context) => {
    const ca = testAuthority();
    const [mallory, alice] = [ca.issue({ dnsNames }), ca.issue({ dnsNames })];
    ca.revoke(mallory, { reason: 'keyCompromise' });
    const { site } = await listed(context, ca.crl().pem, ca);
    await using bank = site;
    assertRefused(bank, await sendOnce(bank.port, mallory), { code: 'ERR_CERTIFICATE_REVOKED' });
    assertAccepted(bank, await sendOnce(bank.port, alice), subject);
  });

  it('C7: refuses what stands under a CA that is on it', async (context) => {
    const ca = testAuthority();
    const [bad, good] = [ca.intermediate(), ca.intermediate()];
    ca.revoke(bad);
    const lists = [ca, bad, good].map((one) => one.crl().pem).join('');
    const { site } = await listed(context, lists, ca);
    await using bank = site;
    const code = 'ERR_CERTIFICATE_REVOKED';
    assertRefused(bank, await sendOnce(bank.port, bad.issue({ dnsNames })), { code });
    assertAccepted(bank, await sendOnce(bank.port, good.issue({ dnsNames })), subject);
  });

  const ca = testAuthority();
  const bad: readonly (readonly [name: string, list: () => string])[] = [
    ['that is over', () => ca.crl({ nextUpdate: new Date(Date.now() - 1_000) }).pem],
    ['that is still to come', () => ca.crl({ thisUpdate: new Date(Date.now() + day) }).pem],
    ['without an end', () => ca.crl({ nextUpdate: null }).pem],
    ['of another CA', () => testAuthority().crl().pem],
    ['that another key signed', () => ca.crl({ signWith: impostor.keyPair.privateKey }).pem],
    ['that was tampered with', () => ca.crl({ tampered: true }).pem],
  ];
  for (const [name, list] of bad) {
    it(`C9: is not relied on ${name}`, async (context) => {
      const { site } = await listed(context, list(), ca);
      await using bank = site;
      const answer = await sendOnce(bank.port, ca.issue({ dnsNames }));
      assertRefused(bank, answer, { code: 'ERR_REVOCATION_UNKNOWN', status: 503 });
    });
  }

  it('C21: refuses an open connection as soon as a new list is there', async (context) => {
    const mine = testAuthority();
    const mallory = mine.issue({ dnsNames });
    const { site, replace } = await listed(context, mine.crl().pem, mine);
    await using bank = site;
    using connected = await connect(bank.port, mallory);
    assertAccepted(bank, await connected.send(), subject);
    const clock = minutes(context);
    mine.revoke(mallory);
    replace(mine.crl().pem);
    clock.pass();
    let answer = await connected.send();
    for (let i = 0; answer.status === 200 && i < 1_000; i++) answer = await connected.send();
    assert.equal(answer.status, 403);
    assert.equal(bank.events.refused.at(-1)?.code, 'ERR_CERTIFICATE_REVOKED');
  });
});

describe('an OCSP responder', () => {
  /** A CA whose leaves name a responder on this machine, which answers as it is told. */
  async function responding(context: TestContext) {
    let answer: (() => Buffer) | undefined;
    let asked = 0;
    const server: Server = createServer((request, response) => {
      asked++;
      request.resume();
      if (answer === undefined) return void response.writeHead(500).end();
      response.setHeader('content-type', 'application/ocsp-response').end(answer());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const ca = testAuthority();
    const issue = (): TestCertificate =>
      ca.issue({ dnsNames, ocspUris: [`http://127.0.0.1:${port}/`] });
    const bank = await serving({
      trustAnchors: ca.cert,
      revocation: { mode: 'require', insecureAllowPrivateAddresses: true },
    });
    context.after(() => bank.close());
    return {
      ca,
      issue,
      bank,
      answers: (next: () => Buffer) => (answer = next),
      asked: () => asked,
    };
  }

  it('C8: refuses what it calls revoked, lets pass what it calls good, and asks once', async (context) => {
    const { ca, issue, bank, answers, asked } = await responding(context);
    const [alice, mallory] = [issue(), issue()];
    ca.revoke(mallory);
    answers(() => ca.ocsp([alice, mallory]));
    assertAccepted(bank, await sendOnce(bank.port, alice), subject);
    assertAccepted(bank, await sendOnce(bank.port, alice), subject);
    assert.equal(asked(), 1);
    const code = 'ERR_CERTIFICATE_REVOKED';
    assertRefused(bank, await sendOnce(bank.port, mallory), { code, handled: 2 });
  });

  const other = testAuthority();
  const bad: readonly (readonly [
    name: string,
    answer: (ca: TestAuthority, leaf: TestCertificate) => Buffer,
  ])[] = [
    ['that is over', (ca, leaf) => ca.ocsp(leaf, { nextUpdate: new Date(Date.now() - 1_000) })],
    ['about another certificate', (ca) => ca.ocsp(ca.issue({ dnsNames }))],
    ['of another CA', (_ca, leaf) => other.ocsp(leaf)],
    ['that is no response', () => Buffer.from('good')],
  ];
  for (const [name, response] of bad) {
    it(`C9: is not believed with an answer ${name}`, async (context) => {
      const { ca, issue, bank, answers } = await responding(context);
      const leaf = issue();
      answers(() => response(ca, leaf));
      const answer = await sendOnce(bank.port, leaf);
      assertRefused(bank, answer, { code: 'ERR_REVOCATION_UNKNOWN', status: 503 });
    });
  }

  it('C9: refuses while it is silent', async (context) => {
    const { issue, bank } = await responding(context);
    const answer = await sendOnce(bank.port, issue());
    assertRefused(bank, answer, { code: 'ERR_REVOCATION_UNKNOWN', status: 503 });
  });

  it('is asked on private addresses only where that was said', async (context) => {
    const { ca, issue, answers, asked } = await responding(context);
    const leaf = issue();
    answers(() => ca.ocsp(leaf));
    await using careful = await serving({ trustAnchors: ca.cert, revocation: 'require' });
    const answer = await sendOnce(careful.port, leaf);
    assertRefused(careful, answer, { code: 'ERR_REVOCATION_UNKNOWN', status: 503 });
    assert.equal(asked(), 0);
  });
});

describe('what changes while an answer is waited for', () => {
  it('C22: counts, and a verdict under anchors that have gone does not', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
    context.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'ca.pem');
    const ca = testAuthority();
    writeFileSync(file, ca.cert);
    let start = performance.now();
    const told: (() => void)[] = [];
    const asked = new Promise<void>((resolve) => told.push(resolve));
    const server = createServer((request, response) => {
      request.resume();
      // While it is asked, the CA is taken away.
      writeFileSync(file, testAuthority().cert);
      start += 60_000;
      told[0]!();
      setTimeout(() => response.end(ca.ocsp(leaf)), 200);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const leaf = ca.issue({ dnsNames, ocspUris: [`http://127.0.0.1:${port}/`] });
    await using bank = await serving({
      trustAnchors: file,
      revocation: { mode: 'require', insecureAllowPrivateAddresses: true },
    });
    context.mock.method(performance, 'now', () => start);
    using connected = await connect(bank.port, leaf);
    const asking = connected.send();
    await asked;
    // Another connection makes the service look at its files.
    const other = await sendOnce(bank.port, testAuthority().issue({ dnsNames }));
    assert.equal(other.status, 403);
    const first = await asking;
    const code = bank.events.refused.at(-1)?.code;
    assert.deepEqual([first.status, code], [403, 'ERR_CERTIFICATE_UNTRUSTED']);
  });
});

describe('a verdict that was waited for', () => {
  it('C20: ends as any other, when a CA of its path does', async (context) => {
    const ca = testAuthority();
    const issuing = ca.intermediate({ notAfter: new Date(Date.now() + 3_600_000) });
    const server = createServer((request, response) => {
      request.resume();
      response.end(issuing.ocsp(leaf));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const leaf = issuing.issue({ dnsNames, ocspUris: [`http://127.0.0.1:${port}/`] });
    await using bank = await serving({
      trustAnchors: ca.cert,
      revocation: { mode: 'prefer', insecureAllowPrivateAddresses: true },
    });
    using connected = await connect(bank.port, leaf);
    assertAccepted(bank, await connected.send(), subject);
    context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2 * 3_600_000 });
    const code = 'ERR_CERTIFICATE_EXPIRED';
    assertRefused(bank, await connected.send(), { code, handled: 1 });
  });
});

describe('where nothing is known of revocation', () => {
  it('prefer lets pass, and require refuses', async () => {
    await using preferring = await serving({ trustAnchors: authority.cert, revocation: 'prefer' });
    const leaf = authority.issue({ dnsNames });
    assertAccepted(preferring, await sendOnce(preferring.port, leaf), subject);
    await using requiring = await serving({ trustAnchors: authority.cert, revocation: 'require' });
    const answer = await sendOnce(requiring.port, leaf);
    assertRefused(requiring, answer, { code: 'ERR_REVOCATION_UNKNOWN', status: 503 });
  });
});
