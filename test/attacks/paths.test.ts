// What the attacker has: a certificate that some CA issued, and that the path to a trust anchor forbids. The
// TLS server trusts nobody by itself: everything here is up to `mtls({ trustAnchors })`.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createVerifier, mtls } from '../../src/index.ts';
import { type IssueOptions, type TestAuthority, testAuthority } from '../../src/pki/testing.ts';
import { objectIdentifier, sequence } from '../../src/pki/der-writer.ts';
import { type ConnectOptions, connect, sendOnce } from '../support/connection.ts';
import { assertAccepted, assertRefused, guarded } from '../support/guarded.ts';
import { alice, authority, day, impostor } from '../support/pki.ts';

const site = (options: Parameters<typeof mtls>[0] = {}) =>
  guarded({
    verifier: createVerifier({ methods: [mtls({ trustAnchors: authority.cert, ...options })] }),
    tls: { ca: [] },
  });

interface Row {
  readonly name: string;
  readonly shows: () => ConnectOptions;
  readonly code: string;
  readonly status?: number;
}

const names = { dnsNames: ['alice.example'] };
const soon = new Date(Date.now() + day);
const ago = new Date(Date.now() - day);

// The client's own OpenSSL would not show what is weak otherwise.
const shown = { ciphers: 'DEFAULT@SECLEVEL=0' };

/** A leaf from a CA that stands under the trusted one. */
function below(ca: IssueOptions, leaf: IssueOptions = names): ConnectOptions {
  return authority.intermediate(ca).issue(leaf);
}

const rows: readonly Row[] = [
  {
    name: 'C2: a self-signed certificate with the right names',
    shows: () => authority.issue({ ...names, selfSigned: true }),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C3: the right names from another CA',
    shows: () => testAuthority().issue(names),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C3: the right names from a CA of the same name',
    shows: () => impostor.issue(names),
    code: 'ERR_CERTIFICATE_SIGNATURE',
  },
  {
    name: 'C3: a signature that was tampered with',
    shows: () => authority.issue({ ...names, tampered: true }),
    code: 'ERR_CERTIFICATE_SIGNATURE',
  },
  {
    name: 'C4: an expired leaf',
    shows: () => authority.issue({ ...names, notAfter: ago }),
    code: 'ERR_CERTIFICATE_EXPIRED',
  },
  {
    name: 'C4: a leaf under an expired CA',
    shows: () => below({ notAfter: ago }),
    code: 'ERR_CERTIFICATE_EXPIRED',
  },
  {
    name: 'C5: a leaf that is not valid yet',
    shows: () => authority.issue({ ...names, notBefore: soon }),
    code: 'ERR_CERTIFICATE_NOT_YET_VALID',
  },
  {
    name: "C6: a server's certificate",
    shows: () => authority.issue({ ...names, usage: 'serverAuth' }),
    code: 'ERR_CERTIFICATE_USAGE',
  },
  {
    name: 'C6: a leaf under a CA for servers only',
    shows: () => below({ usage: 'serverAuth' }),
    code: 'ERR_CERTIFICATE_USAGE',
  },
  ...(
    [
      ['DNS', { dnsName: 'bank.example' }, { dnsNames: ['a.bank.example', 'alice.example'] }],
      ['mail', { email: 'bank.example' }, { emails: ['alice@other.example'] }],
      ['URI', { uri: 'bank.example' }, { uris: ['https://other.example/'] }],
      ['IP', { ip: '10.0.0.0/8' }, { ips: ['10.1.2.3', '11.1.2.3'] }],
      [
        'directory name',
        { directoryName: [{ type: 'O', value: 'bank' }] },
        { ...names, subject: [{ type: 'O', value: 'other' }] },
      ],
    ] as const
  ).map(([kind, permitted, leaf]) => ({
    name: `C10: a ${kind} name that its CA may not give`,
    shows: () => below({ nameConstraints: { permitted: [permitted] } }, leaf),
    code: 'ERR_CERTIFICATE_CONSTRAINED',
  })),
  {
    name: 'C10: a name that is excluded',
    shows: () => below({ nameConstraints: { excluded: [{ dnsName: 'example' }] } }),
    code: 'ERR_CERTIFICATE_CONSTRAINED',
  },
  {
    name: 'C10: constraints that a CA below has widened',
    shows: () =>
      authority
        .intermediate({ nameConstraints: { permitted: [{ dnsName: 'bank.example' }] } })
        .intermediate({ nameConstraints: { permitted: [{ dnsName: 'example' }] } })
        .issue(names),
    code: 'ERR_CERTIFICATE_CONSTRAINED',
  },
  ...(
    [
      [
        'an organization in a string that nobody reads',
        { excluded: [{ directoryName: [{ type: 'O', value: 'evil' }] }] },
        { ...names, subject: [{ type: 'O', value: 'evil', as: 'universal' }] },
      ],
      [
        'a mail address in a string that nobody reads',
        { permitted: [{ email: 'bank.example' }] },
        { ...names, subject: [{ type: 'emailAddress', value: 'a@evil.example', as: 'universal' }] },
      ],
      [
        'a mail address of its subject beside a good one',
        { permitted: [{ email: 'bank.example' }] },
        {
          emails: ['alice@bank.example'],
          subject: [{ type: 'emailAddress', value: 'a@evil.example' }],
        },
      ],
      [
        'a host in the user part of a URI',
        { permitted: [{ uri: 'bank.example' }] },
        { uris: ['https://bank.example@evil.example/'] },
      ],
      [
        'an address as the host of a URI',
        { excluded: [{ uri: '.evil.example' }] },
        { uris: ['https://[::1]/'] },
      ],
      [
        'a wildcard that stands for an excluded host',
        { excluded: [{ dnsName: 'a.bank.example' }] },
        { dnsNames: ['*.bank.example'] },
      ],
    ] as const
  ).map(([what, nameConstraints, leaf]) => ({
    name: `C10: ${what}`,
    shows: () => below({ nameConstraints }, leaf),
    code: 'ERR_CERTIFICATE_CONSTRAINED',
  })),
  {
    name: 'C10: constraints that no mailbox could break',
    shows: () =>
      below(
        { nameConstraints: { excluded: [{ email: '@evil.example' }] } },
        { emails: ['a@evil.example'] },
      ),
    // A CA that cannot be read is none.
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C11: a CA below one that allows none',
    shows: () => authority.intermediate({ pathLength: 0 }).intermediate().issue(names),
    code: 'ERR_CERTIFICATE_ISSUER',
  },
  {
    name: 'C12: an issuer that is no CA',
    shows: () => below({ ca: false, keyUsage: ['digitalSignature'] }),
    code: 'ERR_CERTIFICATE_ISSUER',
  },
  {
    name: 'C12: an issuer that may not sign certificates',
    shows: () => below({ keyUsage: ['cRLSign'] }),
    code: 'ERR_CERTIFICATE_ISSUER',
  },
  {
    name: 'C13: a leaf with an unknown critical extension',
    shows: () => authority.issue({ ...names, extensions: [unknownExtension] }),
    code: 'ERR_CERTIFICATE_EXTENSION',
  },
  {
    name: 'C13: a CA with an unknown critical extension',
    shows: () => below({ extensions: [unknownExtension] }),
    code: 'ERR_CERTIFICATE_EXTENSION',
  },
  {
    name: 'C14: a signature with SHA-1',
    shows: () => ({
      ...authority.issue({ ...names, hash: 'sha1' }),
      ...shown,
    }),
    code: 'ERR_CERTIFICATE_ALGORITHM',
  },
  {
    name: 'C14: a CA with a key of 1024 bits',
    shows: () => ({ ...below({ keyType: 'rsa-1024' }), ...shown }),
    code: 'ERR_CERTIFICATE_ALGORITHM',
  },
  {
    name: 'C17: a wildcard in the wrong place',
    shows: () => authority.issue({ dnsNames: ['alice.*.example'] }),
    code: 'ERR_CERTIFICATE_MALFORMED',
    status: 400,
  },
  {
    name: 'C18: a SPIFFE ID on a certificate that could sign others',
    shows: () =>
      authority.issue({
        spiffeId: 'spiffe://bank.example/a',
        ca: true,
        usage: 'clientAuth',
        keyUsage: ['digitalSignature', 'keyCertSign'],
      }),
    code: 'ERR_CERTIFICATE_USAGE',
  },
];

const unknownExtension = {
  oid: '1.2.3.4',
  critical: true,
  value: sequence(objectIdentifier('1.2.3')),
};

describe('a certificate whose path we validate', () => {
  for (const { name, shows, code, status } of rows) {
    it(`refuses ${name}`, async () => {
      await using bank = await site();
      assertRefused(bank, await sendOnce(bank.port, shows()), {
        code,
        ...(status === undefined ? {} : { status }),
      });
      assertAccepted(bank, await sendOnce(bank.port, alice), 'dns:alice.example');
    });
  }

  it('says that a key is weak, though a CA of the same name never signed', async () => {
    await using bank = await site();
    const twin = authority.intermediate({ subject: 'countersign test root', keyType: 'rsa-1024' });
    const answer = await sendOnce(bank.port, { ...twin.issue(names), ...shown });
    assertRefused(bank, answer, { code: 'ERR_CERTIFICATE_ALGORITHM' });
  });

  it('refuses a peer without a certificate', async () => {
    await using bank = await site();
    assertRefused(bank, await sendOnce(bank.port), { code: 'ERR_CREDENTIAL_MISSING' });
  });

  it('accepts a leaf through two intermediates, whatever order they come in', async () => {
    await using bank = await site();
    const issuing = authority.intermediate().intermediate();
    const leaf = issuing.issue(names);
    const [own, first, second] = leaf.cert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g)!;
    assertAccepted(bank, await sendOnce(bank.port, leaf), 'dns:alice.example');
    const shuffled = { cert: own + second + first, key: leaf.key };
    assertAccepted(bank, await sendOnce(bank.port, shuffled), 'dns:alice.example');
  });

  it('finds intermediates that are configured or were seen before', async () => {
    const issuing = authority.intermediate();
    const bare = (leaf = issuing.issue(names)) => ({ cert: leaf.leaf, key: leaf.key });
    await using told = await site({ intermediates: issuing.cert });
    assertAccepted(told, await sendOnce(told.port, bare()), 'dns:alice.example');
    await using untold = await site();
    assertRefused(untold, await sendOnce(untold.port, bare()), {
      code: 'ERR_CERTIFICATE_UNTRUSTED',
    });
    assertAccepted(untold, await sendOnce(untold.port, issuing.issue(names)), 'dns:alice.example');
    assertAccepted(untold, await sendOnce(untold.port, bare()), 'dns:alice.example');
  });
});

describe('what a connection outlives', () => {
  it('C20: refuses a connection whose CA has ended meanwhile', async (context) => {
    await using bank = await site();
    const ca = authority.intermediate({ notAfter: new Date(Date.now() + 3_600_000) });
    using connected = await connect(bank.port, ca.issue(names));
    assertAccepted(bank, await connected.send(), 'dns:alice.example');
    context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2 * 3_600_000 });
    const code = 'ERR_CERTIFICATE_EXPIRED';
    assertRefused(bank, await connected.send(), { code, handled: 1 });
  });

  it('C5: refuses a connection whose CA is not valid yet when the clock is set back', async (context) => {
    await using bank = await site();
    const minute = 60_000;
    const ca = authority.intermediate({ notBefore: new Date(Date.now() - 10 * minute) });
    using connected = await connect(bank.port, ca.issue(names));
    assertAccepted(bank, await connected.send(), 'dns:alice.example');
    context.mock.timers.enable({ apis: ['Date'], now: Date.now() - 30 * minute });
    const code = 'ERR_CERTIFICATE_NOT_YET_VALID';
    assertRefused(bank, await connected.send(), { code, handled: 1 });
  });

  it('C20: validates a resumed session as if it were new', async () => {
    await using bank = await site();
    using first = await connect(bank.port, { ...alice, maxVersion: 'TLSv1.3' });
    assertAccepted(bank, await first.send(), 'dns:alice.example');
    using second = await connect(bank.port, { ...alice, session: first.session });
    assert.equal(second.resumed, true);
    assertAccepted(bank, await second.send(), 'dns:alice.example');
  });

  it('C22: refuses an open connection when the file of its CA is replaced', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
    context.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'ca.pem');
    writeFileSync(file, authority.cert);
    await using bank = await site({ trustAnchors: file });
    using connected = await connect(bank.port, alice);
    assertAccepted(bank, await connected.send(), 'dns:alice.example');
    writeFileSync(join(directory, 'new.pem'), testAuthority().cert);
    renameSync(join(directory, 'new.pem'), file);
    const start = performance.now();
    context.mock.method(performance, 'now', () => start + 60_000);
    // The request that finds the change is still answered by what was there before.
    const deadline = Date.now() + 10_000;
    let answer = await connected.send();
    while (answer.status === 200 && Date.now() < deadline) answer = await connected.send();
    assert.equal(answer.status, 403);
    assert.equal(bank.events.refused.at(-1)?.code, 'ERR_CERTIFICATE_UNTRUSTED');
  });
});

describe('sets of trust anchors', () => {
  const partners = testAuthority();
  const sets = { staff: authority.cert, partners: partners.cert };

  it('C27: says which set vouched, and a route asks for one', async () => {
    const verifier = createVerifier({ methods: [mtls({ trustAnchors: sets })] });
    await using bank = await guarded({
      verifier,
      tls: { ca: [] },
      policy: ({ url }) => ({ allow: [{ trustAnchor: url === '/staff' ? 'staff' : 'partners' }] }),
    });
    using connected = await connect(bank.port, partners.issue({ dnsNames: ['p.example'] }));
    const allowed = await connected.send({ path: '/partners' });
    assertAccepted(bank, allowed, 'dns:p.example');
    assert.equal(JSON.parse(allowed.body).evidence.mtls.trustAnchor, 'partners');
    const refused = await connected.send({ path: '/staff' });
    assertRefused(bank, refused, { code: 'ERR_NOT_ALLOWED', handled: 1 });
  });

  it('C18: lets no set beside the bundles vouch for a SPIFFE ID', async () => {
    await using bank = await site({
      trustAnchors: { 'spiffe://bank.example': authority.cert, partners: partners.cert },
    });
    const forged = partners.issue({ spiffeId: 'spiffe://bank.example/pay', dnsNames: [] });
    const answer = await sendOnce(bank.port, forged);
    assertRefused(bank, answer, { code: 'ERR_CERTIFICATE_UNTRUSTED' });
    const plain = await sendOnce(bank.port, partners.issue(names));
    assertAccepted(bank, plain, 'dns:alice.example');
  });

  it('lets a route ask for a certificate policy', async () => {
    const verifier = createVerifier({
      methods: [mtls({ trustAnchors: authority.cert })],
      policy: { allow: [{ policyOid: '1.2.3.4' }] },
    });
    await using bank = await guarded({ verifier, tls: { ca: [] } });
    const ca = authority.intermediate({ policies: ['1.2.3.4', '1.2.3.5'] });
    const code = 'ERR_NOT_ALLOWED';
    for (const policies of [['1.2.3.5'], ['1.2.3.6']]) {
      const other = await sendOnce(bank.port, ca.issue({ ...names, policies }));
      assertRefused(bank, other, { code });
    }
    // A leaf that claims a policy its CA does not have is not valid for it.
    const claimed = authority.intermediate({ policies: ['1.2.3.5'] });
    const liar = await sendOnce(bank.port, claimed.issue({ ...names, policies: ['1.2.3.4'] }));
    assertRefused(bank, liar, { code });
    const good = await sendOnce(bank.port, ca.issue({ ...names, policies: ['1.2.3.4'] }));
    assertAccepted(bank, good, 'dns:alice.example');
    assert.deepEqual(JSON.parse(good.body).evidence.mtls.policyOids, ['1.2.3.4']);
  });

  it('C18: lets a bundle vouch for its own trust domain only', async () => {
    await using bank = await site({
      trustAnchors: {
        'spiffe://bank.example': authority.cert,
        'spiffe://other.example': partners.cert,
      },
    });
    const leaf = (from: TestAuthority, domain: string) =>
      sendOnce(bank.port, from.issue({ spiffeId: `spiffe://${domain}/pay`, dnsNames: [] }));
    assertAccepted(bank, await leaf(authority, 'bank.example'), 'spiffe://bank.example/pay');
    const handled = 1;
    const code = 'ERR_CERTIFICATE_UNTRUSTED';
    assertRefused(bank, await leaf(partners, 'bank.example'), { code, handled });
    const plain = await sendOnce(bank.port, authority.issue(names));
    assertRefused(bank, plain, { code, handled });
  });
});
