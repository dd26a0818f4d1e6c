// Certificates, read strictly (RFC 5280 section 4). This says what a certificate states. Whether anybody
// vouches for it is the business of a path, and its signature is not checked here.
import {
  DerReader,
  type Element,
  bitStringBytes,
  booleanOf,
  context,
  countOf,
  integerBytes,
  malformed,
  oidOf,
  serialText,
  tag,
  timeOf,
} from './der.ts';
import { distinguishedName } from './distinguished-name.ts';
import { type DistributionPoint, readDistributionPoints } from './distribution-points.ts';
import {
  type AuthorityInfoAccess,
  type AuthorityKeyId,
  type BasicConstraints,
  type CertificatePolicies,
  type Extension,
  type KeyUsage,
  type PolicyConstraints,
  type PolicyMapping,
  checkDirectoryAttributes,
  checkTimestamps,
  extensionOid,
  readAuthorityInfoAccess,
  readAuthorityKeyId,
  readBasicConstraints,
  readCertificatePolicies,
  readExtendedKeyUsage,
  readInhibitAnyPolicy,
  readKeyUsage,
  readPolicyConstraints,
  readPolicyMappings,
  readSubjectKeyId,
} from './extensions.ts';
import {
  type GeneralName,
  type GeneralNames,
  byKind,
  noNames,
  readSubjectAltName,
} from './general-names.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';

/** What a certificate states. Extensions that are missing are undefined, and restrict nothing. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Upper-case hexadecimal, without leading zeros. */
  readonly serialNumber: string;
  /** RFC 4514 text. */
  readonly issuerDn: string;
  readonly subjectDn: string;
  /** The names as DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The subject public key info, as DER. */
  readonly spki: Uint8Array;
  readonly names: GeneralNames;
  /** The names of the subjectAltName in their order, also those of kinds that `names` leaves out. */
  readonly subjectAltName: readonly GeneralName[];
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** The purposes as OIDs. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly basicConstraints: BasicConstraints | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: AuthorityKeyId | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly policies: CertificatePolicies | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  readonly inhibitAnyPolicy: number | undefined;
  readonly crlDistributionPoints: readonly DistributionPoint[] | undefined;
  /** Where changes to the CRL are published (RFC 5280 section 4.2.1.15). */
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  readonly authorityInfoAccess: AuthorityInfoAccess | undefined;
  /** Every extension by its OID, also those that nothing here knows. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly signed: Signed;
}

/** Something signed: certificates, CRLs and OCSP responses have this in common. */
export interface Signed {
  /** The DER under the signature. */
  readonly content: Uint8Array;
  /** The DER of the AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

// No certificate in use comes near; a larger one only costs time.
const maxBytes = 262_144;

/**
 * Reads one certificate in DER.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED` for anything but one well-formed certificate.
 */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > maxBytes) throw malformed(`more than ${maxBytes} bytes`);
  const { signed, members: tbs } = readSigned(der);

  const version = readVersion(tbs);
  const serialNumber = serialText(integerBytes(tbs.next(tag.integer)));
  const algorithm = tbs.next(tag.sequence).whole;
  // RFC 5280 section 4.1.1.2: the unsigned copy must say the same as the signed one.
  if (Buffer.compare(algorithm, signed.algorithm) !== 0) {
    throw malformed('two different signature algorithms');
  }
  const issuer = tbs.next(tag.sequence).whole;
  const validity = tbs.enter(tag.sequence);
  const notBefore = timeOf(validity.next());
  const notAfter = timeOf(validity.next());
  validity.end();
  const subject = tbs.next(tag.sequence).whole;
  const spki = tbs.next(tag.sequence).whole;
  if (version > 1) {
    // issuerUniqueID and subjectUniqueID: obsolete, and say nothing.
    for (const number of [1, 2]) {
      const id = tbs.optional(context(number, false));
      if (id !== undefined) checkBits(id);
    }
  }
  const list = version === 3 ? tbs.optional(context(3, true)) : undefined;
  tbs.end();
  const extensions =
    list === undefined ? new Map<string, Extension>() : readExtensions(list.content);

  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.get(oid);
    return extension === undefined ? undefined : reader(extension.value);
  };
  const subjectAltName = read(extensionOid.subjectAltName, readSubjectAltName);
  read(extensionOid.subjectDirectoryAttributes, checkDirectoryAttributes);
  read(extensionOid.timestamps, checkTimestamps);
  return {
    der,
    version,
    serialNumber,
    issuerDn: distinguishedName(issuer),
    subjectDn: distinguishedName(subject),
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    names: subjectAltName === undefined ? noNames : byKind(subjectAltName),
    subjectAltName: subjectAltName ?? [],
    keyUsage: read(extensionOid.keyUsage, readKeyUsage),
    extendedKeyUsage: read(extensionOid.extendedKeyUsage, readExtendedKeyUsage),
    basicConstraints: read(extensionOid.basicConstraints, readBasicConstraints),
    subjectKeyId: read(extensionOid.subjectKeyId, readSubjectKeyId),
    authorityKeyId: read(extensionOid.authorityKeyId, readAuthorityKeyId),
    nameConstraints: read(extensionOid.nameConstraints, readNameConstraints),
    policies: read(extensionOid.certificatePolicies, readCertificatePolicies),
    policyMappings: read(extensionOid.policyMappings, readPolicyMappings),
    policyConstraints: read(extensionOid.policyConstraints, readPolicyConstraints),
    inhibitAnyPolicy: read(extensionOid.inhibitAnyPolicy, readInhibitAnyPolicy),
    crlDistributionPoints: read(extensionOid.crlDistributionPoints, readDistributionPoints),
    freshestCrl: read(extensionOid.freshestCrl, readDistributionPoints),
    authorityInfoAccess: read(extensionOid.authorityInfoAccess, readAuthorityInfoAccess),
    extensions,
    signed,
  };
}

/**
 * The outer form of everything that is signed: content, algorithm, signature.
 *
 * @param trailing reads what may follow the signature
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED`
 */
export function readSigned(
  der: Uint8Array,
  trailing?: (outer: DerReader) => void,
): { readonly signed: Signed; readonly members: DerReader } {
  const outer = DerReader.only(der, tag.sequence);
  const content = outer.next(tag.sequence);
  const algorithm = outer.next(tag.sequence).whole;
  const signature = bitStringBytes(outer.next(tag.bitString));
  trailing?.(outer);
  outer.end();
  return {
    signed: { content: content.whole, algorithm, signature },
    members: content.members(),
  };
}

/** Reads a SEQUENCE OF Extension in DER, of certificates and everything alike. */
export function readExtensions(der: Uint8Array): ReadonlyMap<string, Extension> {
  const reader = DerReader.only(der, tag.sequence);
  const extensions = new Map<string, Extension>();
  do {
    const extension = reader.enter(tag.sequence);
    const oid = oidOf(extension.next(tag.oid));
    const critical = extension.optional(tag.boolean);
    if (critical !== undefined && !booleanOf(critical)) throw malformed('a default spelt out');
    // A second copy would let two readers see two certificates.
    if (extensions.has(oid)) throw malformed('an extension twice');
    const value = extension.next(tag.octetString).content;
    extensions.set(oid, { critical: critical !== undefined, value });
    extension.end();
  } while (!reader.done);
  return extensions;
}

function readVersion(tbs: DerReader): 1 | 2 | 3 {
  const explicit = tbs.optional(context(0, true));
  if (explicit === undefined) return 1;
  const reader = explicit.members();
  const version = countOf(reader.next(tag.integer)) + 1;
  reader.end();
  if (version !== 2 && version !== 3) throw malformed('a version that does not exist');
  return version;
}

function checkBits({ content }: Element): void {
  const [unused, ...bytes] = content;
  const last = bytes.at(-1);
  if (
    unused === undefined ||
    unused > 7 ||
    (last === undefined ? unused !== 0 : (last & (2 ** unused - 1)) !== 0)
  ) {
    throw malformed('a bit string with an impossible tail');
  }
}
