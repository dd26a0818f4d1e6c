// The extensions of certificates that a path rests on, each read by its own grammar (RFC 5280 section
// 4.2.1). One that is there and unreadable refuses the certificate, critical or not.
import {
  DerReader,
  type Element,
  ascii,
  booleanOf,
  context,
  countOf,
  integerBytes,
  malformed,
  namedBits,
  oidOf,
  serialText,
  tag,
} from './der.ts';
import { type GeneralName, readGeneralName } from './general-names.ts';

/** The object identifiers of what is read here. */
export const extensionOid = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyId: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  subjectDirectoryAttributes: '2.5.29.9',
  timestamps: '1.3.6.1.4.1.11129.2.4.2',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;

/** Stands for every policy (RFC 5280 section 4.2.1.4). */
export const anyPolicy = '2.5.29.32.0';

/** One extension as the certificate holds it. */
export interface Extension {
  readonly critical: boolean;
  /** The DER inside the OCTET STRING. */
  readonly value: Uint8Array;
}

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

const keyUsages = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof keyUsages)[number];

/** Which key of the issuer signed: a hint for building paths, never evidence. */
export interface AuthorityKeyId {
  readonly keyId: Uint8Array | undefined;
  /** The certificate of the issuer, where it is named. */
  readonly certificate:
    { readonly issuer: readonly GeneralName[]; readonly serialNumber: string } | undefined;
}

export interface CertificatePolicies {
  readonly oids: readonly string[];
  /** Whether a policy has a qualifier other than the two that RFC 5280 defines. */
  readonly unknownQualifier: boolean;
  /** Whether a user notice is in a kind of text that section 4.2.1.4 forbids. */
  readonly irregularNotice: boolean;
}

export interface PolicyMapping {
  readonly issuer: string;
  readonly subject: string;
}

/** Each number counts the certificates below that it spares; undefined where it is not there. */
export interface PolicyConstraints {
  readonly requireExplicit: number | undefined;
  readonly inhibitMapping: number | undefined;
}

/** Where to ask about a certificate. Addresses as they stand in it: nobody has checked them. */
export interface AuthorityInfoAccess {
  readonly ocsp: readonly string[];
  readonly caIssuers: readonly string[];
}

export function readKeyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const reader = new DerReader(value);
  const bits = namedBits(reader.next(tag.bitString));
  reader.end();
  return new Set(bits.flatMap((bit) => keyUsages[bit] ?? []));
}

export function readExtendedKeyUsage(value: Uint8Array): readonly string[] {
  return listOf(value, (reader) => oidOf(reader.next(tag.oid)));
}

export function readBasicConstraints(value: Uint8Array): BasicConstraints {
  const reader = DerReader.only(value, tag.sequence);
  const flag = reader.optional(tag.boolean);
  const limit = reader.optional(tag.integer);
  reader.end();
  return {
    ca: flag !== undefined && booleanOf(flag),
    pathLength: limit === undefined ? undefined : countOf(limit),
  };
}

export function readSubjectKeyId(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value);
  const { content } = reader.next(tag.octetString);
  reader.end();
  return content;
}

export function readAuthorityKeyId(value: Uint8Array): AuthorityKeyId {
  const reader = DerReader.only(value, tag.sequence);
  const keyId = reader.optional(context(0, false))?.content;
  const issuer = reader.optional(context(1, true));
  const serialNumber = reader.optional(context(2, false));
  reader.end();
  if ((issuer === undefined) !== (serialNumber === undefined)) {
    throw malformed('an authority key identifier with half a name');
  }
  return {
    keyId,
    certificate:
      issuer === undefined || serialNumber === undefined
        ? undefined
        : {
            issuer: readMembers(issuer.content, readLocation),
            serialNumber: serialText(integerBytes(serialNumber)),
          },
  };
}

export function readCertificatePolicies(value: Uint8Array): CertificatePolicies {
  let unknownQualifier = false;
  let irregularNotice = false;
  const oids = listOf(value, (reader) => {
    const policy = reader.enter(tag.sequence);
    const oid = oidOf(policy.next(tag.oid));
    const qualifiers = policy.optional(tag.sequence);
    policy.end();
    if (qualifiers === undefined) return oid;
    readMembers(qualifiers.content, (list) => {
      const qualifier = list.enter(tag.sequence);
      const kind = oidOf(qualifier.next(tag.oid));
      const content = qualifier.next();
      qualifier.end();
      if (kind === '1.3.6.1.5.5.7.2.1') {
        if (content.tag !== tag.ia5String) throw malformed('a policy address that is no text');
        ascii(content.content);
      } else if (kind === '1.3.6.1.5.5.7.2.2') {
        irregularNotice ||= !isRegularNotice(content);
      } else {
        unknownQualifier = true;
      }
    });
    return oid;
  });
  // RFC 5280 section 4.2.1.4: a policy must not appear more than once.
  if (new Set(oids).size !== oids.length) throw malformed('a policy twice');
  return { oids, unknownQualifier, irregularNotice };
}

function isRegularNotice(element: Element): boolean {
  if (element.tag !== tag.sequence) throw malformed('a user notice that is none');
  const notice = element.members();
  notice.optional(tag.sequence); // noticeRef
  const text = notice.done ? undefined : notice.next();
  notice.end();
  // VisibleString is forbidden too, and everywhere in use.
  const kinds: readonly number[] = [tag.utf8String, tag.ia5String, tag.visibleString];
  return text === undefined || kinds.includes(text.tag);
}

/** Reads a SubjectDirectoryAttributes, which nothing here acts upon, for its form. */
export function checkDirectoryAttributes(value: Uint8Array): void {
  listOf(value, (reader) => reader.next(tag.sequence));
}

/** Reads a list of certificate timestamps (RFC 6962 section 3.3), likewise. */
export function checkTimestamps(value: Uint8Array): void {
  const reader = new DerReader(value);
  reader.next(tag.octetString);
  reader.end();
}

export function readPolicyMappings(value: Uint8Array): readonly PolicyMapping[] {
  return listOf(value, (reader) => {
    const pair = reader.enter(tag.sequence);
    const mapping = { issuer: oidOf(pair.next(tag.oid)), subject: oidOf(pair.next(tag.oid)) };
    pair.end();
    return mapping;
  });
}

export function readPolicyConstraints(value: Uint8Array): PolicyConstraints {
  const reader = DerReader.only(value, tag.sequence);
  const explicit = reader.optional(context(0, false));
  const mapping = reader.optional(context(1, false));
  reader.end();
  // RFC 5280 section 4.2.1.11: an empty sequence is not allowed.
  if (explicit === undefined && mapping === undefined) throw malformed('empty policy constraints');
  return {
    requireExplicit: explicit === undefined ? undefined : countOf(explicit),
    inhibitMapping: mapping === undefined ? undefined : countOf(mapping),
  };
}

export function readInhibitAnyPolicy(value: Uint8Array): number {
  const reader = new DerReader(value);
  const count = countOf(reader.next(tag.integer));
  reader.end();
  return count;
}

export function readAuthorityInfoAccess(value: Uint8Array): AuthorityInfoAccess {
  const ocsp: string[] = [];
  const caIssuers: string[] = [];
  listOf(value, (reader) => {
    const access = reader.enter(tag.sequence);
    const kind = oidOf(access.next(tag.oid));
    const name = readLocation(access);
    access.end();
    if (name.kind !== 'uri') return;
    if (kind === '1.3.6.1.5.5.7.48.1') ocsp.push(name.value);
    if (kind === '1.3.6.1.5.5.7.48.2') caIssuers.push(name.value);
  });
  return { ocsp, caIssuers };
}

/** The name of a place or of whoever is found there, which names no subject. */
export function readLocation(reader: DerReader): GeneralName {
  return readGeneralName(reader, true);
}

/** The members of the one SEQUENCE OF that fills `value`: at least one, as everywhere in RFC 5280. */
export function listOf<T>(value: Uint8Array, read: (reader: DerReader) => T): T[] {
  const reader = new DerReader(value);
  const { content } = reader.next(tag.sequence);
  reader.end();
  return readMembers(content, read);
}

/** One member after the other, at least one. */
export function readMembers<T>(content: Uint8Array, read: (reader: DerReader) => T): T[] {
  const reader = new DerReader(content);
  const members: T[] = [];
  do members.push(read(reader));
  while (!reader.done);
  return members;
}
