import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  element,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  sequence,
  string,
  type StringType,
} from '../../src/pki/der-writer.ts';
import { type GeneralName, generalName } from '../../src/pki/names.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { AuthError } from '../../src/errors.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import {
  type GeneralNames,
  byKind,
  noNames,
  readSubjectAltName,
} from '../../src/x509/general-names.ts';
import { authError } from '../support/errors.ts';

const read = (...names: readonly GeneralName[]): GeneralNames =>
  byKind(readSubjectAltName(sequence(...names.map(generalName))));
const refusal = (what: RegExp): ((error: unknown) => true) =>
  authError('ERR_CERTIFICATE_MALFORMED', what);

const upnOid = '1.3.6.1.4.1.311.20.2.3';
const otherName = (oid: string, ...value: readonly Uint8Array[]): GeneralName => ({
  der: implicit(0, sequence(objectIdentifier(oid), explicit(0, ...value))),
});
const upnAs = (type: StringType, text: string | Uint8Array): GeneralName =>
  otherName(upnOid, string(type, text));

describe('noNames', () => {
  it('is shared, so nobody can add a name to it', () => {
    for (const names of Object.values(noNames) as unknown[][]) {
      assert.throws(() => names.push('admin'), TypeError);
    }
  });
});

describe('readSubjectAltName', () => {
  it('sorts names by kind and keeps their order', () => {
    const names = read(
      { dnsName: 'b.example' },
      { uri: 'spiffe://a/x' },
      { dnsName: 'a.example' },
      { email: 'x@a.example' },
      { ip: '2001:db8::1' },
      { upn: 'alice@corp' },
      { ip: '192.0.2.7' },
      {
        directoryName: [
          { type: 'O', value: 'Bank' },
          { type: 'CN', value: 'a,b' },
        ],
      },
      otherName('1.2.3', integer(5)),
    );
    const { otherNames, ...texts } = names;
    assert.deepEqual(texts, {
      dnsNames: ['b.example', 'a.example'],
      emails: ['x@a.example'],
      uris: ['spiffe://a/x'],
      ips: ['2001:db8::1', '192.0.2.7'],
      upns: ['alice@corp'],
      directoryNames: ['CN=a\\,b,O=Bank'],
    });
    assert.deepEqual(
      otherNames.map(({ oid, value }) => [oid, Buffer.from(value).toString('hex')]),
      [['1.2.3', '020105']],
    );
  });

  it('reads what Node reads from a certificate', () => {
    const { der } = testAuthority().issue({
      dnsNames: ['A.example', '*.b.example'],
      emails: ['x@a.example'],
      uris: ['urn:x'],
      ips: ['192.0.2.7', '2001:db8::a:1'],
    });
    const { dnsNames, emails, uris, ips } = readCertificate(der).names;
    const theirs = new X509Certificate(der).subjectAltName ?? '';
    const ours = [
      ...dnsNames.map((name) => `DNS:${name}`),
      ...emails.map((name) => `email:${name}`),
      ...uris.map((name) => `URI:${name}`),
      ...ips.map((name) => `IP Address:${name}`),
    ];
    const shortened = theirs.replace('2001:DB8:0:0:0:0:A:1', '2001:db8::a:1');
    assert.equal(ours.join(', '), shortened.replace('A.example', 'a.example'));
  });

  it('passes over kinds that name no peer here', () => {
    const names = read(
      { registeredId: '1.2.3' },
      { der: element(0xa3, Buffer.from('x400')) },
      { der: element(0xa5, Buffer.from('edi')) },
      { dnsName: 'a.example' },
    );
    assert.deepEqual(names, { ...noNames, dnsNames: ['a.example'] });
  });

  for (const [name, expected] of [
    ['A.Example', 'a.example'],
    ['*.a.example', '*.a.example'],
    ['*.com', '*.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['_x.a.example', '_x.a.example'],
    ['192.0.2.7', '192.0.2.7'],
  ] as const) {
    it(`reads the DNS name ${name}`, () => {
      assert.deepEqual(read({ dnsName: name }).dnsNames, [expected]);
    });
  }

  for (const name of [
    '',
    ' ',
    '.',
    'a.example.',
    '.a.example',
    'a..example',
    '*',
    '*.*.example',
    'a.*.example',
    'a*.example',
    '**.example',
    'a.example\0.evil.example',
    'a.example\0',
    'a example',
    'a.example:443',
    'a.example,b.example',
    'a.example/x',
    'https://a.example',
    '-a.example',
    `${'x'.repeat(64)}.example`,
    'b\u00fccher.example',
    'b\u0430nk.example',
  ]) {
    it(`refuses the DNS name ${JSON.stringify(name)}`, () => {
      assert.throws(() => read({ dnsName: name }), refusal(/a DNS name that is none|not ASCII/));
    });
  }

  for (const [mail, expected] of [
    ['Alice@Bank.EXAMPLE', 'Alice@bank.example'],
    ["o'neil+tag/x=y@a.example", "o'neil+tag/x=y@a.example"],
    ['a.b-c_d~!#$%&*?^`{|}@a.example', 'a.b-c_d~!#$%&*?^`{|}@a.example'],
    ['x@localhost', 'x@localhost'],
  ] as const) {
    it(`reads the mail address ${mail}`, () => {
      assert.deepEqual(read({ email: mail }).emails, [expected]);
    });
  }

  for (const mail of [
    '',
    '@',
    'a.example',
    '@a.example',
    'x@',
    'x@.example',
    'x@*.example',
    'x@a.example.',
    'x@a..example',
    'x@y@a.example',
    '"x y"@a.example',
    'x y@a.example',
    'X <x@a.example>',
    'x@a.example\0@b.example',
    'x\0@a.example',
    'x@[192.0.2.7]',
    'x@a.example,y@b.example',
    'x\r\n@a.example',
    'x@b\u00fccher.example',
    'z\u00eb@a.example',
  ]) {
    it(`refuses the mail address ${JSON.stringify(mail)}`, () => {
      assert.throws(() => read({ email: mail }), refusal(/a mail address|not ASCII/));
    });
  }

  for (const uri of [
    'https://a.example/x?y=%20#z',
    'urn:x',
    'spiffe://Bank.example/x',
    'x-y+z.1:x',
    "a:-._~:/?#[]@!$&'()*+,;=%",
  ]) {
    it(`reads the URI ${uri} as it is`, () => assert.deepEqual(read({ uri }).uris, [uri]));
  }

  for (const uri of [
    '',
    'a',
    'a:',
    ':x',
    '/x',
    '//a/x',
    'a.example/x',
    '1a:x',
    'https://a b',
    'https://a/x\0y',
    'https://a/x\ny',
    ' https://a/x',
    'https://a/x\n',
    'https://a/"x"',
    'https://a/<x>',
    'https://a/\\x',
    'https://a/{x}',
    'https://b\u00fccher/x',
  ]) {
    it(`refuses the URI ${JSON.stringify(uri)}`, () => {
      assert.throws(() => read({ uri }), refusal(/a URI that is none|not ASCII/));
    });
  }

  for (const length of [0, 3, 5, 8, 15, 32]) {
    it(`refuses an IP address of ${length} bytes`, () => {
      assert.throws(() => read({ ip: Buffer.alloc(length) }), refusal(/an IP address/));
    });
  }

  for (const type of ['utf8', 'ia5', 'printable', 'bmp'] as const) {
    it(`reads a UPN of the string type ${type}`, () => {
      assert.deepEqual(read(upnAs(type, 'alice@corp')).upns, ['alice@corp']);
    });
  }

  for (const [what, upn] of [
    ['that is empty', upnAs('utf8', '')],
    ['with NUL', upnAs('utf8', 'alice@corp\0.evil')],
    ['with a change of direction', upnAs('utf8', '\u202eecila@corp')],
    ['of T.61', upnAs('teletex', 'alice@corp')],
    ['of another type', otherName(upnOid, integer(5))],
  ] as const) {
    it(`refuses a UPN ${what}`, () =>
      assert.throws(() => read(upn), refusal(/UPN that is no text/)));
  }

  it('refuses a UPN that is not UTF-8', () => {
    assert.throws(() => read(upnAs('utf8', Buffer.of(0xff))), refusal(/not UTF-8/));
  });

  const oid = objectIdentifier('1.2.3');
  const shapes: readonly (readonly [what: string, der: Uint8Array, says: RegExp])[] = [
    ['no value', element(0xa0, oid), /cut short/],
    ['no type', element(0xa0, explicit(0, integer(5))), /where 0x06/],
    ['a value that is not wrapped', element(0xa0, oid, integer(5)), /where 0xa0/],
    ['an empty wrapper', element(0xa0, oid, explicit(0)), /cut short/],
    ['two values', element(0xa0, oid, explicit(0, integer(5), integer(6))), /after the last/],
    [
      'bytes after the value',
      element(0xa0, oid, explicit(0, integer(5)), integer(6)),
      /after the last/,
    ],
  ];
  for (const [what, der, says] of shapes) {
    it(`refuses an otherName with ${what}`, () =>
      assert.throws(() => read({ der }), refusal(says)));
  }

  it('refuses a directory name that is none, or is followed by something', () => {
    const name = generalName({ directoryName: 'a' });
    const content = name.subarray(2);
    assert.deepEqual(read({ der: name }).directoryNames, ['CN=a']);
    assert.throws(() => read({ der: element(0xa4) }), refusal(/cut short/));
    assert.throws(() => read({ der: element(0xa4, content, content) }), refusal(/after the last/));
  });

  for (const number of [0x80, 0xa1, 0xa2, 0x83, 0x84, 0xa6, 0xa7, 0xa8, 0x89, 0x0c, 0x30]) {
    it(`refuses a name with the tag ${number.toString(16)}`, () => {
      assert.throws(() => read({ der: element(number, oid) }), refusal(/no known kind/));
    });
  }

  it('refuses an extension without names, of another type, or with bytes after it', () => {
    assert.throws(() => readSubjectAltName(sequence()), refusal(/cut short/));
    assert.throws(() => readSubjectAltName(element(0x31)), refusal(/where 0x30/));
    assert.throws(() => readSubjectAltName(Buffer.alloc(0)), refusal(/cut short/));
    const good = sequence(generalName({ dnsName: 'a.example' }));
    assert.throws(
      () => readSubjectAltName(Buffer.concat([good, Buffer.of(0)])),
      refusal(/after the/),
    );
  });

  it('gives any names only in their grammar, or a refusal', () => {
    const kinds = fc.constantFrom(0x81, 0x82, 0x86);
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'a.*-_@:/\0 A1%') }),
      fc.emailAddress(),
      fc.domain(),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(kinds, text, (kind, given) => {
        let names: GeneralNames;
        try {
          names = read({ der: element(kind, Buffer.from(given)) });
        } catch (error) {
          return assert.ok(error instanceof AuthError, String(error));
        }
        const [name = ''] = [...names.emails, ...names.dnsNames, ...names.uris];
        assert.equal(name.toLowerCase(), given.toLowerCase());
        assert.match(name, /^[!-~]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
