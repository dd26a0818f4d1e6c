// How old a signature may be. Instants are seconds since 1970. Pure.
import { AuthError } from '../../errors.ts';
import type { SignatureParameters } from './parameters.ts';

export interface Freshness {
  /** How long a signature may be used after it was made. */
  readonly lifetime: number;
  /** How far the clocks of both sides may be apart. */
  readonly clockTolerance: number;
}

/** What a signature of ours says of itself. */
export interface FreshParameters {
  readonly keyid: string;
  readonly nonce: string;
  readonly created: number;
  /** For how long it would be accepted, if it came again: so long its nonce must be remembered. */
  readonly ttl: number;
}

const maxNonceLength = 256;

/**
 * Checks that a signature says what it must, and that its time is now.
 *
 * @throws AuthError `ERR_SIGNATURE_MALFORMED` where it lacks something, `ERR_SIGNATURE_STALE`
 */
export function checkFreshness(
  { created, expires, keyid, nonce }: SignatureParameters,
  { lifetime, clockTolerance }: Freshness,
  now: number,
): FreshParameters {
  if (created === undefined) throw lacking('created');
  if (keyid === undefined) throw lacking('keyid');
  if (nonce === undefined || nonce === '' || nonce.length > maxNonceLength) throw lacking('nonce');
  if (expires !== undefined && expires < created) {
    throw new AuthError('ERR_SIGNATURE_MALFORMED', 'the signature ends before it begins');
  }
  const end = Math.min(created + lifetime, expires ?? Infinity) + clockTolerance;
  if (now > end) throw stale(`it ended ${Math.ceil(now - end)} s ago`);
  if (created > now + clockTolerance) {
    throw stale(`it was made ${Math.ceil(created - now)} s from now`);
  }
  // Rounded up: instants of signatures are whole seconds.
  return { keyid, nonce, created, ttl: Math.ceil(end - now) + 1 };
}

/** The refusal of a signature whose time is not now. */
export function stale(reason: string): AuthError {
  return new AuthError('ERR_SIGNATURE_STALE', `a signature out of its time: ${reason}`);
}

function lacking(parameter: string): AuthError {
  return new AuthError('ERR_SIGNATURE_MALFORMED', `the signature has no ${parameter} of use`);
}
