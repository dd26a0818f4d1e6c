/** Why a certificate was revoked (RFC 5280 section 5.3.1), by the number of the reason. */
export const revocationReasonNames: Readonly<Record<number, string>> = {
  0: 'unspecified',
  1: 'keyCompromise',
  2: 'cACompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
  6: 'certificateHold',
  8: 'removeFromCRL',
  9: 'privilegeWithdrawn',
  10: 'aACompromise',
};

/** What a CRL or an OCSP response says of one certificate. */
export type RevocationStatus =
  /** @param until when to ask again; undefined where the source does not say */
  | { readonly status: 'good'; readonly until: Date | undefined }
  | { readonly status: 'revoked'; readonly revokedAt: Date; readonly reason: string }
  /** Nothing that can be relied on. `why` is for people. */
  | { readonly status: 'unknown'; readonly why: string };
