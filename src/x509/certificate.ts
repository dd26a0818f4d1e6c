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
  namedBits,
  oidOf,
  tag,
  timeOf,
} from './der.ts';
import { distinguishedName } from './distinguished-name.ts';
import { type GeneralNames, noNames, readGeneralNames } from './general-names.ts';

export interface Certificate {
  readonly der: Uint8Array;
  /** Upper-case hexadecimal, without leading zeros. */
  readonly serialNumber: string;
  /** RFC 4514 text. */
  readonly issuerDn: string;
  readonly subjectDn: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The subject public key info, as DER. */
  readonly spki: Uint8Array;
  readonly names: GeneralNames;
  /** Undefined where the extension is missing, which restricts nothing. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** The purposes as OIDs; undefined where the extension is missing, which restricts nothing. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly basicConstraints: BasicConstraints | undefined;
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

// No certificate in use comes near; a larger one only costs time.
const maxBytes = 65_536;

/**
 * Reads one certificate in DER.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED` for anything but one well-formed certificate.
 */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > maxBytes) throw malformed(`more than ${maxBytes} bytes`);
  const outer = DerReader.only(der, tag.sequence);
  const tbs = outer.enter(tag.sequence);
  const outerAlgorithm = outer.next(tag.sequence);
  bitStringBytes(outer.next(tag.bitString));
  outer.end();

  const version = readVersion(tbs);
  const serialNumber = serialText(integerBytes(tbs.next(tag.integer)));
  const algorithm = tbs.next(tag.sequence);
  // RFC 5280 section 4.1.1.2: the unsigned copy must say the same as the signed one.
  if (Buffer.compare(algorithm.whole, outerAlgorithm.whole) !== 0) {
    throw malformed('two different signature algorithms');
  }
  const issuerDn = distinguishedName(tbs.next(tag.sequence).whole);
  const validity = tbs.enter(tag.sequence);
  const notBefore = timeOf(validity.next());
  const notAfter = timeOf(validity.next());
  validity.end();
  const subjectDn = distinguishedName(tbs.next(tag.sequence).whole);
  const spki = tbs.next(tag.sequence).whole;
  if (version > 1) {
    tbs.optional(context(1, false)); // issuerUniqueID and subjectUniqueID: obsolete, and say nothing
    tbs.optional(context(2, false));
  }
  const list = version === 3 ? tbs.optional(context(3, true)) : undefined;
  tbs.end();
  const extensions = list === undefined ? new Map<string, Uint8Array>() : readExtensions(list);

  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const value = extensions.get(oid);
    return value === undefined ? undefined : reader(value);
  };
  return {
    der,
    serialNumber,
    issuerDn,
    subjectDn,
    notBefore,
    notAfter,
    spki,
    names: read('2.5.29.17', readGeneralNames) ?? noNames,
    keyUsage: read('2.5.29.15', readKeyUsage),
    extendedKeyUsage: read('2.5.29.37', readExtendedKeyUsage),
    basicConstraints: read('2.5.29.19', readBasicConstraints),
  };
}

function readVersion(tbs: DerReader): 1 | 2 | 3 {
  const explicit = tbs.optional(context(0, true));
  if (explicit === undefined) return 1;
  const reader = new DerReader(explicit.content);
  const version = countOf(reader.next(tag.integer)) + 1;
  reader.end();
  if (version !== 2 && version !== 3) throw malformed('a version that does not exist');
  return version;
}

function readExtensions(element: Element): ReadonlyMap<string, Uint8Array> {
  const reader = DerReader.only(element.content, tag.sequence);
  const extensions = new Map<string, Uint8Array>();
  do {
    const extension = reader.enter(tag.sequence);
    const oid = oidOf(extension.next(tag.oid));
    const critical = extension.optional(tag.boolean);
    if (critical !== undefined && !booleanOf(critical)) throw malformed('a default spelt out');
    // A second copy would let two readers see two certificates.
    if (extensions.has(oid)) throw malformed('an extension twice');
    extensions.set(oid, extension.next(tag.octetString).content);
    extension.end();
  } while (!reader.done);
  return extensions;
}

function readKeyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const reader = new DerReader(value);
  const bits = namedBits(reader.next(tag.bitString));
  reader.end();
  return new Set(bits.flatMap((bit) => keyUsages[bit] ?? []));
}

function readExtendedKeyUsage(value: Uint8Array): readonly string[] {
  const reader = DerReader.only(value, tag.sequence);
  const purposes: string[] = [];
  do purposes.push(oidOf(reader.next(tag.oid)));
  while (!reader.done);
  return purposes;
}

function readBasicConstraints(value: Uint8Array): BasicConstraints {
  const reader = DerReader.only(value, tag.sequence);
  const flag = reader.optional(tag.boolean);
  const limit = reader.optional(tag.integer);
  reader.end();
  return {
    ca: flag !== undefined && booleanOf(flag),
    pathLength: limit === undefined ? undefined : countOf(limit),
  };
}

function serialText(bytes: Uint8Array): string {
  // Negative serials are wrong but issued, and RFC 5280 section 4.1.2.2 asks to bear them.
  const bits = bytes.length * 8;
  const value = BigInt.asIntN(bits, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  return value.toString(16).toUpperCase();
}
