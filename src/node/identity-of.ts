import { AuthError } from '../errors.ts';
import { Identity } from '../identity.ts';

/**
 * What a guard has put where a framework keeps it: an identity, or nothing.
 *
 * @throws AuthError `ERR_IDENTITY_MISSING` for nothing, and for whatever no verifier made
 */
export function identityFrom(kept: unknown): Identity {
  if (Identity.isIdentity(kept)) return kept;
  throw new AuthError('ERR_IDENTITY_MISSING', 'no guard has put an identity on this request');
}
