// Certificate revocation lists, read strictly (RFC 5280 section 5). This says what a list states. Who signed
// it, whether it is current and whom it concerns is asked by `crlStatus`.
import { readExtensions, readSigned } from '../certificate.ts';
import type { Signed } from '../certificate.ts';
import { CrlEntries } from './entries.ts';
import { type CrlEntry, unknownCritical } from './entry.ts';
import {
  DerReader,
  booleanOf,
  context,
  integerBytes,
  malformed,
  namedBits,
  tag,
  timeOf,
} from '../der.ts';
import { distinguishedName } from '../distinguished-name.ts';
import {
  type DistributionPoint,
  type DistributionPointName,
  readDistributionPointName,
  readDistributionPoints,
} from '../distribution-points.ts';
import { type Extension, readAuthorityKeyId } from '../extensions.ts';
import { nameKey } from '../name-match.ts';

/** What a CRL states. */
export interface Crl {
  readonly der: Uint8Array;
  readonly version: 1 | 2;
  /** The issuer's name as DER, and as RFC 4514 text. */
  readonly issuer: Uint8Array;
  readonly issuerDn: string;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly number: bigint | undefined;
  /** The number of the CRL that this one holds the changes to; undefined where it is a whole list. */
  readonly baseNumber: bigint | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Where changes to this list are published. */
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
  /** How many entries there are. */
  readonly size: number;
  readonly signed: Signed;
  /** The entry of a certificate, by the `nameKey` of its issuer and the bytes of its serial number. */
  find(issuer: string, serialNumber: Uint8Array): CrlEntry | undefined;
}

/** Which certificates, and which reasons, a list is about (RFC 5280 section 5.2.5). */
export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  /** The one kind of certificates that it covers; undefined means every kind. */
  readonly only: 'userCerts' | 'caCerts' | 'attributeCerts' | undefined;
  /** Bits of ReasonFlags; undefined means all reasons. */
  readonly reasons: readonly number[] | undefined;
  /** Whether certificates of other issuers may be on it. */
  readonly indirect: boolean;
}

/** The extensions that are read here. */
export const crlExtensionOid = {
  number: '2.5.29.20',
  deltaIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  authorityKeyId: '2.5.29.35',
  freshestCrl: '2.5.29.46',
} as const;

const known: ReadonlySet<string> = new Set(Object.values(crlExtensionOid));

/** Ten million entries. Places in the list are kept in 32 bits. */
const maxBytes = 2 ** 29;

/**
 * Reads one CRL in DER. A list of a million entries takes some tenths of a second; where that is too long
 * at a time, take `indexCrl`.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED`, or `ERR_CERTIFICATE_EXTENSION` for a critical extension
 *   that is not known
 */
export function readCrl(der: Uint8Array): Crl {
  const steps = indexCrl(der);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Reads one CRL in steps of a few milliseconds. After each it yields how much is done, from 0 to 1.
 *
 * @throws AuthError as `readCrl` does
 */
export function* indexCrl(der: Uint8Array): Generator<number, Crl> {
  if (der.length > maxBytes) throw malformed(`more than ${maxBytes} bytes`);
  const { signed, members: tbs } = readSigned(der);
  const version = readVersion(tbs);
  // RFC 5280 section 5.1.1.2: the unsigned copy must say the same as the signed one.
  if (Buffer.compare(tbs.next(tag.sequence).whole, signed.algorithm) !== 0) {
    throw malformed('two different signature algorithms');
  }
  const issuer = tbs.next(tag.sequence).whole;
  const thisUpdate = timeOf(tbs.next());
  const next = tbs.optional(tag.utcTime) ?? tbs.optional(tag.generalizedTime);
  const list = tbs.optional(tag.sequence);
  const extensionList = version === 2 ? tbs.optional(context(0, true)) : undefined;
  tbs.end();

  const extensions =
    extensionList === undefined
      ? new Map<string, Extension>()
      : readExtensions(extensionList.content);
  for (const [oid, { critical }] of extensions) {
    if (critical && !known.has(oid)) throw unknownCritical(oid);
  }
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.get(oid);
    return extension === undefined ? undefined : reader(extension.value);
  };
  const number = read(crlExtensionOid.number, readNumber);
  const baseNumber = read(crlExtensionOid.deltaIndicator, readNumber);
  // RFC 5280 section 5.2.4: without a number there is no telling which list it changes into which.
  if (baseNumber !== undefined && number === undefined) throw malformed('changes without a number');
  const issuingDistributionPoint = read(
    crlExtensionOid.issuingDistributionPoint,
    readIssuingDistributionPoint,
  );
  const head = {
    der,
    version,
    issuer,
    issuerDn: distinguishedName(issuer),
    thisUpdate,
    nextUpdate: next === undefined ? undefined : timeOf(next),
    number,
    baseNumber,
    issuingDistributionPoint,
    authorityKeyId: read(crlExtensionOid.authorityKeyId, readAuthorityKeyId)?.keyId,
    freshestCrl: read(crlExtensionOid.freshestCrl, readDistributionPoints),
    extensions,
    signed,
  };

  const entries = new CrlEntries(list?.content ?? new Uint8Array(), version, issuer);
  for (const bytes of entries.index()) yield bytes / der.length;
  if (entries.areIndirect && issuingDistributionPoint?.indirect !== true) {
    throw malformed("entries for another issuer's certificates, which this list is not for");
  }
  return { ...head, size: entries.count, find: entries.find.bind(entries) };
}

/** CRLs by their issuer, so that a thousand cost no more than one. */
export class CrlIndex {
  readonly #byIssuer = new Map<string, Crl[]>();

  constructor(crls: Iterable<Crl> = []) {
    for (const crl of crls) {
      const key = nameKey(crl.issuer);
      const same = this.#byIssuer.get(key);
      if (same === undefined) this.#byIssuer.set(key, [crl]);
      else same.push(crl);
    }
  }

  /** @param key what `nameKey` makes of the issuer */
  withIssuer(key: string): readonly Crl[] {
    return this.#byIssuer.get(key) ?? [];
  }
}

function readVersion(tbs: DerReader): 1 | 2 {
  const version = tbs.optional(tag.integer);
  if (version === undefined) return 1;
  // Version 1 is written by leaving it out (RFC 5280 section 5.1.2.1).
  if (version.content.length !== 1 || version.content[0] !== 1) {
    throw malformed('a version that does not exist');
  }
  return 2;
}

function readNumber(value: Uint8Array): bigint {
  const reader = new DerReader(value);
  const bytes = integerBytes(reader.next(tag.integer));
  reader.end();
  // RFC 5280 section 5.2.3: up to 20 octets, and a sign bit besides.
  if (bytes[0]! >= 0x80 || bytes.length > 21) throw malformed('a CRL number out of range');
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function readIssuingDistributionPoint(value: Uint8Array): IssuingDistributionPoint {
  const reader = DerReader.only(value, tag.sequence);
  // RFC 5280 section 5.2.5: an empty one is not allowed.
  if (reader.done) throw malformed('an empty issuing distribution point');
  const name = reader.optional(context(0, true));
  const user = readFlag(reader, 1);
  const ca = readFlag(reader, 2);
  const reasons = reader.optional(context(3, false));
  const indirect = readFlag(reader, 4);
  const attribute = readFlag(reader, 5);
  reader.end();
  if (Number(user) + Number(ca) + Number(attribute) > 1) {
    throw malformed('a list that is only for several kinds of certificates');
  }
  return {
    name: name === undefined ? undefined : readDistributionPointName(name),
    only: user ? 'userCerts' : ca ? 'caCerts' : attribute ? 'attributeCerts' : undefined,
    reasons: reasons === undefined ? undefined : namedBits(reasons),
    indirect,
  };
}

function readFlag(reader: DerReader, number: number): boolean {
  const flag = reader.optional(context(number, false));
  if (flag === undefined) return false;
  if (!booleanOf(flag)) throw malformed('a default spelt out');
  return true;
}
