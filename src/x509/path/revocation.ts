// Revocation along a path: each certificate below the anchor, from the anchor downwards, so that whoever
// signs a list has been cleared before the list is believed.
import { AuthError } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import { crlStatus } from '../crl/status.ts';
import type { CrlIndex } from '../crl/crl.ts';
import { nameKey } from '../name-match.ts';
import { type Path, type PathMaterial, findPaths } from './builder.ts';
import type { Fault, PathRules } from './rules.ts';
import type { RevocationStatus } from '../revocation-status.ts';

/** What an unknown state means: a failure, nothing, or that nobody asks. */
export type RevocationMode = 'require' | 'prefer' | 'off';

export interface CrlRules {
  readonly at: Date;
  readonly crls: CrlIndex;
}

export interface RevocationRules extends CrlRules {
  readonly mode: RevocationMode;
}

// A CRL signed by a key apart is usual; one whose signer's CRL is signed by a further key apart is not. What
// a peer sends along must not multiply that.
const budget = { candidates: 8, paths: 4, statuses: 64 } as const;

/** How many otherwise valid paths are tried. More come from cross-signing nobody does. */
const maxPaths = 8;

/** The first valid path on which nothing is revoked, or the first fault that was found. */
export function findUnrevokedPath(
  leaf: Certificate,
  material: PathMaterial,
  rules: PathRules,
  revocation: RevocationRules,
): Path | Fault {
  const paths = findPaths(leaf, material, rules);
  let fault: Fault | undefined;
  for (let tried = 0; tried < maxPaths; tried++) {
    const { done, value } = paths.next();
    if (done === true) return fault ?? value;
    const found = revocationFault(value, material, revocation);
    if (found === undefined) return value;
    fault ??= found;
  }
  return fault!;
}

/** Why a path that is valid otherwise is none: what is revoked, or not known to be good. */
function revocationFault(
  path: Path,
  material: PathMaterial,
  rules: RevocationRules,
): Fault | undefined {
  if (rules.mode === 'off') return undefined;
  const check = new CrlCheck(path, material, rules);
  for (const certificate of belowAnchor(path.certificates)) {
    const error = revocationError(check.statusOf(certificate, path.certificates), rules.mode);
    if (error !== undefined) return { certificate, error };
  }
  return undefined;
}

/** The refusal that a status stands for; undefined where there is none. */
export function revocationError(
  status: RevocationStatus,
  mode: RevocationMode,
): AuthError | undefined {
  if (status.status === 'revoked') {
    const reason = `revoked ${status.revokedAt.toISOString()} (${status.reason})`;
    return new AuthError('ERR_CERTIFICATE_REVOKED', reason);
  }
  if (status.status === 'good' || mode === 'prefer') return undefined;
  return new AuthError('ERR_REVOCATION_UNKNOWN', `whether it is revoked is unknown: ${status.why}`);
}

/** Asks the CRLs at hand about the certificates of one path. */
export class CrlCheck {
  readonly #path: Path;
  /** Where signers of CRLs that are not on the path itself may be found. */
  readonly #material: PathMaterial;
  readonly #rules: CrlRules;
  readonly #known = new Map<Certificate, RevocationStatus>();
  readonly #asked = new Set<Certificate>();
  readonly #pathsOf = new Map<Certificate, readonly Path[]>();
  #left = budget.statuses;

  constructor(path: Path, material: PathMaterial, rules: CrlRules) {
    this.#path = path;
    this.#material = material;
    this.#rules = rules;
  }

  /** @param chain the path that the certificate stands in; what stands above it there is good */
  statusOf(certificate: Certificate, chain: readonly Certificate[]): RevocationStatus {
    const known = this.#known.get(certificate);
    if (known !== undefined) return known;
    if (this.#left-- <= 0) return { status: 'unknown', why: 'too many signers of CRLs to try' };
    this.#asked.add(certificate);
    const status = crlStatus(certificate, this.#rules.crls, {
      at: this.#rules.at,
      signers: (name) => this.#signers(nameKey(name), certificate, chain),
    });
    this.#asked.delete(certificate);
    // Unknown may only mean that the question came back to itself, and is asked again elsewhere.
    if (status.status !== 'unknown') this.#known.set(certificate, status);
    return status;
  }

  // A certificate may answer for itself: that of an authority's CRL key is often on no other list than
  // those it signs. If it is on them, it is revoked; if it is on another's, it is revoked as well.
  *#signers(
    name: string,
    certificate: Certificate,
    chain: readonly Certificate[],
  ): Generator<Certificate, void> {
    const near = chain.slice(chain.indexOf(certificate));
    const tried = new Set<Certificate>(near);
    for (const one of [...near.slice(1), certificate]) if (nameKey(one.subject) === name) yield one;
    const { anchors, intermediates } = this.#material;
    const others = [...anchors.withSubject(name), ...intermediates.withSubject(name)];
    for (const { certificate: other } of others.slice(0, budget.candidates)) {
      if (!tried.has(other) && this.#maySign(other)) yield other;
    }
  }

  /** Whether it has a path to the same anchor on which nothing is revoked. */
  #maySign(signer: Certificate): boolean {
    if (this.#asked.has(signer)) return false;
    let paths = this.#pathsOf.get(signer);
    if (paths === undefined) this.#pathsOf.set(signer, (paths = this.#findPaths(signer)));
    return paths.some(({ certificates }) =>
      belowAnchor(certificates).every((one) => this.statusOf(one, certificates).status === 'good'),
    );
  }

  #findPaths(signer: Certificate): readonly Path[] {
    const { at } = this.#rules;
    const rules = { at, purpose: 'any', maxDepth: 10, policies: {}, profile: 'rfc5280' } as const;
    const paths: Path[] = [];
    for (const path of findPaths(signer, this.#material, rules)) {
      // RFC 5280 section 6.3.3 f: the same anchor. Another one is trusted for other certificates.
      if (path.anchor.certificate === this.#path.anchor.certificate) paths.push(path);
      if (paths.length === budget.paths) break;
    }
    return paths;
  }
}

/** The certificates that can be revoked, from the anchor downwards. */
export function belowAnchor(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.slice(0, -1).toReversed();
}
