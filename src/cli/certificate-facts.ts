// What a certificate says, as a plain object: programs read it as JSON, and the words for people are made
// from it. Every member is always there; null means that the certificate does not say.
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { AuthError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { DerReader, oidOf, tag } from '../x509/der.ts';
import type { DistributionPoint } from '../x509/distribution-points.ts';
import type { PolicyMapping } from '../x509/extensions.ts';
import type { GeneralNames } from '../x509/general-names.ts';
import { ipText } from '../x509/ip-address.ts';
import type { Subtree } from '../x509/name-constraints.ts';
import { isSameName } from '../x509/name-match.ts';
import { isSignedBy } from '../x509/signature.ts';
import { parseSpiffeId } from '../x509/spiffe.ts';
import { publicKeyOf } from '../x509/path/trust-anchors.ts';
import { purposeNames, signatureName } from './algorithm-names.ts';

export interface CertificateFacts extends Thumbprints {
  readonly kind: 'ca' | 'leaf';
  readonly selfSigned: boolean;
  readonly version: number;
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly spiffeId: string | null;
  readonly names: Omit<GeneralNames, 'otherNames'> & {
    readonly otherNames: readonly { readonly oid: string; readonly der: string }[];
  };
  readonly key: KeyFacts;
  readonly signatureAlgorithm: SignatureFacts;
  readonly keyUsage: readonly string[] | null;
  /** By name, or by OID for those that have none here. */
  readonly purposes: readonly string[] | null;
  readonly pathLength: number | null;
  readonly nameConstraints: {
    readonly permitted: readonly SubtreeFacts[];
    readonly excluded: readonly SubtreeFacts[];
  } | null;
  readonly policies: readonly string[];
  readonly policyMappings: readonly PolicyMapping[];
  readonly policyConstraints: {
    readonly requireExplicit: number | null;
    readonly inhibitMapping: number | null;
    readonly inhibitAny: number | null;
  };
  /** Addresses, as all that follow. */
  readonly crl: readonly string[];
  readonly freshestCrl: readonly string[];
  readonly ocsp: readonly string[];
  readonly caIssuers: readonly string[];
  readonly extensions: readonly { readonly oid: string; readonly critical: boolean }[];
  readonly subjectKeyId: string | null;
  readonly authorityKeyId: string | null;
  /** SHA-256 of the public key, base64url: what pins are. */
  readonly spkiSha256: string;
}

/** SHA-256 of a certificate: base64url as in RFC 8705, and in hexadecimal as other tools show it. */
export interface Thumbprints {
  readonly x5tS256: string;
  readonly sha256: string;
}

export interface KeyFacts {
  readonly type: string | null;
  readonly bits: number | null;
  readonly curve: string | null;
}

export interface SignatureFacts {
  readonly oid: string | null;
  readonly name: string | null;
}

export interface SubtreeFacts {
  readonly form: string;
  /** Null for a form that nobody here can compare. */
  readonly base: string | null;
}

export function certificateFacts(certificate: Certificate): CertificateFacts {
  const { basicConstraints, names, policyConstraints, authorityKeyId, subjectKeyId } = certificate;
  return {
    kind: basicConstraints?.ca === true ? 'ca' : 'leaf',
    selfSigned: isSelfSigned(certificate),
    version: certificate.version,
    serialNumber: certificate.serialNumber,
    subject: certificate.subjectDn,
    issuer: certificate.issuerDn,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    spiffeId: names.uris.find((uri) => parseSpiffeId(uri) !== undefined) ?? null,
    names: nameFacts(names),
    key: keyFacts(certificate.spki),
    signatureAlgorithm: signatureFacts(certificate.signed.algorithm),
    keyUsage: certificate.keyUsage === undefined ? null : [...certificate.keyUsage],
    purposes: certificate.extendedKeyUsage?.map((oid) => purposeNames[oid] ?? oid) ?? null,
    pathLength: basicConstraints?.pathLength ?? null,
    nameConstraints:
      certificate.nameConstraints === undefined
        ? null
        : {
            permitted: certificate.nameConstraints.permitted.map(subtreeFacts),
            excluded: certificate.nameConstraints.excluded.map(subtreeFacts),
          },
    policies: certificate.policies?.oids ?? [],
    policyMappings: certificate.policyMappings ?? [],
    policyConstraints: {
      requireExplicit: policyConstraints?.requireExplicit ?? null,
      inhibitMapping: policyConstraints?.inhibitMapping ?? null,
      inhibitAny: certificate.inhibitAnyPolicy ?? null,
    },
    crl: addressesOf(certificate.crlDistributionPoints),
    freshestCrl: addressesOf(certificate.freshestCrl),
    ocsp: certificate.authorityInfoAccess?.ocsp ?? [],
    caIssuers: certificate.authorityInfoAccess?.caIssuers ?? [],
    extensions: Array.from(certificate.extensions, ([oid, { critical }]) => ({ oid, critical })),
    subjectKeyId: hexOrNull(subjectKeyId),
    authorityKeyId: hexOrNull(authorityKeyId?.keyId),
    ...thumbprints(certificate.der),
    spkiSha256: sha256(certificate.spki, 'base64url'),
  };
}

export function thumbprints(der: Uint8Array): Thumbprints {
  return { x5tS256: sha256(der, 'base64url'), sha256: sha256(der, 'hex') };
}

function isSelfSigned(certificate: Certificate): boolean {
  const { issuer, subject, signed } = certificate;
  try {
    return isSameName(issuer, subject) && isSignedBy(signed, publicKeyOf(certificate));
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    // An algorithm that nobody here verifies, or a name that nobody can compare but byte by byte.
    return Buffer.compare(issuer, subject) === 0;
  }
}

function nameFacts({ otherNames, ...names }: GeneralNames): CertificateFacts['names'] {
  return {
    ...names,
    otherNames: otherNames.map(({ oid, value }) => ({ oid, der: hex(value) })),
  };
}

/** Keys that are too weak to be accepted are told as well, so not by way of `publicKeyOf`. */
function keyFacts(spki: Uint8Array): KeyFacts {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return { type: null, bits: null, curve: null };
  }
  const { asymmetricKeyType = null, asymmetricKeyDetails = {} } = key;
  const { modulusLength = null, namedCurve } = asymmetricKeyDetails;
  const curve = namedCurve === undefined ? null : (curves[namedCurve] ?? namedCurve);
  return { type: asymmetricKeyType, bits: modulusLength, curve };
}

// NIST's names for what OpenSSL calls by SECG's and X9.62's.
const curves: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

export function signatureFacts(algorithm: Uint8Array): SignatureFacts {
  try {
    const oid = oidOf(DerReader.only(algorithm, tag.sequence).next(tag.oid));
    return { oid, name: signatureName(oid, algorithm) };
  } catch (error) {
    // The reader of certificates leaves this field to whoever verifies.
    if (error instanceof AuthError) return { oid: null, name: null };
    throw error;
  }
}

function subtreeFacts(subtree: Subtree): SubtreeFacts {
  const { form } = subtree;
  if ('address' in subtree) {
    const ones = Array.from(subtree.mask, (byte) => byte.toString(2))
      .join('')
      .replaceAll('0', '');
    return { form, base: `${ipText(subtree.address)}/${ones.length}` };
  }
  if ('text' in subtree) return { form, base: subtree.text };
  return { form, base: 'base' in subtree ? subtree.base : null };
}

function addressesOf(points: readonly DistributionPoint[] = []): readonly string[] {
  return points.flatMap(({ name }) =>
    name !== undefined && 'fullName' in name
      ? name.fullName.flatMap(({ kind, value }) => (kind === 'uri' ? [value] : []))
      : [],
  );
}

function sha256(bytes: Uint8Array, encoding: 'base64url' | 'hex'): string {
  return createHash('sha256').update(bytes).digest(encoding);
}

function hexOrNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : hex(bytes);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
