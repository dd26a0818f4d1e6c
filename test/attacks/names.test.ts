// What the attacker has: a genuine certificate from a CA that lets its customers choose their names. What
// must happen: no way of spelling a name makes its holder somebody else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IdentityMatch, createVerifier, mtls } from '../../src/index.ts';
import type { IssueOptions } from '../../src/pki/testing.ts';
import { sendOnce } from '../support/connection.ts';
import { assertAccepted, assertRefused, guarded } from '../support/guarded.ts';
import { authority, impostor } from '../support/pki.ts';

interface Row {
  readonly name: string;
  readonly issue: IssueOptions;
  /** @defaultValue ERR_NOT_ALLOWED */
  readonly code?: string;
  /** @defaultValue 403 */
  readonly status?: number;
}

interface Victim {
  /** Whom the policy allows. */
  readonly allow: IdentityMatch;
  /** The certificate of the one who is meant. */
  readonly genuine: IssueOptions;
  readonly subject: string;
  readonly rows: readonly Row[];
}

const malformed = { code: 'ERR_CERTIFICATE_MALFORMED', status: 400 };
const misnamed = { code: 'ERR_CERTIFICATE_NAME' };
const latin = (text: string) => Buffer.from(text, 'latin1');
const utf8 = (text: string) => Buffer.from(text, 'utf8');
const cn = (value: string) => ({ type: 'CN', value });

const host: Victim = {
  allow: { dnsName: 'pay.bank.example' },
  genuine: { dnsNames: ['pay.bank.example'] },
  subject: 'dns:pay.bank.example',
  rows: [
    { name: 'C15: only in the common name', issue: { subject: 'pay.bank.example', dnsNames: [] } },
    {
      name: 'C15: in the common name beside another DNS name',
      issue: { subject: 'pay.bank.example', dnsNames: ['evil.example'] },
    },
    {
      name: 'C15: as a name of another kind',
      issue: { dnsNames: [], uris: ['pay.bank.example:x'], emails: ['x@pay.bank.example'] },
    },
    { name: 'C17: covered by a wildcard', issue: { dnsNames: ['*.bank.example'] } },
    { name: 'C17: in punycode of a look-alike', issue: { dnsNames: ['pay.xn--bnk-5cd.example'] } },
    { name: 'C17: a parent', issue: { dnsNames: ['bank.example'] } },
    { name: 'C17: a child', issue: { dnsNames: ['x.pay.bank.example'] } },
    {
      name: 'C17: a wildcard within a label',
      issue: { dnsNames: ['p*.bank.example'] },
      ...malformed,
    },
    {
      name: 'C17: a wildcard in the middle',
      issue: { dnsNames: ['pay.*.example'] },
      ...malformed,
    },
    { name: 'C17: a wildcard alone', issue: { dnsNames: ['*'] }, ...malformed },
    { name: 'C17: two wildcards', issue: { dnsNames: ['*.*.example'] }, ...malformed },
    {
      name: 'C17: cut short by NUL',
      issue: { dnsNames: ['pay.bank.example\0.evil.example'] },
      ...malformed,
    },
    {
      name: 'C17: beside a name that is cut short by NUL',
      issue: { dnsNames: ['pay.bank.example', 'x\0y'] },
      ...malformed,
    },
    {
      name: 'C17: a look-alike in UTF-8',
      issue: { dnsNames: [utf8('pay.b\u0430nk.example')] },
      ...malformed,
    },
    { name: 'C17: a look-alike in Latin-1', issue: { dnsNames: [latin('p\xe0y')] }, ...malformed },
    { name: 'C17: with a final dot', issue: { dnsNames: ['pay.bank.example.'] }, ...malformed },
    { name: 'C17: with a blank', issue: { dnsNames: ['pay.bank.example '] }, ...malformed },
  ],
};

const admin: Victim = {
  allow: { subjectDn: 'CN=admin,O=Bank' },
  genuine: { subject: [{ type: 'O', value: 'Bank' }, cn('admin')], dnsNames: [] },
  subject: 'dn:CN=admin,O=Bank',
  rows: [
    ['a comma', [cn('admin,O=Bank')]],
    ['a semicolon', [cn('admin;O=Bank')]],
    ['a plus', [cn('admin+O=Bank')]],
    ['quotes', [cn('"admin",O="Bank"')]],
    ['a backslash', [{ type: 'O', value: 'Bank' }, cn('admin\\')]],
    ['NUL', [{ type: 'O', value: 'Bank' }, cn('admin\0evil')]],
    ['a line break', [{ type: 'O', value: 'Bank' }, cn('admin\n')]],
    ['a blank behind', [{ type: 'O', value: 'Bank' }, cn('admin ')]],
    ['a blank before', [{ type: 'O', value: 'Bank' }, cn(' admin')]],
    ['another direction', [{ type: 'O', value: 'Bank' }, cn('\u202eadmin')]],
    ['no width', [{ type: 'O', value: 'Bank' }, cn('adm\u200bin')]],
    ['capitals', [{ type: 'O', value: 'Bank' }, cn('Admin')]],
    ['another order', [cn('admin'), { type: 'O', value: 'Bank' }]],
    ['both in one', [[{ type: 'O', value: 'Bank' }, cn('admin')]]],
    ['one more', [{ type: 'O', value: 'Bank' }, cn('admin'), cn('evil')]],
    [
      'another kind of text',
      [
        { type: 'O', value: 'Bank' },
        { ...cn('admin'), as: 'teletex' },
      ],
    ],
  ].map(([what, subject]) => ({
    name: `C16: a DN with ${what as string}`,
    issue: { subject: subject as NonNullable<IssueOptions['subject']>, dnsNames: [] },
  })),
};

const teller: Victim = {
  allow: { spiffeId: 'spiffe://bank.example/teller' },
  genuine: { spiffeId: 'spiffe://bank.example/teller' },
  subject: 'spiffe://bank.example/teller',
  rows: [
    {
      name: 'C18: two SPIFFE IDs',
      issue: { uris: ['spiffe://bank.example/teller', 'spiffe://evil.example/x'] },
      ...misnamed,
    },
    {
      name: 'C18: a second URI of another scheme',
      issue: { uris: ['https://evil.example/', 'spiffe://bank.example/teller'] },
      ...misnamed,
    },
    {
      name: 'C18: the trust domain itself',
      issue: { spiffeId: 'spiffe://bank.example' },
      ...misnamed,
    },
    { name: 'C18: the root path', issue: { spiffeId: 'spiffe://bank.example/' }, ...misnamed },
    {
      name: 'C18: capitals in the trust domain',
      issue: { spiffeId: 'spiffe://BANK.example/teller' },
      ...misnamed,
    },
    {
      name: 'C18: capitals in the scheme',
      issue: { spiffeId: 'SPIFFE://bank.example/teller' },
      ...misnamed,
    },
    { name: 'C18: capitals in the path', issue: { spiffeId: 'spiffe://bank.example/Teller' } },
    {
      name: 'C18: dot segments',
      issue: { spiffeId: 'spiffe://bank.example/x/../teller' },
      ...misnamed,
    },
    {
      name: 'C18: percent-encoding',
      issue: { spiffeId: 'spiffe://bank.example/%74eller' },
      ...misnamed,
    },
    { name: 'C18: a port', issue: { spiffeId: 'spiffe://bank.example:1/teller' }, ...misnamed },
    { name: 'C18: a user', issue: { spiffeId: 'spiffe://x@bank.example/teller' }, ...misnamed },
    { name: 'C18: a query', issue: { spiffeId: 'spiffe://bank.example/teller?x' }, ...misnamed },
    {
      name: 'C18: a slash behind',
      issue: { spiffeId: 'spiffe://bank.example/teller/' },
      ...misnamed,
    },
    { name: 'C18: another trust domain', issue: { spiffeId: 'spiffe://bank.example.evil/teller' } },
    {
      name: 'C18: a leaf that may sign others',
      issue: {
        spiffeId: 'spiffe://bank.example/teller',
        ca: true,
        keyUsage: ['digitalSignature', 'keyCertSign'],
      },
      code: 'ERR_CERTIFICATE_USAGE',
    },
    {
      name: 'C18: a leaf that says nothing of its key',
      issue: { spiffeId: 'spiffe://bank.example/teller', keyUsage: null },
      code: 'ERR_CERTIFICATE_USAGE',
    },
  ],
};

for (const { allow, genuine, subject, rows } of [host, admin, teller]) {
  describe(`a certificate that is not of ${subject}`, () => {
    const verifier = createVerifier({ methods: [mtls()], policy: { allow: [allow] } });

    for (const { name, issue, code = 'ERR_NOT_ALLOWED', status = 403 } of rows) {
      it(name, async () => {
        await using site = await guarded({ verifier });
        assertRefused(site, await sendOnce(site.port, authority.issue(issue)), { code, status });
        assertAccepted(site, await sendOnce(site.port, authority.issue(genuine)), subject);
      });
    }
  });
}

describe('a name', () => {
  it('C18: counts only from a CA that is trusted', async () => {
    await using site = await guarded();
    const answer = await sendOnce(site.port, impostor.issue(teller.genuine));
    assertRefused(site, answer, { code: 'ERR_CERTIFICATE_UNTRUSTED' });
  });

  it('C16: is shown without anything that a reader could fall for', async () => {
    await using site = await guarded();
    for (const { issue } of admin.rows) {
      const { body } = await sendOnce(site.port, authority.issue(issue));
      const { subject } = JSON.parse(body) as { subject: string };
      assert.match(subject, /^dn:[^\p{C}\p{Zl}\p{Zp}]+$/u);
    }
  });

  it('C15: is required: nobody is let in whose certificate names nobody', async () => {
    await using site = await guarded();
    const nameless = authority.issue({ subject: [], dnsNames: [] });
    assertRefused(site, await sendOnce(site.port, nameless), { code: 'ERR_CERTIFICATE_NAME' });
  });
});
