// The path validator by itself: whatever bytes come in, an answer with its reason goes out.
import { AuthError, type AuthErrorCode, ConfigError } from './errors.ts';
import { checkOptions } from './options.ts';
import { type Certificate, readCertificate } from './x509/certificate.ts';
import { CrlIndex, readCrl } from './x509/crl/crl.ts';
import type { Profile } from './x509/path/conformance.ts';
import { malformed } from './x509/der.ts';
import { type RevocationMode, findUnrevokedPath } from './x509/path/revocation.ts';
import type { PathRules } from './x509/path/rules.ts';
import { type PemLabel, derBlocks } from './x509/pem.ts';
import type { PolicyOptions } from './x509/path/policy-graph.ts';
import { type ReferenceName, carries, readReferenceName } from './x509/reference-name.ts';
import { CertificateIndex } from './x509/path/trust-anchors.ts';
import type { TlsPurpose } from './x509/usage.ts';

/** PEM text, which may hold several, or the DER of one. CRLs come in these forms too. */
export type CertificateSource = string | Uint8Array;

export interface ValidatePathOptions {
  /** The certificate in question. Of several in one text it is the first; the others are intermediates. */
  readonly leaf: CertificateSource;
  /** Certificates that may stand between the leaf and an anchor, in any order. They need not be trusted. */
  readonly intermediates?: CertificateSource | readonly CertificateSource[];
  /** The CAs that are trusted. Their own constraints and validity count as well. */
  readonly trustAnchors: CertificateSource | readonly CertificateSource[];
  /** The instant at which everything must be valid. @defaultValue now */
  readonly at?: Date;
  /** What the leaf is to be used for, by itself and by every CA above it. @defaultValue `'any'` */
  readonly purpose?: TlsPurpose | 'any';
  /** Names, one of which the leaf must carry (RFC 9525). @defaultValue none is asked for */
  readonly names?: readonly ReferenceName[];
  /** How many intermediates there may be, without those that a CA issued to itself. @defaultValue 10 */
  readonly maxDepth?: number;
  readonly policies?: PolicyOptions;
  /** CRLs, in any order. One that cannot be read is passed over. */
  readonly crls?: CertificateSource | readonly CertificateSource[];
  /**
   * Whether every certificate below the anchor must be known not to be revoked (`require`), must only not
   * be known to be (`prefer`), or nobody asks (`off`).
   *
   * @defaultValue `'require'` where `crls` are given, else `'off'`
   */
  readonly revocation?: RevocationMode;
  /** `webpki` adds what browsers ask of public CAs. @defaultValue `'rfc5280'` */
  readonly profile?: Profile;
}

export type PathValidation =
  | {
      readonly valid: true;
      /** Leaf first, trust anchor last. */
      readonly path: readonly Certificate[];
      /** The policies it is valid for, as OIDs; `2.5.29.32.0` stands for all. */
      readonly policies: readonly string[];
    }
  | {
      readonly valid: false;
      readonly code: AuthErrorCode;
      readonly reason: string;
      /** The certificate at fault; undefined where none could be read. */
      readonly certificate: Certificate | undefined;
    };

/**
 * Validates a certification path by itself (RFC 5280 section 6).
 *
 * Builds the path, over several candidates where need be, and checks it: signatures, validity, basic
 * constraints, key usage, purposes, name constraints, policies, revocation where it is asked for, and that
 * the certificates conform to the profile. Whatever bytes it is given, it resolves.
 *
 * @throws ConfigError for an option that is unknown or makes no sense
 */
export async function validatePath(options: ValidatePathOptions): Promise<PathValidation> {
  const { rules, names, revocation } = readRules(options);
  const unreadable: AuthError[] = [];
  const read = (sources: unknown): readonly Certificate[] =>
    readAll(sources, 'CERTIFICATE', readCertificate, unreadable);

  const [leaf, ...besides] = read(options.leaf);
  if (leaf === undefined) return invalid(unreadable[0] ?? malformed('nothing'), undefined);
  const anchors = read(options.trustAnchors);
  const intermediates = [...besides, ...read(options.intermediates ?? [])];
  const material = {
    anchors: new CertificateIndex(anchors.map((certificate) => ({ certificate, set: undefined }))),
    intermediates: new CertificateIndex(intermediates.map((certificate) => ({ certificate }))),
  };
  const unreadableCrls: AuthError[] = [];
  const crls = new CrlIndex(readAll(options.crls ?? [], 'X509 CRL', readCrl, unreadableCrls));
  const found = findUnrevokedPath(leaf, material, rules, { mode: revocation, at: rules.at, crls });
  if ('error' in found) {
    // What could not be read may have been the missing piece, and is the better reason.
    const { error, certificate } = found;
    if (error.code === 'ERR_CERTIFICATE_UNTRUSTED' && unreadable[0] !== undefined) {
      return invalid(unreadable[0], undefined);
    }
    const answer = invalid(error, certificate);
    return error.code === 'ERR_REVOCATION_UNKNOWN' && unreadableCrls[0] !== undefined
      ? { ...answer, reason: `${error.message}; a CRL is unreadable: ${unreadableCrls[0].message}` }
      : answer;
  }
  if (names !== undefined && !names.some((name) => carries(leaf, name))) {
    const error = new AuthError('ERR_CERTIFICATE_NAME', 'it carries none of the names asked for');
    return invalid(error, leaf);
  }
  return { valid: true, path: found.certificates, policies: found.policies };
}

function invalid(
  { code, message }: AuthError,
  certificate: Certificate | undefined,
): Extract<PathValidation, { valid: false }> {
  return { valid: false, code, reason: message, certificate };
}

/** What can be read of the sources; why the others cannot goes to `unreadable`. */
function readAll<T>(
  sources: unknown,
  label: PemLabel,
  read: (der: Uint8Array) => T,
  unreadable: AuthError[],
): readonly T[] {
  const attempt = <U>(attempted: () => readonly U[]): readonly U[] => {
    try {
      return attempted();
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      unreadable.push(error);
      return [];
    }
  };
  return [sources].flat().flatMap((source) =>
    attempt(() => {
      if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
        throw malformed('neither PEM text nor DER');
      }
      return derBlocks(source, label);
    }).flatMap((der) => attempt(() => [read(der)])),
  );
}

const optionNames = [
  'leaf',
  'intermediates',
  'trustAnchors',
  'at',
  'purpose',
  'names',
  'maxDepth',
  'policies',
  'crls',
  'revocation',
  'profile',
] as const satisfies readonly (keyof ValidatePathOptions)[];

function readRules(options: ValidatePathOptions): {
  readonly rules: PathRules;
  readonly names: readonly ReferenceName[] | undefined;
  readonly revocation: RevocationMode;
} {
  const own = checkOptions('validatePath', options, optionNames);
  const { at = new Date(), purpose = 'any', maxDepth = 10, profile = 'rfc5280' } = own;
  const { names, policies = {}, crls } = own;
  const { revocation = crls === undefined ? 'off' : 'require' } = own;
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) {
    throw new ConfigError('validatePath.at', 'must be a Date');
  }
  oneOf('validatePath.purpose', purpose, ['clientAuth', 'serverAuth', 'any']);
  oneOf('validatePath.profile', profile, ['rfc5280', 'webpki']);
  oneOf('validatePath.revocation', revocation, ['require', 'prefer', 'off']);
  if (!Number.isInteger(maxDepth) || maxDepth < 0 || maxDepth > 20) {
    throw new ConfigError('validatePath.maxDepth', 'must be a whole number from 0 to 20');
  }
  return {
    rules: { at, purpose, maxDepth, policies: readPolicies(policies), profile },
    names: names === undefined ? undefined : readNames(names),
    revocation,
  };
}

function readNames(names: readonly ReferenceName[]): readonly ReferenceName[] {
  if (!Array.isArray(names) || names.length === 0) {
    throw new ConfigError(
      'validatePath.names',
      'must be a list of names; leave it out to ask none',
    );
  }
  return names.map((name: ReferenceName, i) => readReferenceName(`validatePath.names[${i}]`, name));
}

function readPolicies(policies: PolicyOptions): PolicyOptions {
  const path = 'validatePath.policies';
  const known = ['initial', 'requireExplicit', 'inhibitMapping', 'inhibitAny'];
  const { initial, ...flags } = checkOptions(path, policies, known);
  for (const [name, flag] of Object.entries(flags)) {
    if (typeof flag !== 'boolean')
      throw new ConfigError(`${path}.${name}`, 'must be true or false');
  }
  if (initial === undefined) return flags;
  if (!Array.isArray(initial) || !initial.every(isOid)) {
    throw new ConfigError(`${path}.initial`, 'must be a list of OIDs, such as ["1.2.3.4"]');
  }
  return { ...flags, initial: [...initial] };
}

function isOid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-2](\.(0|[1-9]\d*))+$/.test(value);
}

function oneOf(path: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    throw new ConfigError(path, `must be one of ${allowed.map((one) => `'${one}'`).join(', ')}`);
  }
}
