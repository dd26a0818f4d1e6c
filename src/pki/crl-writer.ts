import { element, enumerated, explicit, integer, sequence, time } from './der-writer.ts';
import { authorityKeyIdentifier, extension, type Extension } from './extensions.ts';
import { signatureAlgorithm, signed, type Signer } from './signing.ts';

/** Why a certificate was revoked (RFC 5280 section 5.3.1). 7 is not used. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof revocationReasons;

export interface RevokedCertificate {
  readonly serialNumber: bigint;
  readonly revokedAt: Date;
  /** @defaultValue `unspecified`, which is written by leaving the extension out */
  readonly reason?: RevocationReason;
}

/** The contents of a CRL, its issuer's name as finished DER. */
export interface CrlContents {
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  /** Null leaves the field out, against RFC 5280 section 5.1.2.5. */
  readonly nextUpdate: Date | null;
  readonly number: bigint | number;
  readonly authorityKeyId: Uint8Array | null;
  readonly revoked: readonly RevokedCertificate[];
  /** Further CRL extensions, finished. */
  readonly extensions?: readonly Extension[];
  /** A signature that is well-formed and wrong. */
  readonly tampered?: boolean;
}

/** The DER of a version 2 CRL (RFC 5280 section 5.1) signed by `issuer`. */
export function writeCrl(contents: CrlContents, issuer: Signer): Buffer {
  const { authorityKeyId, revoked, nextUpdate } = contents;
  const extensions = [
    ...(authorityKeyId === null ? [] : [authorityKeyIdentifier(authorityKeyId)]),
    { oid: '2.5.29.20', value: integer(contents.number) },
    ...(contents.extensions ?? []),
  ];
  const body = sequence(
    integer(1),
    signatureAlgorithm(issuer),
    contents.issuer,
    time(contents.thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    // An empty list must be left out, not written empty (RFC 5280 section 5.1.2.6).
    ...(revoked.length === 0 ? [] : [element(0x30, Buffer.concat(revoked.map(entry)))]),
    explicit(0, sequence(...extensions.map(extension))),
  );
  return signed(body, issuer, contents.tampered);
}

function entry({ serialNumber, revokedAt, reason = 'unspecified' }: RevokedCertificate): Buffer {
  const code = revocationReasons[reason];
  const reasonCode = extension({ oid: '2.5.29.21', value: enumerated(code) });
  return sequence(
    integer(serialNumber),
    time(revokedAt),
    ...(code === 0 ? [] : [sequence(reasonCode)]),
  );
}
