import { AuthError } from '../../errors.ts';

/** How many certificates a field may hold. Real chains have four. */
export const maxCertificates = 10;

/** Reads the certificates that a field holds, in DER, in their order. Whether they are any is not asked. */
export type Decoder = (value: string) => readonly Uint8Array[];

/** The refusal of a value that is no certificate. */
export function undecodable(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_MALFORMED', `a forwarded certificate: ${what}`);
}

/** @throws AuthError where there are more than `most` */
export function atMost(most: number, found: readonly Uint8Array[]): readonly Uint8Array[] {
  if (found.length <= most) return found;
  throw undecodable(`${most === 1 ? 'one' : most} at most`);
}
