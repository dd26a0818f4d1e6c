import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type IdentityMatch,
  canonicalThumbprint,
  compileMatch,
  spiffeExpectation,
} from '../../src/identity-match.ts';
import type { EvidenceByMethod } from '../../src/identity.ts';
import { configError } from '../support/errors.ts';
import { evidence } from '../support/method.ts';

const digest = createHash('sha256').update('a key').digest();
const thumbprint = digest.toString('base64url');

const teller = 'spiffe://bank.example/ns/teller';
const found = {
  mtls: evidence(teller, {
    spiffeId: teller,
    trustAnchor: 'staff',
    dnsNames: ['a.bank.example', 'b.bank.example'],
    emails: ['Alice@bank.example'],
    upns: ['alice@corp'],
    subjectDn: 'CN=alice,O=Bank',
    issuerDn: 'CN=ca',
    spkiSha256: thumbprint,
    policyOids: ['1.2.3'],
  }),
  oauth: evidence('sub:x#1', {
    keyId: 'k1',
    user: 'alice',
    issuer: 'https://id.example',
    scopes: ['read', 'write'],
    claims: { role: 'admin', groups: ['a', 'b'], level: 3, nested: { role: 'root' } },
  }),
} as unknown as EvidenceByMethod;

const fits = (match: unknown, given = found): boolean =>
  compileMatch('allow[0]', match as IdentityMatch)(given);

describe('compileMatch', () => {
  const matching: readonly IdentityMatch[] = [
    { spiffeId: teller },
    { spiffeId: 'spiffe://bank.example/*' },
    { spiffeId: ['spiffe://other.example/x', 'spiffe://bank.example/ns/*'] },
    { trustDomain: 'bank.example' },
    { trustAnchor: 'staff' },
    { dnsName: 'b.bank.example' },
    { dnsName: 'B.Bank.Example' },
    { dnsName: ['x.example', 'a.bank.example'] },
    { email: 'Alice@BANK.example' },
    { upn: 'alice@corp' },
    { subjectDn: 'CN=alice,O=Bank' },
    { issuerDn: 'CN=ca' },
    { spkiSha256: thumbprint },
    { spkiSha256: digest.toString('base64') },
    { keyId: 'k1' },
    { user: 'alice' },
    { issuer: 'https://id.example' },
    { scope: 'write' },
    { scope: ['write', 'read'] },
    { claim: { role: 'admin' } },
    { claim: { role: ['x', 'admin'], groups: 'b' } },
    { policyOid: '1.2.3' },
    { dnsName: 'a.bank.example', user: 'alice', claim: { role: 'admin' } },
  ];
  for (const match of matching) {
    it(`fits ${JSON.stringify(match)}`, () => assert.equal(fits(match), true));
  }

  const missing: readonly IdentityMatch[] = [
    { spiffeId: 'spiffe://bank.example/ns' },
    { spiffeId: 'spiffe://bank.example/ns/tell' },
    { spiffeId: 'spiffe://bank.example/ns/teller/*' },
    { spiffeId: 'spiffe://bank.example/n/*' },
    { spiffeId: 'spiffe://bank.example/NS/*' },
    { trustDomain: 'ank.example' },
    { trustDomain: 'bank' },
    { trustAnchor: 'partners' },
    { dnsName: 'bank.example' },
    { dnsName: '*.bank.example' },
    { email: 'alice@bank.example' },
    { upn: 'Alice@corp' },
    { subjectDn: 'CN=alice' },
    { subjectDn: 'cn=alice,o=bank' },
    { issuerDn: 'CN=CA' },
    { spkiSha256: createHash('sha256').update('another').digest('base64url') },
    { keyId: 'K1' },
    { user: 'bob' },
    { issuer: 'https://id.example/' },
    { scope: ['write', 'admin'] },
    { scope: 'read write' },
    { claim: { role: 'user' } },
    { claim: { role: 'admin', groups: 'c' } },
    { claim: { level: '3' } },
    { claim: { nested: 'root' } },
    { claim: { 'nested.role': 'root' } },
    { claim: { constructor: 'x' } },
    { claim: { toString: 'x' } },
    { policyOid: '1.2' },
    { dnsName: 'a.bank.example', user: 'bob' },
    { dnsName: 'x.example', user: 'alice' },
  ];
  for (const match of missing) {
    it(`does not fit ${JSON.stringify(match)}`, () => assert.equal(fits(match), false));
  }

  it('never fits where the evidence lacks the field, whichever it is', () => {
    const bare: EvidenceByMethod = { x: evidence('key:a') };
    for (const match of matching) assert.equal(fits(match, bare), false, JSON.stringify(match));
    for (const match of matching) assert.equal(fits(match, {}), false, JSON.stringify(match));
  });

  it('takes only text of the evidence', () => {
    const odd = { x: evidence('key:a', { user: 5, dnsNames: [5, null, 'a'], scopes: {} }) };
    assert.equal(fits({ user: '5' }, odd), false);
    assert.equal(fits({ dnsName: '5' }, odd), false);
    assert.equal(fits({ dnsName: 'a' }, odd), true);
    assert.equal(fits({ scope: 'x' }, odd), false);
    const mixed = { x: evidence('key:a', { spiffeId: [5, null, teller], claims: null }) };
    assert.equal(fits({ spiffeId: 'spiffe://bank.example/*' }, mixed), true);
    assert.equal(fits({ claim: { role: 'admin' } }, mixed), false);
  });

  it('takes no member that evidence or claims merely inherit', () => {
    const heir = (members: object): object => Object.assign(Object.create(members), found['oauth']);
    assert.equal(
      fits({ upn: 'alice@corp' }, { x: heir({ upns: ['alice@corp'] }) } as never),
      false,
    );
    const claims = Object.create({ team: 'red' }) as object;
    assert.equal(fits({ claim: { team: 'red' } }, { x: evidence('key:a', { claims }) }), false);
  });

  it('bears a method that found nothing', () => {
    assert.equal(fits({ user: 'alice' }, { ...found, scram: undefined }), true);
  });

  it('knows no trust domain in what is no SPIFFE ID', () => {
    const odd = { x: evidence('key:a', { spiffeId: 'spiffe://bank.example/../x' }) };
    assert.equal(fits({ trustDomain: 'bank.example' }, odd), false);
  });

  const wrong: readonly (readonly [what: string, match: unknown, path: string, says: RegExp])[] = [
    ['that is no object', 'alice', 'allow[0]', /plain object/],
    ['that is undefined', undefined, 'allow[0]', /plain object/],
    ['without fields', {}, 'allow[0]', /without fields/],
    ['with an unknown field', { dnsname: 'a' }, 'allow[0].dnsname', /Did you mean `dnsName`/],
    [
      'with a field that is undefined',
      { user: undefined },
      'allow[0].user',
      /environment variable/,
    ],
    ['with null', { user: null }, 'allow[0].user', /must be a string or a list/],
    ['with a number', { user: 5 }, 'allow[0].user', /must be a string or a list/],
    ['with an empty list', { user: [] }, 'allow[0].user', /not empty/],
    ['with an empty text', { user: '' }, 'allow[0].user', /unset variable/],
    ['with an empty text in a list', { user: ['a', ''] }, 'allow[0].user', /unset variable/],
    ['with undefined in a list', { user: ['a', undefined] }, 'allow[0].user', /unset variable/],
    ['with an object in a list', { user: [{}] }, 'allow[0].user', /no string/],
    ['with a trust domain as a URL', { trustDomain: 'spiffe://a' }, 'allow[0].trustDomain', /bank/],
    ['with a path in the trust domain', { trustDomain: 'a/b' }, 'allow[0].trustDomain', /no trust/],
    ['with an upper-case trust domain', { trustDomain: 'A' }, 'allow[0].trustDomain', /no trust/],
    ['with no SPIFFE ID', { spiffeId: 'https://a/b' }, 'allow[0].spiffeId', /names no workload/],
    [
      'with a thumbprint of hex',
      { spkiSha256: 'ab'.repeat(32) },
      'allow[0].spkiSha256',
      /32 bytes/,
    ],
    ['with a claim that is a list', { claim: ['role'] }, 'allow[0].claim', /claim names/],
    ['with a claim that is text', { claim: 'role' }, 'allow[0].claim', /claim names/],
    ['with a claim that is null', { claim: null }, 'allow[0].claim', /claim names/],
    ['with no claims', { claim: {} }, 'allow[0].claim', /claim names/],
    ['with an unset claim', { claim: { r: undefined } }, 'allow[0].claim.r', /must be a string/],
    ['with a claim of no text', { claim: { r: true } }, 'allow[0].claim.r', /must be a string/],
  ];
  for (const [what, match, path, says] of wrong) {
    it(`refuses a match ${what}`, () => {
      assert.throws(
        () => compileMatch('allow[0]', match as IdentityMatch),
        configError(path, says),
      );
    });
  }
});

describe('spiffeExpectation', () => {
  const expects = (value: string, given: string): boolean =>
    spiffeExpectation('spiffeId', value)(given);

  it('takes a wildcard for one or more whole segments', () => {
    const below = 'spiffe://a/ns/*';
    assert.equal(expects(below, 'spiffe://a/ns/x'), true);
    assert.equal(expects(below, 'spiffe://a/ns/x/y'), true);
    assert.equal(expects(below, 'spiffe://a/ns'), false);
    assert.equal(expects(below, 'spiffe://a/ns/'), false);
    assert.equal(expects(below, 'spiffe://a/nsx/y'), false);
    assert.equal(expects('spiffe://a/*', 'spiffe://a'), false);
    assert.equal(expects('spiffe://a/*', 'spiffe://a.b/x'), false);
  });

  it('sees no workload below a path that leads elsewhere', () => {
    assert.equal(expects('spiffe://a/ns/*', 'spiffe://a/ns/../admin'), false);
    assert.equal(expects('spiffe://a/ns/*', 'spiffe://a/ns/x?y'), false);
  });

  for (const value of [
    '',
    '*',
    '/*',
    'spiffe://',
    'spiffe://*',
    'spiffe:///*',
    'spiffe://a',
    'spiffe://a/',
    'spiffe://A/x',
    'spiffe://a/x*',
    'spiffe://a/*/x',
    'spiffe://a/**',
    'spiffe://a/x/',
    'spiffe://a/../*',
    'SPIFFE://a/x',
  ]) {
    it(`refuses "${value}" as an expectation`, () => {
      assert.throws(() => expects(value, ''), configError('spiffeId', /names no workload/));
    });
  }
});

describe('canonicalThumbprint', () => {
  // Bytes whose base64 holds every character that the two alphabets differ in.
  const bytes = Buffer.alloc(32, 0xfb).fill(0xff, 16);
  const canonical = bytes.toString('base64url');

  for (const value of [
    canonical,
    bytes.toString('base64'),
    bytes.toString('base64').replace('=', ''),
    `sha256//${bytes.toString('base64')}`,
  ]) {
    it(`reads ${value}`, () => assert.equal(canonicalThumbprint('pin', value), canonical));
  }

  for (const [what, value] of [
    ['one byte less', Buffer.alloc(31).toString('base64url')],
    ['one byte more', Buffer.alloc(33).toString('base64url')],
    ['hexadecimal', bytes.toString('hex')],
    ['a character of no alphabet', `${canonical.slice(0, 42)}!`],
    ['blanks', ` ${canonical}`],
    ['a prefix inside', `${canonical.slice(0, 10)}sha256//${canonical.slice(10)}`],
    ['padding inside', `${canonical.slice(0, 10)}=${canonical.slice(10)}`],
    ['bits that say nothing', `${'A'.repeat(42)}B`],
    ['nothing', ''],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => canonicalThumbprint('pin', value), configError('pin', /32 bytes/));
    });
  }
});
