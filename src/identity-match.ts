import { ConfigError } from './errors.ts';
import type { Evidence, EvidenceByMethod } from './identity.ts';
import { checkOptions, join } from './options.ts';
import { parseSpiffeId } from './x509/spiffe.ts';

/** One value, or several of which any will do. */
export type OneOf = string | readonly string[];

/**
 * A description of peers. Every field must match; an array means any of its values (`scope`: all).
 *
 * Comparison is exact. Only `spiffeId` may end in `/*`, which stands for one or more whole segments. A
 * field that the evidence lacks never matches.
 */
export interface IdentityMatch {
  readonly spiffeId?: OneOf;
  readonly trustDomain?: OneOf;
  /** The name of the set of trust anchors that the path reached. */
  readonly trustAnchor?: OneOf;
  readonly dnsName?: OneOf;
  readonly email?: OneOf;
  readonly upn?: OneOf;
  /** RFC 4514 text, as `identity.evidence.mtls.subjectDn` shows it. */
  readonly subjectDn?: OneOf;
  readonly issuerDn?: OneOf;
  /** SHA-256 of the subject public key info, base64url or base64. */
  readonly spkiSha256?: OneOf;
  readonly keyId?: OneOf;
  readonly user?: OneOf;
  /** The issuer of a token. */
  readonly issuer?: OneOf;
  /** Every one of these must have been granted. */
  readonly scope?: OneOf;
  /** Claims of a token, by name. */
  readonly claim?: Readonly<Record<string, OneOf>>;
  readonly policyOid?: OneOf;
}

type Field = keyof IdentityMatch;

/** Says whether the evidence of one identity fits; made from an `IdentityMatch` by `compileMatch`. */
export type Matcher = (evidence: EvidenceByMethod) => boolean;

// Where a method's evidence keeps what the field asks for. Any method may fill these members.
const evidenceMember: Readonly<Record<Exclude<Field, 'claim'>, string>> = {
  spiffeId: 'spiffeId',
  trustDomain: 'spiffeId',
  trustAnchor: 'trustAnchor',
  dnsName: 'dnsNames',
  email: 'emails',
  upn: 'upns',
  subjectDn: 'subjectDn',
  issuerDn: 'issuerDn',
  spkiSha256: 'spkiSha256',
  keyId: 'keyId',
  user: 'user',
  issuer: 'issuer',
  scope: 'scopes',
  policyOid: 'policyOids',
};

/**
 * Checks a match and turns it into a question.
 *
 * @throws ConfigError for a match without fields, an unknown or unset field, a value that nothing equals
 */
export function compileMatch(path: string, match: IdentityMatch): Matcher {
  checkOptions(path, match, [...Object.keys(evidenceMember), 'claim']);
  const fields = Object.keys(match) as Field[];
  if (fields.length === 0) {
    throw new ConfigError(path, 'is a match without fields, which would fit everybody; name one');
  }
  const tests = fields.map((field) =>
    field === 'claim'
      ? claimTest(join(path, 'claim'), match.claim!)
      : fieldTest(field, values(join(path, field), match[field])),
  );
  return (evidence) => tests.every((test) => test(evidence));

  function fieldTest(field: Exclude<Field, 'claim'>, wanted: readonly string[]): Matcher {
    const name = evidenceMember[field];
    const expected = wanted.map((value) => expectation(join(path, field), field, value));
    return (evidence) => {
      const given = members(evidence, name);
      const found = (fits: Expectation): boolean => given.some(fits);
      return field === 'scope' ? expected.every(found) : expected.some(found);
    };
  }
}

type Expectation = (given: string) => boolean;

function expectation(path: string, field: Field, value: string): Expectation {
  switch (field) {
    case 'spiffeId':
      return spiffeExpectation(path, value);
    case 'trustDomain':
      if (parseSpiffeId(`spiffe://${value}`)?.trustDomain !== value) {
        throw new ConfigError(path, `"${value}" is no trust domain; write it as bank.example`);
      }
      return (given) => parseSpiffeId(given)?.trustDomain === value;
    case 'spkiSha256': {
      const canonical = canonicalThumbprint(path, value);
      return (given) => given === canonical;
    }
    // Evidence holds host names in lower case, whatever case the certificate used.
    case 'dnsName':
      return equals(value.toLowerCase());
    case 'email':
      return equals(value.replace(/[^@]*$/, (host) => host.toLowerCase()));
    default:
      return equals(value);
  }
}

/** A question about a SPIFFE ID, or about all below one: `spiffe://bank.example/ns/*`. */
export function spiffeExpectation(path: string, value: string): Expectation {
  const below = value.endsWith('/*');
  const id = below ? value.slice(0, -2) : value;
  const parsed = parseSpiffeId(id);
  if (parsed === undefined || (!below && parsed.path === '')) {
    throw new ConfigError(
      path,
      `"${value}" names no workload; write spiffe://domain/path, or end in /*`,
    );
  }
  // Evidence of any method is asked, so what is given need not be a SPIFFE ID: `.../ns/../admin` is none.
  return below
    ? (given) => given.startsWith(`${id}/`) && parseSpiffeId(given) !== undefined
    : equals(value);
}

/** A SHA-256 thumbprint as evidence spells it: base64url. @throws ConfigError where it is none */
export function canonicalThumbprint(path: string, value: string): string {
  const bare = value
    .replace(/^sha256\/\//, '')
    .replace(/=$/, '')
    .replace(/\+/g, '-')
    .replace(/\//g, '_');
  const bytes = Buffer.from(bare, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== bare) {
    throw new ConfigError(
      path,
      'must be the SHA-256 of a public key, 32 bytes in base64 or base64url',
    );
  }
  return bare;
}

function claimTest(path: string, claim: Readonly<Record<string, OneOf>>): Matcher {
  if (
    typeof claim !== 'object' ||
    claim === null ||
    Array.isArray(claim) ||
    Object.keys(claim).length === 0
  ) {
    throw new ConfigError(path, 'must be an object of claim names and values');
  }
  const wanted = Object.entries(claim).map(
    ([name, value]) => [name, values(join(path, name), value)] as const,
  );
  return (evidence) =>
    wanted.every(([name, expected]) =>
      Object.values(evidence).some((one) => {
        const claims: unknown = member(one, 'claims');
        const given = strings(member(claims, name));
        return expected.some((value) => given.includes(value));
      }),
    );
}

function values(path: string, value: unknown): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) {
    throw new ConfigError(path, 'must be a string or a list of strings that is not empty');
  }
  return list.map((one: unknown) => {
    if (typeof one !== 'string' || one === '') {
      throw new ConfigError(path, 'holds a value that is empty or no string (an unset variable?)');
    }
    return one;
  });
}

function members(evidence: EvidenceByMethod, name: string): readonly string[] {
  return Object.values(evidence).flatMap((one: Evidence | undefined) => strings(member(one, name)));
}

// Own members only: a name such as `constructor` must not find what every object inherits.
function member(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name)
    ? (holder as Record<string, unknown>)[name]
    : undefined;
}

function strings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function equals(value: string): Expectation {
  return (given) => given === value;
}
