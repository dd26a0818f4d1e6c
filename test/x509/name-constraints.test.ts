import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  element,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  sequence,
  string,
} from '../../src/pki/der-writer.ts';
import { nameConstraints } from '../../src/pki/extensions.ts';
import type { GeneralName, IssueOptions, NameConstraints } from '../../src/pki/testing.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { readNameConstraints } from '../../src/x509/name-constraints.ts';
import { PermittedNames, maxComparisons } from '../../src/x509/path/permitted-names.ts';
import { authError } from '../support/errors.ts';

const root = testAuthority();
const leaf = (options: IssueOptions): Certificate => readCertificate(root.issue(options).der);
const constrained = authError('ERR_CERTIFICATE_CONSTRAINED');
const malformed = authError('ERR_CERTIFICATE_MALFORMED');

const read = (constraints: NameConstraints) =>
  readNameConstraints(nameConstraints(constraints).value);
const budget = () => ({ comparisons: maxComparisons });

/** Checks a leaf below CAs with these constraints. */
function check(options: IssueOptions, ...cas: readonly NameConstraints[]): void {
  let names = new PermittedNames(budget());
  for (const ca of cas) names = names.narrowed(read(ca));
  names.check(leaf({ dnsNames: [], ...options }));
}

const otherName = (oid: string, value = string('utf8', 'x')): GeneralName => ({
  der: element(0xa0, objectIdentifier(oid), explicit(0, value)),
});
const smtpUtf8 = (mailbox: string) => otherName('1.3.6.1.5.5.7.8.9', string('utf8', mailbox));
const subject = (type: string, value: string, as?: 'utf8' | 'universal'): IssueOptions => ({
  subject: [{ type, value, ...(as === undefined ? {} : { as }) }],
});
const o = (value: string) => ({ type: 'O', value });

describe('a constraint', () => {
  // Each name against one subtree: whether it lies in it. A subtree that is permitted refuses the others,
  // one that is excluded refuses those.
  const rows: readonly (readonly [names: IssueOptions, subtree: GeneralName, within: boolean])[] = [
    [{ dnsNames: ['bank.example'] }, { dnsName: 'bank.example' }, true],
    [{ dnsNames: ['BANK.example'] }, { dnsName: 'bank.EXAMPLE' }, true],
    [{ dnsNames: ['a.bank.example'] }, { dnsName: 'bank.example' }, true],
    [{ dnsNames: ['a.b.bank.example'] }, { dnsName: 'bank.example' }, true],
    [{ dnsNames: ['bank.example'] }, { dnsName: '' }, true],
    [{ dnsNames: ['*.bank.example'] }, { dnsName: 'bank.example' }, true],
    [{ dnsNames: ['*.a.bank.example'] }, { dnsName: 'bank.example' }, true],
    [{ dnsNames: ['bigbank.example'] }, { dnsName: 'bank.example' }, false],
    [{ dnsNames: ['example'] }, { dnsName: 'bank.example' }, false],
    [{ dnsNames: ['bank.example.evil'] }, { dnsName: 'bank.example' }, false],
    [{ dnsNames: ['*.other.example'] }, { dnsName: 'bank.example' }, false],
    [{ dnsNames: ['xn--bcher-kva.example'] }, { dnsName: 'bcher.example' }, false],

    [{ emails: ['a@bank.example'] }, { email: 'bank.example' }, true],
    [{ emails: ['a@BANK.example'] }, { email: 'bank.EXAMPLE' }, true],
    [{ emails: ['a@bank.example'] }, { email: '' }, true],
    [{ emails: ['a@bank.example'] }, { email: 'a@bank.example' }, true],
    [{ emails: ['a@bank.example'] }, { email: 'a@BANK.example' }, true],
    [{ emails: ['a@x.bank.example'] }, { email: '.bank.example' }, true],
    [{ emails: ['a@x.bank.example'] }, { email: 'bank.example' }, false],
    [{ emails: ['a@bank.example'] }, { email: '.bank.example' }, false],
    [{ emails: ['a@bigbank.example'] }, { email: 'bank.example' }, false],
    [{ emails: ['b@bank.example'] }, { email: 'a@bank.example' }, false],
    [{ emails: ['A@bank.example'] }, { email: 'a@bank.example' }, false],
    [subject('emailAddress', 'a@bank.example'), { email: 'bank.example' }, true],
    [subject('emailAddress', 'a@Bank.example', 'utf8'), { email: 'bank.example' }, true],
    [subject('emailAddress', 'a@other.example'), { email: 'bank.example' }, false],
    [{ otherNames: [smtpUtf8('\u00fc@bank.example')] }, { email: 'bank.example' }, true],
    [{ otherNames: [smtpUtf8('\u00fc@other.example')] }, { email: 'bank.example' }, false],

    [{ uris: ['https://bank.example/x'] }, { uri: 'bank.example' }, true],
    [{ uris: ['https://BANK.example'] }, { uri: 'bank.EXAMPLE' }, true],
    [{ uris: ['https://bank.example:443?x'] }, { uri: 'bank.example' }, true],
    [{ uris: ['https://u:p@bank.example#x'] }, { uri: 'bank.example' }, true],
    [{ uris: ['https://x/'] }, { uri: '' }, true],
    [{ uris: ['spiffe://bank.example/x'] }, { uri: 'bank.example' }, true],
    [{ uris: ['https://a.bank.example/'] }, { uri: '.bank.example' }, true],
    [{ uris: ['https://bank.example/'] }, { uri: '.bank.example' }, false],
    [{ uris: ['https://a.bank.example/'] }, { uri: 'bank.example' }, false],
    [{ uris: ['https://bank.example@evil.example/'] }, { uri: 'bank.example' }, false],
    [{ uris: ['https://bank.example:x@evil.example/'] }, { uri: 'bank.example' }, false],
    [{ uris: ['https://a@bank.example@evil.example/'] }, { uri: 'bank.example' }, false],
    [{ uris: ['https://evil.example/@bank.example'] }, { uri: 'bank.example' }, false],
    [{ uris: ['https://evil.example?@bank.example'] }, { uri: 'bank.example' }, false],
    [{ uris: ['https://evil.example#@bank.example'] }, { uri: 'bank.example' }, false],

    [{ ips: ['10.1.2.3'] }, { ip: '10.0.0.0/8' }, true],
    [{ ips: ['10.1.2.3'] }, { ip: '10.1.2.3/32' }, true],
    [{ ips: ['10.1.2.3'] }, { ip: '0.0.0.0/0' }, true],
    [{ ips: ['10.143.1.1'] }, { ip: '10.128.0.0/12' }, true],
    [{ ips: ['10.144.1.1'] }, { ip: '10.128.0.0/12' }, false],
    [{ ips: ['11.1.2.3'] }, { ip: '10.0.0.0/8' }, false],
    [{ ips: ['10.1.2.4'] }, { ip: '10.1.2.3/32' }, false],
    [{ ips: ['2001:db8::1'] }, { ip: '2001:db8::/32' }, true],
    [{ ips: ['2001:db9::1'] }, { ip: '2001:db8::/32' }, false],
    [{ ips: ['::1'] }, { ip: '0.0.0.0/0' }, false],
    [{ ips: ['10.1.2.3'] }, { ip: '::/0' }, false],
    [{ ips: ['::ffff:10.1.2.3'] }, { ip: '10.0.0.0/8' }, false],

    [{ subject: [o('Bank')] }, { directoryName: [o('bank')] }, true],
    [{ subject: [o('Bank'), { type: 'CN', value: 'x' }] }, { directoryName: [o('bank')] }, true],
    [{ subject: [o('Bank')] }, { directoryName: [] }, true],
    [{ subject: [o('Other')] }, { directoryName: [o('bank')] }, false],
    [{ subject: [{ type: 'CN', value: 'x' }, o('Bank')] }, { directoryName: [o('bank')] }, false],

    [{ ...subject('CN', 'www.bank.example') }, { dnsName: 'bank.example' }, true],
    [{ ...subject('CN', 'WWW.evil.example') }, { dnsName: 'bank.example' }, false],
  ];
  for (const [names, subtree, within] of rows) {
    const title = `${JSON.stringify(names)} within ${JSON.stringify(subtree)}`;
    it(`says ${within ? 'yes' : 'no'} to ${title}`, () => {
      const permitted = () => check(names, { permitted: [subtree] });
      const excluded = () => check(names, { excluded: [subtree] });
      if (within) permitted();
      else assert.throws(permitted, constrained);
      if (within) assert.throws(excluded, constrained);
      else excluded();
    });
  }

  it('holds for each of several names', () => {
    const permitted = [{ dnsName: 'a.example' }, { dnsName: 'b.example' }];
    check({ dnsNames: ['a.example', 'b.example'] }, { permitted });
    assert.throws(
      () => check({ dnsNames: ['a.example', 'c.example'] }, { permitted }),
      constrained,
    );
    const both = { dnsNames: ['a.example'], otherNames: [{ directoryName: [o('evil')] }] };
    assert.throws(() => check(both, { excluded: [{ directoryName: [o('evil')] }] }), constrained);
    const mails = { ...subject('emailAddress', 'a@evil.example'), emails: ['a@bank.example'] };
    assert.throws(() => check(mails, { permitted: [{ email: 'bank.example' }] }), constrained);
  });

  it('says nothing of names of other forms', () => {
    check({ ips: ['10.1.2.3'], uris: ['urn:x'] }, { permitted: [{ dnsName: 'bank.example' }] });
    check(
      { subject: [], dnsNames: ['a.example'] },
      { permitted: [{ directoryName: [o('bank')] }] },
    );
    const others = { otherNames: [otherName('1.2.3')], subject: [] };
    for (const subtree of [{ der: otherSubtree('1.2.4') }, { email: 'a.example' }]) {
      check(others, { permitted: [subtree] });
      check(others, { excluded: [subtree] });
    }
  });

  it('is narrowed by those below it and never widened', () => {
    const wide = { permitted: [{ dnsName: 'example' }] };
    const narrow = { permitted: [{ dnsName: 'bank.example' }] };
    check({ dnsNames: ['a.bank.example'] }, wide, narrow);
    for (const cas of [
      [wide, narrow],
      [narrow, wide],
    ]) {
      assert.throws(() => check({ dnsNames: ['a.example'] }, ...cas), constrained);
    }
    check({ dnsNames: ['a.example'] }, wide);
    const excluded = { excluded: [{ dnsName: 'a.bank.example' }], permitted: narrow.permitted };
    assert.throws(() => check({ dnsNames: ['a.bank.example'] }, excluded), constrained);
  });

  it('excludes a wildcard that could stand for what is excluded', () => {
    const excluded = [{ dnsName: 'a.bank.example' }];
    for (const host of ['*.bank.example', '*.a.bank.example']) {
      assert.throws(() => check({ dnsNames: [host] }, { excluded }), constrained);
    }
    for (const host of ['*.example', '*.b.bank.example', 'bank.example']) {
      check({ dnsNames: [host] }, { excluded });
    }
  });

  it('permits a wildcard only where all it stands for is permitted', () => {
    const permitted = [{ dnsName: 'a.bank.example' }];
    assert.throws(() => check({ dnsNames: ['*.bank.example'] }, { permitted }), constrained);
  });

  it('leaves the common name alone where there is another name, or where it is no host', () => {
    const permitted = [{ dnsName: 'bank.example' }];
    check({ ...subject('CN', 'evil.example'), ips: ['10.0.0.1'] }, { permitted });
    check({ ...subject('CN', 'evil.example'), dnsNames: ['bank.example'] }, { permitted });
    check({ ...subject('CN', 'evil') }, { permitted });
    check({ ...subject('CN', 'Evil Inc.') }, { permitted });
    check({ ...subject('O', 'evil.example') }, { permitted });
    check({ ...subject('CN', 'evil.example', 'universal') }, { permitted });
  });

  it('names the name that it refuses', () => {
    assert.throws(
      () => check({ dnsNames: ['a.evil.example'] }, { excluded: [{ dnsName: 'evil.example' }] }),
      authError('ERR_CERTIFICATE_CONSTRAINED', /^the name "a\.evil\.example" is excluded/),
    );
    assert.throws(
      () => check({ dnsNames: ['a.evil.example'] }, { permitted: [{ dnsName: 'bank.example' }] }),
      authError('ERR_CERTIFICATE_CONSTRAINED', /^the name "a\.evil\.example" is not among/),
    );
  });
});

const otherSubtree = (oid: string) => element(0xa0, objectIdentifier(oid));

describe('a name that cannot be compared with its constraint', () => {
  const rows: readonly (readonly [what: string, names: IssueOptions, subtree: GeneralName])[] = [
    ...[
      'urn:x',
      'https://10.0.0.1/',
      'https://[::1]/',
      'https://%65vil.example/',
      'https://evil.example./',
      'mailto:x://bank.example/',
    ].map((uri) => [`the URI ${uri}`, { uris: [uri] }, { uri: 'bank.example' }] as const),
    ['a user principal name', { upns: ['a@b'] }, { der: otherSubtree('1.3.6.1.4.1.311.20.2.3') }],
    ['an otherName', { otherNames: [otherName('1.2.3')] }, { der: otherSubtree('1.2.3') }],
    [
      'a mailbox outside ASCII whose form is constrained',
      { otherNames: [smtpUtf8('a@bank.example')] },
      { der: otherSubtree('1.3.6.1.5.5.7.8.9') },
    ],
    [
      'a mailbox outside ASCII at a host outside ASCII',
      { otherNames: [smtpUtf8('a@b\u00e4nk.example')] },
      { email: 'bank.example' },
    ],
    [
      'a registered identifier',
      { otherNames: [{ registeredId: '1.2.3' }] },
      { registeredId: '1.2' },
    ],
    ['an X.400 address', { otherNames: [{ der: element(0xa3) }] }, { der: element(0xa3) }],
    ['an EDI party name', { otherNames: [{ der: element(0xa5) }] }, { der: element(0xa5) }],
    ...[
      '',
      'evil',
      '@bank.example',
      'a@',
      'a@bank.example ',
      'a@evil.example@bank.example',
      'a@bank.example\0',
      '<a@bank.example>',
    ].map(
      (text) =>
        [
          `the mail address ${JSON.stringify(text)} in a subject`,
          subject('emailAddress', text),
          { email: 'bank.example' },
        ] as const,
    ),
    [
      'a mail address in a subject that nobody can read',
      subject('emailAddress', 'a@bank.example', 'universal'),
      { email: 'bank.example' },
    ],
  ];
  for (const [what, names, subtree] of rows) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => check(names, { permitted: [subtree] }), constrained);
      assert.throws(() => check(names, { excluded: [subtree] }), constrained);
    });
  }

  it('is refused: a directory name that nobody can read, where it might be excluded', () => {
    for (const as of ['teletex', 'universal'] as const) {
      const directoryName = [{ type: 'O', value: '\u00e9vil', as }];
      const name = { subject: [], otherNames: [{ directoryName }] };
      const bank = { directoryName: [o('\u00e9vil')] };
      assert.throws(() => check(name, { excluded: [bank] }), constrained);
      assert.throws(() => check(name, { permitted: [bank] }), constrained);
    }
  });
});

describe('the work of comparing', () => {
  const subtrees = (count: number): readonly GeneralName[] =>
    Array.from({ length: count }, () => ({ dnsName: 'a' }));

  it('is bounded over all certificates and chains together', () => {
    const left = { comparisons: 2 * 3 * 4 };
    const names = new PermittedNames(left).narrowed(
      read({ permitted: subtrees(1), excluded: [{ dnsName: 'b' }] }),
    );
    // Two names, three subtrees: the subject is a name as well.
    const below = names.narrowed(read({ permitted: subtrees(1) }));
    const two = leaf({ dnsNames: ['x.a'] });
    for (let i = 0; i < 4; i++) below.check(two);
    assert.equal(left.comparisons, 0);
    const undecided = authError('ERR_CERTIFICATE_UNDECIDED');
    assert.throws(() => below.check(two), undecided);
    assert.throws(() => names.check(two), undecided);
  });

  it('is nothing where there are no constraints', () => {
    const none = new PermittedNames({ comparisons: 0 });
    assert.equal(none.narrowed(undefined), none);
    none.check(leaf({ dnsNames: ['a.example'] }));
  });
});

describe('readNameConstraints', () => {
  const permitted = (...bases: readonly Uint8Array[]) =>
    sequence(implicit(0, sequence(...bases.map((base) => sequence(base)))));
  const base = (tag: number, value: string | Uint8Array) => element(tag, Buffer.from(value));

  it('reads what is permitted and what is excluded', () => {
    const { permitted: good, excluded: bad } = read({
      permitted: [{ dnsName: 'A.example' }, { email: 'a@B.example' }, { uri: '.C.example' }],
      excluded: [{ ip: '10.0.0.0/8' }, { registeredId: '1.2' }],
    });
    assert.deepEqual(good, [
      { form: 'dnsName', base: 'a.example' },
      { form: 'email', base: 'a@b.example' },
      { form: 'uri', base: '.c.example' },
    ]);
    assert.deepEqual(bad, [
      { form: 'ip', address: Buffer.of(10, 0, 0, 0), mask: Buffer.of(255, 0, 0, 0) },
      { form: 'tag 136' },
    ]);
  });

  const rows: readonly (readonly [what: string, value: Buffer])[] = [
    ['none at all', sequence()],
    ['an empty list', sequence(element(0xa0))],
    ['bytes after it', Buffer.concat([permitted(base(0x82, 'a')), Buffer.of(0)])],
    ['a third list', sequence(element(0xa2, sequence(base(0x82, 'a'))))],
    [
      'excluded names first',
      sequence(element(0xa1, sequence(base(0x82, 'a'))), element(0xa0, sequence(base(0x82, 'a')))),
    ],
    ['a minimum', sequence(element(0xa0, sequence(base(0x82, 'a'), implicit(0, integer(1)))))],
    [
      'a minimum that is the default',
      sequence(element(0xa0, sequence(base(0x82, 'a'), implicit(0, integer(0))))),
    ],
    ['a maximum', sequence(element(0xa0, sequence(base(0x82, 'a'), implicit(1, integer(1)))))],
    ['a form that does not exist', permitted(base(0x89, 'a'))],
    ['a DNS name with a leading dot', permitted(base(0x82, '.a.example'))],
    ['a DNS name with a wildcard', permitted(base(0x82, '*.a.example'))],
    ['a DNS name with a NUL', permitted(base(0x82, 'a\0.example'))],
    ['a DNS name outside ASCII', permitted(base(0x82, Buffer.from([0xe9])))],
    ['a mail host with two dots in front', permitted(base(0x81, '..a.example'))],
    ['a mail host that is a dot', permitted(base(0x81, '.'))],
    ['a mailbox without a name', permitted(base(0x81, '@a.example'))],
    ['a mailbox without a host', permitted(base(0x81, 'a@'))],
    ['a mailbox at all hosts below one', permitted(base(0x81, 'a@.a.example'))],
    ['a whole URI', permitted(base(0x86, 'https://a.example/'))],
    ['a host with a port', permitted(base(0x86, 'a.example:443'))],
    ['an address without a mask', permitted(base(0x87, Buffer.of(10, 0, 0, 0)))],
    ['an address of ten bytes', permitted(base(0x87, Buffer.alloc(10)))],
    ['a mask with a hole', permitted(base(0x87, Buffer.of(10, 0, 0, 0, 255, 0, 255, 0)))],
    [
      'a mask with a hole within a byte',
      permitted(base(0x87, Buffer.of(10, 0, 0, 0, 0xfd, 0, 0, 0))),
    ],
    [
      'a mask with a hole at the start of a byte',
      permitted(base(0x87, Buffer.of(10, 0, 0, 0, 255, 15, 0, 0))),
    ],
    ['a mailbox with two hosts', permitted(base(0x81, 'a@b@a.example'))],
    ['a directory name that is none', permitted(base(0xa4, Buffer.of(1)))],
  ];
  for (const [what, value] of rows) {
    it(`refuses ${what}`, () => assert.throws(() => readNameConstraints(value), malformed));
  }
});
