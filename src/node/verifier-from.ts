import { ConfigError } from '../errors.ts';
import { mtls } from '../methods/mtls/index.ts';
import type { Policy } from '../policy.ts';
import { type Verifier, type VerifierOptions, createVerifier, isVerifier } from '../verifier.ts';

/**
 * The verifier that the arguments of a `mutualAuth` mean: none, options, or a verifier and a policy.
 *
 * @throws ConfigError for an argument that is there and undefined: an unset variable must not quietly
 * become the default
 */
export function verifierFrom(given: readonly unknown[]): Verifier {
  if (given.length === 0) return createVerifier({ methods: [mtls()], policy: { require: 'mtls' } });
  const [first, policy] = given;
  if (first === undefined || (given.length > 1 && policy === undefined)) {
    throw new ConfigError('mutualAuth', 'was given undefined; leave the argument out instead');
  }
  if (!isVerifier(first)) {
    if (given.length > 1)
      throw new ConfigError('mutualAuth', 'takes a policy after a verifier only');
    return createVerifier(first as VerifierOptions);
  }
  return given.length === 1 ? first : first.withPolicy(policy as Policy);
}
