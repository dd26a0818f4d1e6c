import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  bitString,
  boolean,
  element,
  explicit,
  implicit,
  integer,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  string,
} from '../../../src/pki/der-writer.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../../src/pki/extensions.ts';
import { type Extension, type IssueOptions, testAuthority } from '../../../src/pki/testing.ts';
import { readCertificate } from '../../../src/x509/certificate.ts';
import { type Profile, type Role, checkConformance } from '../../../src/x509/path/conformance.ts';
import { authError } from '../../support/errors.ts';
import {
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from '../../support/policy-extensions.ts';

const root = testAuthority();
const ca: IssueOptions = { ca: true, usage: null, dnsNames: [] };

function check(options: IssueOptions, role: Role = 'leaf', profile: Profile = 'rfc5280'): void {
  const all = role === 'leaf' ? options : { ...ca, ...options };
  checkConformance(readCertificate(root.issue(all).der), role, profile);
}

interface Row {
  readonly what: string;
  readonly bad: IssueOptions;
  /** The same without the defect. */
  readonly good: IssueOptions;
  readonly role?: Role;
  readonly profile?: Profile;
  readonly reason: RegExp;
}

const withOne = (extension: Extension): IssueOptions => ({ extensions: [extension] });
const critical = (extension: Extension, flag = true): IssueOptions =>
  withOne({ ...extension, critical: flag });
const constraints = nameConstraints({ permitted: [{ dnsName: 'example' }] });

/** A certificate with an RSA key of so many bits, which no generator makes for every size. */
const rsaOf = (bits: number): IssueOptions => ({
  rewrite: (fields) =>
    fields.with(
      6,
      sequence(
        sequence(objectIdentifier('1.2.840.113549.1.1.1'), nothing()),
        bitString(sequence(integer((1n << BigInt(bits - 1)) + 1n), integer(3))),
      ),
    ),
});

const policyWith = (kind: string, value: Uint8Array, isCritical = false): IssueOptions =>
  withOne({
    oid: '2.5.29.32',
    critical: isCritical,
    value: sequence(
      sequence(objectIdentifier('1.2.3'), sequence(sequence(objectIdentifier(kind), value))),
    ),
  });
const notice = '1.3.6.1.5.5.7.2.2';

const neverCritical: readonly Extension[] = [
  authorityKeyIdentifier(Buffer.of(1)),
  subjectKeyIdentifier(Buffer.of(1)),
  {
    oid: '2.5.29.9',
    value: sequence(sequence(objectIdentifier('1.2.3'), element(0x31, integer(1)))),
  },
  {
    oid: '2.5.29.46',
    value: sequence(
      sequence(element(0xa0, element(0xa0, implicit(6, string('ia5', 'http://a/'))))),
    ),
  },
  {
    oid: '1.3.6.1.5.5.7.1.1',
    value: sequence(
      sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), implicit(6, string('ia5', 'http://a/'))),
    ),
  },
  { oid: '1.3.6.1.4.1.11129.2.4.2', value: octetString(Buffer.of(0, 0)) },
  { oid: '1.2.3.4', value: octetString(Buffer.of(0)) },
];

const rows: readonly Row[] = [
  ...neverCritical.map((extension): Row => ({
    what: `${extension.oid} as critical`,
    bad: critical(extension),
    good: withOne(extension),
    reason: /a critical extension that is unknown or must not be critical/,
  })),
  {
    what: 'name constraints that are not critical',
    bad: critical(constraints, false),
    good: withOne(constraints),
    role: 'intermediate',
    reason: /2\.5\.29\.30 as not critical/,
  },
  {
    what: 'an inhibitAnyPolicy that is not critical',
    bad: critical(inhibitAnyPolicy(0), false),
    good: withOne(inhibitAnyPolicy(0)),
    role: 'intermediate',
    reason: /2\.5\.29\.54 as not critical/,
  },
  {
    what: 'policy constraints that are not critical, without policies',
    bad: critical(policyConstraints({ requireExplicit: 0 }), false),
    good: withOne(policyConstraints({ requireExplicit: 0 })),
    role: 'intermediate',
    reason: /policy constraints as not critical/,
  },
  {
    what: 'policy constraints that are not critical, though with policies as RFC 3280 had it',
    bad: critical(policyConstraints({ requireExplicit: 0 }), false),
    good: { ...critical(policyConstraints({ requireExplicit: 0 }), false), policies: ['1.2.3'] },
    role: 'intermediate',
    reason: /policy constraints as not critical/,
  },
  {
    what: 'critical policies with a qualifier that nobody knows',
    bad: policyWith('1.2.3', integer(1), true),
    good: policyWith('1.2.3', integer(1)),
    reason: /an unknown policy qualifier/,
  },
  {
    what: 'no issuer',
    bad: { issuer: [] },
    good: {},
    reason: /no issuer/,
  },
  {
    what: 'a subject in T.61',
    bad: { subject: [{ type: 'O', value: 'x', as: 'teletex' }] },
    good: { subject: [{ type: 'O', value: 'x', as: 'utf8' }] },
    reason: /a subject in T\.61/,
  },
  {
    what: 'no subject of a CA',
    bad: { subject: [], extensions: [subjectAltName([{ dnsName: 'a.example' }], true)] },
    good: {},
    role: 'intermediate',
    reason: /no subject, and is a CA/,
  },
  {
    what: 'no subject of any kind',
    bad: { subject: [], dnsNames: [] },
    good: { subject: [], dnsNames: ['a.example'] },
    reason: /no subject of any kind/,
  },
  {
    what: 'no subject but names that are not critical',
    bad: { subject: [], extensions: [subjectAltName([{ dnsName: 'a.example' }], false)] },
    good: { subject: [], extensions: [subjectAltName([{ dnsName: 'a.example' }], true)] },
    reason: /no subject but names that are not critical/,
  },
  {
    what: 'no authority key identifier',
    bad: { authorityKeyId: null },
    good: { authorityKeyId: null, selfSigned: true },
    reason: /no authority key identifier/,
  },
  {
    what: 'an authority key identifier without a key',
    bad: withOne({ oid: '2.5.29.35', value: sequence() }),
    good: {},
    reason: /no authority key identifier/,
  },
  {
    what: 'no subject key identifier of a CA',
    bad: { subjectKeyId: null },
    good: {},
    role: 'intermediate',
    reason: /no subject key identifier, and is a CA/,
  },
  {
    what: 'a user notice in another kind of string',
    bad: policyWith(notice, sequence(string('bmp', 'x'))),
    good: policyWith(notice, sequence(string('utf8', 'x'))),
    reason: /a user notice in a kind of text/,
  },
  ...(['intermediate', 'anchor'] as const).map((role): Row => ({
    what: `basic constraints that are not critical, of the ${role}`,
    bad: critical(basicConstraints(true), false),
    good: withOne(basicConstraints(true)),
    role,
    reason: /basic constraints of a CA as not critical/,
  })),
  {
    what: 'a key usage without any use',
    bad: { keyUsage: [] },
    good: { keyUsage: null },
    reason: /a key usage without any use/,
  },
  {
    what: 'keyCertSign without being a CA',
    bad: { keyUsage: ['digitalSignature', 'keyCertSign'] },
    good: { keyUsage: ['digitalSignature', 'keyCertSign'], ca: true },
    reason: /keyCertSign, and is no CA/,
  },
  {
    what: 'a path length without being a CA',
    bad: withOne(basicConstraints(false, 0)),
    good: withOne(basicConstraints(true, 0)),
    reason: /a path length, and is no CA/,
  },
  {
    what: 'name constraints without being a CA',
    bad: withOne(constraints),
    good: { ...withOne(constraints), ca: true },
    reason: /name constraints, and is no CA/,
  },
  {
    what: 'policy mappings without being a CA',
    bad: withOne(policyMappings([['1.2.3', '1.2.4']])),
    good: { ...withOne(policyMappings([['1.2.3', '1.2.4']])), ca: true },
    reason: /policy mappings, and is no CA/,
  },

  {
    what: 'version 1',
    bad: { rewrite: (fields) => fields.slice(1, -1), authorityKeyId: null, selfSigned: true },
    good: {},
    profile: 'webpki',
    reason: /a version other than 3/,
  },
  {
    what: 'purposes of a root',
    bad: { usage: 'serverAuth' },
    good: {},
    role: 'anchor',
    profile: 'webpki',
    reason: /purposes, and is a root/,
  },
  {
    what: 'a root that names its issuer',
    bad: withOne({
      oid: '2.5.29.35',
      value: sequence(
        implicit(0, octetString(Buffer.of(1))),
        element(0xa1, implicit(2, string('ia5', 'a'))),
        implicit(2, integer(1)),
      ),
    }),
    good: withOne(authorityKeyIdentifier(Buffer.of(1))),
    role: 'anchor',
    profile: 'webpki',
    reason: /a root that names its issuer/,
  },
  {
    what: 'an authority key identifier of a root without a key',
    bad: { selfSigned: true, extensions: [{ oid: '2.5.29.35', value: sequence() }] },
    good: { selfSigned: true, authorityKeyId: null },
    role: 'anchor',
    profile: 'webpki',
    reason: /an authority key identifier without a key/,
  },
  ...(['leaf', 'intermediate'] as const).map((role): Row => ({
    what: `every purpose at once, of the ${role}`,
    bad: { usage: ['serverAuth', 'any'] },
    good: { usage: ['serverAuth'] },
    role,
    profile: 'webpki',
    reason: /every purpose at once/,
  })),
  {
    what: 'no purposes',
    bad: { usage: null },
    good: { usage: 'serverAuth' },
    profile: 'webpki',
    reason: /no purposes/,
  },
  ...['codeSigning', 'emailProtection', '1.3.6.1.5.5.7.3.8', 'ocspSigning'].map((usage): Row => ({
    what: `serverAuth together with ${usage}`,
    bad: withOne(extendedKeyUsage(['serverAuth', usage])),
    good: withOne(extendedKeyUsage(['serverAuth', '1.2.3'])),
    profile: 'webpki',
    reason: /purposes that do not go together/,
  })),
  {
    what: 'a CA as a leaf',
    bad: { ca: true, usage: 'serverAuth' },
    good: { usage: 'serverAuth' },
    profile: 'webpki',
    reason: /a CA as a leaf/,
  },
  {
    what: 'an RSA key that is not whole bytes',
    bad: rsaOf(2_049),
    good: rsaOf(2_056),
    profile: 'webpki',
    reason: /an RSA key that is not whole bytes/,
  },
  ...[
    '10.0.0.2',
    '0x7f.0.0.1',
    '0x7F000001',
    '2001:db8::1',
    'xn--bcher-kva.example',
    'b\u00fccher',
    '1.2',
    ':80',
  ].map((subject): Row => ({
    what: `the common name ${subject}, which is none of its names`,
    bad: { subject, dnsNames: ['a.example'] },
    good: { subject: [{ type: 'O', value: subject }], dnsNames: ['a.example'] },
    profile: 'webpki',
    reason: /a common name that is none of its names/,
  })),
];

describe('checkConformance', () => {
  for (const { what, bad, good, role, profile, reason } of rows) {
    it(`refuses ${what}${profile === undefined ? '' : ` (${profile})`}, and nothing but that`, () => {
      check(good, role, profile);
      assert.throws(
        () => check(bad, role, profile),
        authError('ERR_CERTIFICATE_EXTENSION', reason),
      );
      if (profile === 'webpki') check(bad, role);
    });
  }

  it('bears what only a leaf must not have', () => {
    check({ subject: [{ type: 'O', value: 'x', as: 'teletex' }] }, 'intermediate');
    check(policyWith(notice, sequence(string('bmp', 'x'))), 'intermediate');
    check(critical(basicConstraints(false), false));
    check({ usage: 'any' }, 'anchor');
  });

  it('bears every critical extension that is acted upon', () => {
    const uri = implicit(6, string('ia5', 'http://a/'));
    for (const extension of [
      keyUsage(['keyCertSign']),
      subjectAltName([{ dnsName: 'a.example' }], true),
      basicConstraints(true, 1),
      constraints,
      { oid: '2.5.29.31', value: sequence(sequence(explicit(0, explicit(0, uri)))) },
      certificatePolicies(['1.2.3']),
      policyMappings([['1.2.3', '1.2.4']]),
      policyConstraints({ inhibitMapping: 0 }),
      extendedKeyUsage(['clientAuth']),
      inhibitAnyPolicy(0),
    ]) {
      check(critical(extension), 'intermediate');
    }
  });

  it('bears common names that nobody reads as a host, or that are one of the names', () => {
    for (const [subject, names] of [
      ['Bank (Switzerland)', {}],
      ['www.bank.example', {}],
      ['10.0.0.2', { ips: ['10.0.0.2'] }],
      ['xn--bcher-kva.example', { dnsNames: ['xn--bcher-kva.example'] }],
    ] as const) {
      check({ subject, dnsNames: ['a.example'], ...names }, 'leaf', 'webpki');
    }
  });

  it('says which extension it is', () => {
    const extension = { oid: '1.2.3.4', critical: true, value: boolean(true) };
    assert.throws(() => check(withOne(extension)), /\(1\.2\.3\.4\)/);
  });
});
