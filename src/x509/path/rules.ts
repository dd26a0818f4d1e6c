// Whether a finished chain is a valid path (RFC 5280 section 6.1). Names chain and signatures hold already:
// whoever built the chain has seen to that.
import { AuthError } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import { type Profile, checkConformance } from './conformance.ts';
import { type Comparisons, PermittedNames, maxComparisons } from './permitted-names.ts';
import { isSameName } from '../name-match.ts';
import { PolicyGraph, type PolicyOptions } from './policy-graph.ts';
import { publicKeyOf } from './trust-anchors.ts';
import { type Purpose, checkPurpose } from '../usage.ts';

export interface PathRules {
  /** The instant at which everything must be valid. */
  readonly at: Date;
  readonly purpose: Purpose;
  /** How many intermediates there may be, those not counted that a CA issued to itself. */
  readonly maxDepth: number;
  readonly policies: PolicyOptions;
  readonly profile: Profile;
}

/** Why a path is none, and which certificate is at fault. */
export interface Fault {
  readonly error: AuthError;
  readonly certificate: Certificate;
}

/**
 * Checks a chain, leaf first and trust anchor last.
 *
 * The anchor's own constraints count too (RFC 5937), and so does its validity period.
 *
 * @param left the work that may still be done, where several chains are tried
 * @returns the policies the path is valid for, or what is wrong with it
 */
export function checkPath(
  chain: readonly Certificate[],
  rules: PathRules,
  left: Comparisons = { comparisons: maxComparisons },
): { readonly policies: readonly string[] } | Fault {
  let current = chain.at(-1)!;
  try {
    const graph = new PolicyGraph(rules.policies);
    let names = new PermittedNames(left);
    let pathLength = Infinity;
    let depth = 0;

    for (let i = chain.length - 1; i >= 0; i--) {
      current = chain[i]!;
      const leaf = i === 0;
      const anchor = i === chain.length - 1;
      const role = leaf ? 'leaf' : anchor ? 'anchor' : 'intermediate';
      const selfIssued = isSameName(current.issuer, current.subject);
      checkConformance(current, role, rules.profile);
      if (leaf && anchor) checkOwnAnchor(current, selfIssued);
      checkValidity(current, rules.at);
      checkPurpose(current, rules.purpose, leaf);
      if (leaf || !selfIssued) names.check(current);
      graph.add(current, role);
      if (leaf) break;

      names = names.narrowed(current.nameConstraints);
      if (!anchor && !selfIssued) {
        if (pathLength === 0) throw issuerError('stands deeper than a CA above it allows');
        if (++depth > rules.maxDepth) {
          throw new AuthError(
            'ERR_CERTIFICATE_UNDECIDED',
            `the path has more than ${rules.maxDepth} intermediates`,
          );
        }
        pathLength--;
      }
      checkCa(current);
      pathLength = Math.min(pathLength, current.basicConstraints?.pathLength ?? Infinity);
    }
    publicKeyOf(current);
    return { policies: graph.result() };
  } catch (error) {
    if (error instanceof AuthError) return { error, certificate: current };
    throw error;
  }
}

/**
 * Checks the validity period, both ends included, in whole seconds (RFC 5280 section 4.1.2.5).
 *
 * @throws AuthError `ERR_CERTIFICATE_EXPIRED` or `ERR_CERTIFICATE_NOT_YET_VALID`
 */
export function checkValidity(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: Date,
): void {
  if (Math.floor(now.getTime() / 1000) * 1000 > notAfter.getTime()) {
    throw new AuthError(
      'ERR_CERTIFICATE_EXPIRED',
      `the certificate ended ${notAfter.toISOString()}`,
    );
  }
  if (now < notBefore) {
    throw new AuthError(
      'ERR_CERTIFICATE_NOT_YET_VALID',
      `the certificate begins ${notBefore.toISOString()}`,
    );
  }
}

/** Whoever lists a leaf among the anchors trusts it as it is. A CA that stands for itself is a mistake. */
function checkOwnAnchor({ basicConstraints }: Certificate, selfIssued: boolean): void {
  if (basicConstraints?.ca === true && !selfIssued) {
    throw new AuthError(
      'ERR_CERTIFICATE_USAGE',
      'the certificate is a CA of this list, and no leaf',
    );
  }
}

/** Section 6.1.4 k and n. */
function checkCa({ basicConstraints, keyUsage }: Certificate): void {
  if (basicConstraints?.ca !== true) throw issuerError('is no CA');
  if (keyUsage?.has('keyCertSign') === false) throw issuerError('may not sign certificates');
}

function issuerError(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_ISSUER', `the certificate of the issuer ${what}`);
}
