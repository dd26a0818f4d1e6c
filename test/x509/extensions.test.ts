// The extensions that a path rests on, through `readCertificate`; those that every certificate has are in
// certificate.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  element,
  explicit,
  implicit,
  integer,
  namedBits,
  nothing,
  objectIdentifier as oid,
  octetString,
  sequence,
  string,
} from '../../src/pki/der-writer.ts';
import { type GeneralName, testAuthority } from '../../src/pki/testing.ts';
import { distinguishedName, generalName } from '../../src/pki/names.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { authError } from '../support/errors.ts';

const root = testAuthority();
const ids = {
  subjectDirectoryAttributes: '2.5.29.9',
  subjectKeyId: '2.5.29.14',
  crlDistributionPoints: '2.5.29.31',
  policies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyId: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  timestamps: '1.3.6.1.4.1.11129.2.4.2',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;
type Name = keyof typeof ids;

const read = (name: Name, value: Uint8Array): Certificate =>
  readCertificate(root.issue({ extensions: [{ oid: ids[name], value }] }).der);
/** The same with bytes in hexadecimal, and without members that are undefined. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}

const uri = (text: string) => implicit(6, string('ia5', text));
const more = (value: Uint8Array) => Buffer.concat([value, nothing()]);
const directory = { directoryName: 'ca' } satisfies GeneralName;
const policy = (id: string, ...qualifiers: readonly Buffer[]) =>
  sequence(oid(id), ...(qualifiers.length === 0 ? [] : [sequence(...qualifiers)]));
const qualifier = (id: string, ...value: readonly Buffer[]) => sequence(oid(id), ...value);
const address = '1.3.6.1.5.5.7.2.1';
const notice = '1.3.6.1.5.5.7.2.2';
const location = (kind: string, name: Buffer) => sequence(oid(`1.3.6.1.5.5.7.48.${kind}`), name);
const point = (...parts: readonly Buffer[]) => sequence(sequence(...parts));
const fullName = (...names: readonly Buffer[]) => element(0xa0, element(0xa0, ...names));

describe('an extension', () => {
  const rows: readonly (readonly [name: Name, what: string, value: Buffer, expected: unknown])[] = [
    ['subjectKeyId', 'of some bytes', octetString(Buffer.of(1, 2)), '0102'],
    ['authorityKeyId', 'that says nothing', sequence(), {}],
    [
      'authorityKeyId',
      'of a key',
      sequence(implicit(0, octetString(Buffer.of(1)))),
      { keyId: '01' },
    ],
    [
      'authorityKeyId',
      'of a certificate',
      sequence(element(0xa1, generalName(directory)), implicit(2, integer(300))),
      {
        certificate: {
          issuer: [
            {
              kind: 'directoryName',
              value: 'CN=ca',
              der: distinguishedName('ca').toString('hex'),
            },
          ],
          serialNumber: '12C',
        },
      },
    ],
    [
      'policies',
      'of one',
      sequence(policy('1.2.3')),
      { oids: ['1.2.3'], unknownQualifier: false, irregularNotice: false },
    ],
    [
      'policies',
      'with qualifiers that are known',
      sequence(
        policy(
          '1.2.3',
          qualifier(address, string('ia5', 'http://a/')),
          qualifier(notice, sequence(string('utf8', 'x'))),
        ),
        policy('1.2.4'),
      ),
      { oids: ['1.2.3', '1.2.4'], unknownQualifier: false, irregularNotice: false },
    ],
    [
      'policies',
      'with a qualifier that is not',
      sequence(
        policy('1.2.3', qualifier('1.2', nothing()), qualifier(address, string('ia5', 'a'))),
      ),
      { oids: ['1.2.3'], unknownQualifier: true, irregularNotice: false },
    ],
    ...(
      [
        ['utf8', 0x0c, false],
        ['ia5', 0x16, false],
        ['visible', 0x1a, false],
        ['bmp', 0x1e, true],
        ['teletex', 0x14, true],
      ] as const
    ).map(
      ([kind, tag, irregularNotice]) =>
        [
          'policies',
          `with a notice in ${kind}`,
          sequence(
            policy(
              '1.2.3',
              qualifier(notice, sequence(sequence(), element(tag, Buffer.of(0x41)))),
              qualifier(notice, sequence()),
            ),
          ),
          { oids: ['1.2.3'], unknownQualifier: false, irregularNotice },
        ] as const,
    ),
    [
      'policyMappings',
      'of two',
      sequence(sequence(oid('1.2'), oid('1.3')), sequence(oid('1.4'), oid('1.5'))),
      [
        { issuer: '1.2', subject: '1.3' },
        { issuer: '1.4', subject: '1.5' },
      ],
    ],
    [
      'policyConstraints',
      'on what is explicit',
      sequence(implicit(0, integer(3))),
      { requireExplicit: 3 },
    ],
    ['policyConstraints', 'on mappings', sequence(implicit(1, integer(0))), { inhibitMapping: 0 }],
    [
      'policyConstraints',
      'on both',
      sequence(implicit(0, integer(1)), implicit(1, integer(2))),
      { requireExplicit: 1, inhibitMapping: 2 },
    ],
    ['inhibitAnyPolicy', 'of a number', integer(5), 5],
    [
      'crlDistributionPoints',
      'with an address',
      point(fullName(uri('http://a/'), generalName(directory))),
      [
        {
          name: {
            fullName: [
              { kind: 'uri', value: 'http://a/' },
              {
                kind: 'directoryName',
                value: 'CN=ca',
                der: distinguishedName('ca').toString('hex'),
              },
            ],
          },
        },
      ],
    ],
    [
      'crlDistributionPoints',
      'with a relative name',
      point(element(0xa0, element(0xa1, sequence(oid('2.5.4.3'), string('utf8', 'x'))))),
      [
        {
          name: {
            relativeName: element(0x31, sequence(oid('2.5.4.3'), string('utf8', 'x'))).toString(
              'hex',
            ),
          },
        },
      ],
    ],
    [
      'freshestCrl',
      'with reasons and an issuer',
      point(
        fullName(uri('http://a/')),
        implicit(1, namedBits([1, 3])),
        element(0xa2, uri('http://b/')),
      ),
      [
        {
          name: { fullName: [{ kind: 'uri', value: 'http://a/' }] },
          reasons: [1, 3],
          crlIssuer: [{ kind: 'uri', value: 'http://b/' }],
        },
      ],
    ],
    [
      'crlDistributionPoints',
      'with an issuer alone',
      point(element(0xa2, uri('urn:x'))),
      [{ crlIssuer: [{ kind: 'uri', value: 'urn:x' }] }],
    ],
    [
      'authorityInfoAccess',
      'of all kinds',
      sequence(
        location('1', uri('http://o/')),
        location('2', uri('http://i/')),
        location('3', uri('http://x/')),
        location('1', generalName(directory)),
        location('1', uri('http://p/')),
      ),
      { ocsp: ['http://o/', 'http://p/'], caIssuers: ['http://i/'] },
    ],
    // Where something is kept names nobody, and is not checked for it.
    [
      'authorityInfoAccess',
      'at an odd place',
      sequence(location('1', uri('not a URI'))),
      { ocsp: ['not a URI'], caIssuers: [] },
    ],
  ];
  for (const [name, what, value, expected] of rows) {
    it(`${name} ${what} is read`, () => {
      assert.deepEqual(plain(read(name, value)[name as keyof Certificate]), expected);
    });
  }

  it('that nothing here acts upon is read for its form', () => {
    read('subjectDirectoryAttributes', sequence(sequence(oid('1.2'), element(0x31, integer(1)))));
    read('timestamps', octetString(Buffer.of(0, 0)));
  });

  const refusals: readonly (readonly [name: Name, what: string, value: Buffer])[] = [
    ...Object.keys(ids).flatMap((name) => [
      [name as Name, 'without bytes', Buffer.alloc(0)] as const,
      [name as Name, 'of another type', string('utf8', 'x')] as const,
    ]),
    ['subjectKeyId', 'with bytes after it', more(octetString(Buffer.of(1)))],
    ['authorityKeyId', 'with bytes after it', more(sequence())],
    [
      'authorityKeyId',
      'with an issuer and no serial number',
      sequence(element(0xa1, generalName(directory))),
    ],
    ['authorityKeyId', 'with a serial number and no issuer', sequence(implicit(2, integer(1)))],
    [
      'authorityKeyId',
      'with no names of an issuer',
      sequence(element(0xa1), implicit(2, integer(1))),
    ],
    [
      'authorityKeyId',
      'in the wrong order',
      sequence(implicit(2, integer(1)), element(0xa1, generalName(directory))),
    ],
    [
      'authorityKeyId',
      'with a padded serial number',
      sequence(element(0xa1, generalName(directory)), element(0x82, Buffer.of(0, 1))),
    ],
    ['policies', 'of none', sequence()],
    ['policies', 'with bytes after it', more(sequence(policy('1.2.3')))],
    ['policies', 'with one twice', sequence(policy('1.2.3'), policy('1.2.4'), policy('1.2.3'))],
    ['policies', 'with no qualifiers in their list', sequence(sequence(oid('1.2.3'), sequence()))],
    [
      'policies',
      'with more after the qualifiers',
      sequence(sequence(oid('1.2.3'), sequence(qualifier('1.2', nothing())), nothing())),
    ],
    ['policies', 'with a qualifier without a value', sequence(policy('1.2.3', qualifier('1.2')))],
    [
      'policies',
      'with a qualifier of two values',
      sequence(policy('1.2.3', qualifier('1.2', nothing(), nothing()))),
    ],
    [
      'policies',
      'with an address in UTF-8',
      sequence(policy('1.2.3', qualifier(address, string('utf8', 'a')))),
    ],
    [
      'policies',
      'with an address outside ASCII',
      sequence(policy('1.2.3', qualifier(address, string('ia5', Buffer.of(0xe9))))),
    ],
    [
      'policies',
      'with a notice that is text',
      sequence(policy('1.2.3', qualifier(notice, string('utf8', 'x')))),
    ],
    [
      'policies',
      'with a notice of two texts',
      sequence(
        policy('1.2.3', qualifier(notice, sequence(string('utf8', 'x'), string('utf8', 'y')))),
      ),
    ],
    ['policyMappings', 'of none', sequence()],
    ['policyMappings', 'of half a pair', sequence(sequence(oid('1.2')))],
    ['policyMappings', 'of three', sequence(sequence(oid('1.2'), oid('1.3'), oid('1.4')))],
    ['policyMappings', 'with bytes after it', more(sequence(sequence(oid('1.2'), oid('1.3'))))],
    ['policyConstraints', 'on nothing', sequence()],
    ['policyConstraints', 'below zero', sequence(implicit(0, integer(-1)))],
    [
      'policyConstraints',
      'in the wrong order',
      sequence(implicit(1, integer(0)), implicit(0, integer(0))),
    ],
    ['policyConstraints', 'with bytes after it', more(sequence(implicit(0, integer(0))))],
    ['inhibitAnyPolicy', 'below zero', integer(-1)],
    ['inhibitAnyPolicy', 'with bytes after it', more(integer(1))],
    ['crlDistributionPoints', 'of none', sequence()],
    ['crlDistributionPoints', 'with reasons alone', point(implicit(1, namedBits([1])))],
    ['crlDistributionPoints', 'without anything', point()],
    ['crlDistributionPoints', 'with more after it', point(fullName(uri('a:b')), nothing())],
    [
      'crlDistributionPoints',
      'with a name of no kind',
      point(element(0xa0, element(0xa2, uri('a:b')))),
    ],
    [
      'crlDistributionPoints',
      'with two names',
      point(explicit(0, element(0xa0, uri('a:b')), element(0xa0, uri('a:b')))),
    ],
    ['crlDistributionPoints', 'with no names in a full name', point(fullName())],
    [
      'crlDistributionPoints',
      'with reasons that end in zeros',
      point(fullName(uri('a:b')), element(0x81, Buffer.of(0, 0x80))),
    ],
    ['freshestCrl', 'with bytes after it', more(point(fullName(uri('a:b'))))],
    ['authorityInfoAccess', 'of none', sequence()],
    [
      'authorityInfoAccess',
      'with more than a place',
      sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), uri('a:b'), nothing())),
    ],
    [
      'authorityInfoAccess',
      'with a place outside ASCII',
      sequence(location('1', element(0x86, Buffer.of(0xe9)))),
    ],
    ['subjectDirectoryAttributes', 'of none', sequence()],
    ['subjectDirectoryAttributes', 'of what is no attribute', sequence(integer(1))],
    ['timestamps', 'with bytes after it', more(octetString(Buffer.of(1)))],
  ];
  for (const [name, what, value] of refusals) {
    it(`${name} ${what} refuses the certificate`, () => {
      assert.throws(() => read(name, value), authError('ERR_CERTIFICATE_MALFORMED'));
    });
  }
});
