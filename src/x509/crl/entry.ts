// One entry of a CRL by the whole grammar (RFC 5280 sections 5.1.2.6 and 5.3).
import { AuthError } from '../../errors.ts';
import { readExtensions } from '../certificate.ts';
import {
  DerReader,
  type Element,
  enumeratedOf,
  integerBytes,
  malformed,
  tag,
  timeOf,
} from '../der.ts';
import { readSubjectAltName } from '../general-names.ts';
import { revocationReasonNames } from '../revocation-status.ts';

/** What a CRL says of one certificate. */
export interface CrlEntry {
  readonly revokedAt: Date;
  /** A number of `revocationReasonNames`; 0 where the entry gives none. */
  readonly reason: number;
}

const oid = {
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  certificateIssuer: '2.5.29.29',
} as const;

/**
 * Reads the first entry of `bytes`.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED`, `ERR_CERTIFICATE_EXTENSION`
 */
export function readCrlEntry(bytes: Uint8Array): {
  readonly entry: CrlEntry;
  readonly length: number;
  readonly hasExtensions: boolean;
  /** The name, as DER, of whoever issued this certificate and those of the entries that follow. */
  readonly certificateIssuer: Uint8Array | undefined;
} {
  const element = new DerReader(bytes).next(tag.sequence);
  const reader = element.members();
  integerBytes(reader.next(tag.integer));
  const revokedAt = timeOf(reader.next());
  const list = reader.done ? undefined : reader.next(tag.sequence);
  reader.end();
  return {
    ...readEntryExtensions(list, revokedAt),
    length: element.whole.length,
    hasExtensions: list !== undefined,
  };
}

function readEntryExtensions(
  list: Element | undefined,
  revokedAt: Date,
): { readonly entry: CrlEntry; readonly certificateIssuer: Uint8Array | undefined } {
  let reason = 0;
  let certificateIssuer: Uint8Array | undefined;
  const extensions = list === undefined ? [] : readExtensions(list.whole);
  for (const [name, { critical, value }] of extensions) {
    switch (name) {
      case oid.reasonCode:
        reason = readReason(value);
        break;
      case oid.invalidityDate:
        // Since when the key was not to be trusted. Whoever is asked later refuses it anyway.
        readInvalidityDate(value);
        break;
      case oid.certificateIssuer:
        certificateIssuer = readCertificateIssuer(value);
        break;
      default:
        if (critical) throw unknownCritical(name);
    }
  }
  return { entry: { revokedAt, reason }, certificateIssuer };
}

function readReason(value: Uint8Array): number {
  const reader = new DerReader(value);
  const reason = enumeratedOf(reader.next(tag.enumerated));
  reader.end();
  if (!(reason in revocationReasonNames)) throw malformed('a reason that does not exist');
  return reason;
}

function readInvalidityDate(value: Uint8Array): void {
  const reader = new DerReader(value);
  timeOf(reader.next(tag.generalizedTime));
  reader.end();
}

function readCertificateIssuer(value: Uint8Array): Uint8Array {
  const names = readSubjectAltName(value).flatMap((name) =>
    name.kind === 'directoryName' ? [name.der] : [],
  );
  // RFC 5280 section 5.3.3: the distinguished name of the issuer. With two, whose serial number is it?
  if (names.length !== 1) throw malformed('an entry whose certificate issuer has no one name');
  return names[0]!;
}

/** RFC 5280 sections 5.2 and 5.3: a list with a critical extension that nobody knows is of no use at all. */
export function unknownCritical(name: string): AuthError {
  return new AuthError(
    'ERR_CERTIFICATE_EXTENSION',
    `the CRL has a critical extension that nothing here knows (${name})`,
  );
}
