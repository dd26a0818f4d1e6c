import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type IssueOptions,
  type NameConstraints,
  type TestAuthority,
  testAuthority,
} from '../../../src/pki/testing.ts';
import type { AuthErrorCode } from '../../../src/errors.ts';
import { type Certificate, readCertificate } from '../../../src/x509/certificate.ts';
import { type PathRules, checkPath, checkValidity } from '../../../src/x509/path/rules.ts';
import { authError } from '../../support/errors.ts';
import { anyPolicy, inhibitAnyPolicy, policyConstraints } from '../../support/policy-extensions.ts';

const usual: PathRules = {
  at: new Date(),
  purpose: 'any',
  maxDepth: 10,
  policies: {},
  profile: 'rfc5280',
};
const day = 86_400_000;
const ended = new Date(Date.now() - day);
const later = new Date(Date.now() + day);
const host = { dnsNames: ['a.bank.example'] };

/** Leaf first: a leaf below CAs, of which the first is the anchor. */
function chainOf(cas: readonly IssueOptions[], leaf: IssueOptions = host): readonly Certificate[] {
  const ders: Buffer[] = [];
  let above: TestAuthority | undefined;
  for (const options of cas) {
    above = above === undefined ? testAuthority(options) : above.intermediate(options);
    ders.unshift(above.der);
  }
  return [above!.issue(leaf).der, ...ders].map(readCertificate);
}

interface Row {
  readonly what: string;
  /** From the anchor down. */
  readonly cas: readonly IssueOptions[];
  readonly leaf?: IssueOptions;
  readonly rules?: Partial<PathRules>;
  /** The fault, and the place of the certificate that has it, 0 the leaf. None where the path is good. */
  readonly fault?: readonly [code: AuthErrorCode, place: number];
}

// A CA that issued to itself: the name of the one above, and another key.
const named = { subject: 'a CA' };
const constrained: { readonly nameConstraints: NameConstraints } = {
  nameConstraints: { permitted: [{ dnsName: 'other.example' }] },
};
const unknown = { extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] };

const rows: readonly Row[] = [
  { what: 'a leaf below its anchor', cas: [{}] },
  { what: 'a leaf below two more CAs', cas: [{}, {}, {}] },

  ...[0, 1, 2].flatMap((place): readonly Row[] => {
    const at = (options: IssueOptions): Pick<Row, 'cas' | 'leaf'> => ({
      cas: [place === 2 ? options : {}, place === 1 ? options : {}],
      leaf: place === 0 ? { ...host, ...options } : host,
    });
    return [
      {
        what: 'one that has ended',
        ...at({ notAfter: ended }),
        fault: ['ERR_CERTIFICATE_EXPIRED', place],
      },
      {
        what: 'one that has not begun',
        ...at({ notBefore: later }),
        fault: ['ERR_CERTIFICATE_NOT_YET_VALID', place],
      },
      {
        what: 'an unknown critical extension',
        ...at(unknown),
        fault: ['ERR_CERTIFICATE_EXTENSION', place],
      },
      {
        what: 'another purpose',
        ...at({ usage: 'serverAuth' }),
        rules: { purpose: 'clientAuth' },
        fault: ['ERR_CERTIFICATE_USAGE', place],
      },
      { what: 'that purpose', ...at({ usage: 'clientAuth' }), rules: { purpose: 'clientAuth' } },
      {
        what: 'a key of 1,024 bits in the leaf',
        ...at({}),
        leaf: { keyType: 'rsa-1024' },
        fault: ['ERR_CERTIFICATE_ALGORITHM', 0],
      },
    ];
  }),

  ...[1, 2].flatMap((place): readonly Row[] => {
    const at = (options: IssueOptions) => [place === 2 ? options : {}, place === 1 ? options : {}];
    return [
      {
        what: 'an issuer that is no CA',
        cas: at({ ca: false, keyUsage: null }),
        fault: ['ERR_CERTIFICATE_ISSUER', place],
      },
      {
        what: 'an issuer without basic constraints',
        cas: at({ ca: null, keyUsage: null }),
        fault: ['ERR_CERTIFICATE_ISSUER', place],
      },
      {
        what: 'an issuer that may not sign',
        cas: at({ keyUsage: ['cRLSign'] }),
        fault: ['ERR_CERTIFICATE_ISSUER', place],
      },
      { what: 'an issuer without a key usage', cas: at({ keyUsage: null }) },
      {
        what: 'a name that an issuer may not give',
        cas: at(constrained),
        fault: ['ERR_CERTIFICATE_CONSTRAINED', 0],
      },
    ];
  }),

  { what: 'a path length that is kept', cas: [{ pathLength: 1 }, { pathLength: 0 }] },
  {
    what: 'a path length 0 of an anchor',
    cas: [{ pathLength: 0 }, {}],
    fault: ['ERR_CERTIFICATE_ISSUER', 1],
  },
  {
    what: 'a path length 0 of an intermediate',
    cas: [{}, { pathLength: 0 }, {}],
    fault: ['ERR_CERTIFICATE_ISSUER', 1],
  },
  {
    what: 'a path length that a CA below would raise',
    cas: [{ pathLength: 1 }, { pathLength: 9 }, {}],
    fault: ['ERR_CERTIFICATE_ISSUER', 1],
  },
  {
    what: 'a path length 1 used up',
    cas: [{ pathLength: 1 }, {}, {}],
    fault: ['ERR_CERTIFICATE_ISSUER', 1],
  },
  {
    what: 'a path length 0 and a CA that issued to itself',
    cas: [{ ...named, pathLength: 0 }, named],
  },
  {
    what: 'a path length 0 and another below one that issued to itself',
    cas: [{ ...named, pathLength: 0 }, named, {}],
    fault: ['ERR_CERTIFICATE_ISSUER', 1],
  },
  {
    what: 'a path length 0 that a CA which issued to itself would raise',
    cas: [{ ...named, pathLength: 0 }, { ...named, pathLength: 5 }, {}],
    fault: ['ERR_CERTIFICATE_ISSUER', 1],
  },

  { what: 'as many intermediates as are allowed', cas: [{}, {}, {}], rules: { maxDepth: 2 } },
  {
    what: 'more intermediates than are allowed',
    cas: [{}, {}, {}],
    rules: { maxDepth: 1 },
    fault: ['ERR_CERTIFICATE_UNDECIDED', 1],
  },
  { what: 'none where none is allowed', cas: [{}], rules: { maxDepth: 0 } },
  {
    what: 'one where none is allowed',
    cas: [{}, {}],
    rules: { maxDepth: 0 },
    fault: ['ERR_CERTIFICATE_UNDECIDED', 1],
  },
  {
    what: 'one that a CA issued to itself where none is allowed',
    cas: [named, named],
    rules: { maxDepth: 0 },
  },

  {
    what: 'names of an intermediate',
    cas: [constrained, { dnsNames: ['evil.example'] }],
    fault: ['ERR_CERTIFICATE_CONSTRAINED', 1],
  },
  {
    what: 'names of a CA that issued to itself, which do not count',
    cas: [
      { ...named, ...constrained },
      { ...named, dnsNames: ['evil.example'] },
    ],
    leaf: { dnsNames: ['other.example'] },
  },
  {
    what: 'names below a CA that issued to itself',
    cas: [{ ...named, ...constrained }, named],
    fault: ['ERR_CERTIFICATE_CONSTRAINED', 0],
  },
  {
    what: 'names of a leaf that bears the name of its CA',
    cas: [{ ...named, ...constrained }],
    leaf: { ...named, ...host },
    fault: ['ERR_CERTIFICATE_CONSTRAINED', 0],
  },
  {
    what: 'constraints of the anchor on its own names',
    cas: [{ ...constrained, dnsNames: ['evil.example'] }],
    leaf: { dnsNames: ['other.example'] },
  },
  {
    what: 'constraints of a leaf that is a CA on itself',
    cas: [{}],
    leaf: { ...host, ...constrained, ca: true },
  },

  {
    what: 'no policy where one is asked for',
    cas: [{}],
    rules: { policies: { requireExplicit: true } },
    fault: ['ERR_CERTIFICATE_POLICY', 0],
  },
  {
    what: 'a policy of all below the anchor',
    cas: [{}, { policies: ['1.2.3'] }],
    leaf: { policies: ['1.2.3'] },
    rules: { policies: { requireExplicit: true } },
  },
  {
    what: 'a policy that the anchor has not',
    cas: [{ policies: ['1.2.4'] }],
    leaf: { policies: ['1.2.3'] },
    rules: { policies: { requireExplicit: true } },
    fault: ['ERR_CERTIFICATE_POLICY', 0],
  },
  {
    what: 'a policy that the anchor inhibits',
    cas: [{ extensions: [inhibitAnyPolicy(0)] }],
    leaf: { policies: [anyPolicy] },
    rules: { policies: { requireExplicit: true } },
    fault: ['ERR_CERTIFICATE_POLICY', 0],
  },
  {
    what: 'an intermediate without a policy where one is asked for',
    cas: [{}, {}],
    rules: { policies: { requireExplicit: true } },
    fault: ['ERR_CERTIFICATE_POLICY', 1],
  },
  {
    what: 'an intermediate without the policy that a CA above it asks for',
    cas: [{}, { policies: ['1.2.3'], extensions: [policyConstraints({ requireExplicit: 0 })] }, {}],
    leaf: { policies: ['1.2.3'] },
    fault: ['ERR_CERTIFICATE_POLICY', 1],
  },
  {
    what: 'a policy that the anchor asks for',
    cas: [{ extensions: [policyConstraints({ requireExplicit: 0 })] }],
    fault: ['ERR_CERTIFICATE_POLICY', 0],
  },

  {
    what: 'the browser profile, for all certificates',
    cas: [{}, { usage: 'any' }],
    rules: { profile: 'webpki' },
    fault: ['ERR_CERTIFICATE_EXTENSION', 1],
  },
];

describe('checkPath', () => {
  for (const { what, cas, leaf, rules, fault } of rows) {
    const [code, place] = fault ?? [];
    it(`${code === undefined ? 'accepts' : `refuses, for certificate ${place},`} ${what}`, () => {
      const chain = chainOf(cas, leaf);
      const outcome = checkPath(chain, { ...usual, ...rules });
      const error = 'error' in outcome ? outcome.error : undefined;
      assert.equal(error?.code, code, error?.message);
      if ('certificate' in outcome) assert.equal(chain.indexOf(outcome.certificate), place);
    });
  }

  it('answers the policies that the path is valid for', () => {
    const policies = ['1.2.3', '1.2.4'];
    const chain = chainOf([{}, { policies }], { policies: ['1.2.4'] });
    assert.deepEqual(checkPath(chain, usual), { policies: ['1.2.4'] });
  });

  it('accepts a leaf that is an anchor itself, and a CA as such only where it is a root', () => {
    const alone = (options: IssueOptions, authority = testAuthority()) =>
      checkPath([readCertificate(authority.issue(options).der)], usual);
    assert.deepEqual(alone(host), { policies: [] });
    assert.deepEqual(alone({ ...host, selfSigned: true }), { policies: [] });
    assert.deepEqual(alone({ ca: true, selfSigned: true, dnsNames: [] }), { policies: [] });
    const outcome = alone({ ca: true, dnsNames: [] });
    assert.ok('error' in outcome);
    assert.equal(outcome.error.code, 'ERR_CERTIFICATE_USAGE');
    assert.ok('error' in alone({ ...host, notAfter: ended }));
    assert.deepEqual(alone({ ...host, policies: ['1.2.3'] }), { policies: ['1.2.3'] });
  });

  it('does not count an anchor among the intermediates, whoever issued it', () => {
    const ca = testAuthority().intermediate({ pathLength: 0 });
    const chain = [ca.issue(host).der, ca.der].map(readCertificate);
    assert.deepEqual(checkPath(chain, { ...usual, maxDepth: 0 }), { policies: [] });
  });

  it('asks a leaf that is its own anchor for policies, too', () => {
    const outcome = checkPath([readCertificate(testAuthority().issue(host).der)], {
      ...usual,
      policies: { requireExplicit: true },
    });
    assert.ok('error' in outcome);
    assert.equal(outcome.error.code, 'ERR_CERTIFICATE_POLICY');
  });

  it('shares the work on name constraints with whoever tries several chains', () => {
    const chain = chainOf([constrained], { dnsNames: ['other.example'] });
    const left = { comparisons: 2 };
    assert.deepEqual(checkPath(chain, usual, left), { policies: [] });
    assert.equal(left.comparisons, 0);
    const outcome = checkPath(chain, usual, left);
    assert.ok('error' in outcome);
    assert.equal(outcome.error.code, 'ERR_CERTIFICATE_UNDECIDED');
  });
});

describe('checkValidity', () => {
  const notBefore = new Date('2030-01-01T00:00:00Z');
  const notAfter = new Date('2031-01-01T00:00:00Z');
  const certificate = readCertificate(testAuthority().issue({ notBefore, notAfter }).der);
  const at = (instant: Date, milliseconds: number): Date =>
    new Date(instant.getTime() + milliseconds);

  for (const now of [notBefore, notAfter, at(notBefore, 1), at(notAfter, -1)]) {
    it(`holds at ${now.toISOString()}`, () => checkValidity(certificate, now));
  }

  it('does not hold a moment before, or a second after', () => {
    assert.throws(
      () => checkValidity(certificate, at(notBefore, -1)),
      authError('ERR_CERTIFICATE_NOT_YET_VALID', /begins 2030-01-01T00:00:00\.000Z/),
    );
    assert.throws(
      () => checkValidity(certificate, at(notAfter, 1_000)),
      authError('ERR_CERTIFICATE_EXPIRED', /ended 2031-01-01T00:00:00\.000Z/),
    );
  });

  it('holds never where the end comes before the beginning', () => {
    const never = { notBefore: notAfter, notAfter: notBefore };
    for (const now of [notBefore, notAfter, at(notBefore, 1)]) {
      assert.throws(() => checkValidity(never, now), /the certificate (ended|begins)/);
    }
  });
});
