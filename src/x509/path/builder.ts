// Building paths (RFC 4158): from the leaf upwards, through whatever certificates have the issuer's name,
// to a trust anchor. Several certificates may share a name and a key, so there may be several paths and
// the first is not always a valid one. What an attacker sends along must not cost us more than it costs
// them, so the work has bounds.
import { AuthError, quote } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import { maxComparisons } from './permitted-names.ts';
import { nameKey } from '../name-match.ts';
import { type Fault, type PathRules, checkPath } from './rules.ts';
import { type CertificateIndex, type TrustAnchor, hasSigned } from './trust-anchors.ts';

/** A path that is valid but for revocation, leaf first and trust anchor last. */
export interface Path {
  readonly certificates: readonly Certificate[];
  readonly anchor: TrustAnchor;
  /** The policies it is valid for, as OIDs; `anyPolicy` stands for all. */
  readonly policies: readonly string[];
}

export interface PathMaterial {
  readonly anchors: CertificateIndex<TrustAnchor>;
  /** Certificates that may stand in between. Nobody has to trust them. */
  readonly intermediates: CandidateSource;
}

export interface CandidateSource {
  /** @param key what `nameKey` makes of the subject */
  withSubject(key: string): readonly Candidate[];
}

export interface Candidate {
  readonly certificate: Certificate;
}

// Each is far more than a sensible PKI needs. A signature on P-521, key included, takes some milliseconds, and
// whoever asks for many of them need not have proved anything yet.
const budget = {
  signatures: 40,
  chains: 60,
  steps: 2_000,
  comparisons: maxComparisons,
} as const;
const maxLength = 24;

/**
 * Every valid path of a leaf, the likeliest first.
 *
 * @returns why there is no further one: the fault of the first chain that reached an anchor, else where
 *   the first dead end was
 */
export function findPaths(
  leaf: Certificate,
  material: PathMaterial,
  rules: PathRules,
): Generator<Path, Fault> {
  return new Search(leaf, material, rules).paths();
}

// A class and not closures: a generator function that is made anew for each search is kept by V8, with all
// that it can see, until the whole heap is collected. That was certificates and keys by the thousand.
class Search {
  readonly #leaf: Certificate;
  readonly #material: PathMaterial;
  readonly #rules: PathRules;
  readonly #left = { ...budget };
  readonly #issuers = new Map<Certificate, Issuers>();
  readonly #signed = new Map<Certificate, Map<Certificate, true | AuthError>>();
  #fault: Fault | undefined;
  #broken: Fault | undefined;
  #orphan: { readonly certificate: Certificate; readonly height: number } | undefined;

  constructor(leaf: Certificate, material: PathMaterial, rules: PathRules) {
    this.#leaf = leaf;
    this.#material = material;
    this.#rules = rules;
  }

  *paths(): Generator<Path, Fault> {
    yield* this.#extend([this.#leaf]);
    return (
      this.#exhausted() ??
      this.#fault ??
      this.#broken ??
      untrusted(this.#orphan?.certificate ?? this.#leaf)
    );
  }

  *#extend(chain: readonly Certificate[]): Generator<Path, void> {
    const last = chain.at(-1)!;
    const itself = this.#material.anchors
      .withSubject(nameKey(last.subject))
      .find(({ certificate }) => isSame(certificate, last));
    if (itself !== undefined) yield* this.#finish(chain, itself);
    const { anchored, between } = this.#issuersOf(last);
    for (const anchor of anchored) {
      if (this.#exhausted() !== undefined) return;
      if (isSame(anchor.certificate, last) || !this.#isIssuedBy(last, anchor.certificate)) continue;
      yield* this.#finish([...chain, anchor.certificate], anchor);
    }
    if (chain.length < maxLength) {
      for (const { certificate } of between) {
        this.#left.steps--;
        if (this.#exhausted() !== undefined) return;
        // RFC 4158 section 2.4.2: the same name and key once more leads nowhere new.
        if (chain.some((one) => isSameIssuer(one, certificate))) continue;
        // The same CA as an anchor: what the anchor says of itself must not be got around.
        if (anchored.some((anchor) => isSameIssuer(anchor.certificate, certificate))) continue;
        if (!this.#isIssuedBy(last, certificate)) continue;
        yield* this.#extend([...chain, certificate]);
      }
    }
    // Those above it have been here before.
    if (chain.length > (this.#orphan?.height ?? 0)) {
      this.#orphan = { certificate: last, height: chain.length };
    }
  }

  *#finish(chain: readonly Certificate[], anchor: TrustAnchor): Generator<Path, void> {
    this.#left.chains--;
    const outcome = checkPath(chain, this.#rules, this.#left);
    if ('error' in outcome) this.#fault ??= outcome;
    else yield { certificates: chain, anchor, policies: outcome.policies };
  }

  #issuersOf(child: Certificate): Issuers {
    let issuers = this.#issuers.get(child);
    if (issuers === undefined) {
      const name = nameKey(child.issuer);
      issuers = {
        anchored: ordered(this.#material.anchors.withSubject(name), child),
        between: ordered(this.#material.intermediates.withSubject(name), child),
      };
      this.#issuers.set(child, issuers);
    }
    return issuers;
  }

  #isIssuedBy(child: Certificate, issuer: Certificate): boolean {
    const known = this.#signed.get(child) ?? new Map<Certificate, true | AuthError>();
    this.#signed.set(child, known);
    let answer = known.get(issuer);
    if (answer === undefined) {
      this.#left.signatures--;
      answer = verdict(child, issuer);
      known.set(issuer, answer);
    }
    if (answer === true) return true;
    // A signature may just be that of another CA of the name; a weak key is a reason by itself.
    if (this.#broken === undefined || this.#broken.error.code === 'ERR_CERTIFICATE_SIGNATURE') {
      this.#broken = { certificate: child, error: answer };
    }
    return false;
  }

  #exhausted(): Fault | undefined {
    if (Object.values(this.#left).every((rest) => rest > 0)) return undefined;
    const error = new AuthError(
      'ERR_CERTIFICATE_UNDECIDED',
      'too many certificates, names or constraints to try',
    );
    return { error, certificate: this.#leaf };
  }
}

/** Who may have issued a certificate, the likeliest first. */
interface Issuers {
  readonly anchored: readonly TrustAnchor[];
  readonly between: readonly Candidate[];
}

function verdict(child: Certificate, issuer: Certificate): true | AuthError {
  try {
    if (namesAnother(child, issuer)) {
      const reason = 'it names another certificate of its issuer';
      return new AuthError('ERR_CERTIFICATE_UNTRUSTED', reason);
    }
    if (hasSigned(issuer, child)) return true;
    const reason = 'the signature is not that of the issuer it names';
    return new AuthError('ERR_CERTIFICATE_SIGNATURE', reason);
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

/** Whether the authority key identifier names the issuer's certificate, and another than this. */
function namesAnother({ authorityKeyId }: Certificate, issuer: Certificate): boolean {
  const named = authorityKeyId?.certificate;
  if (named === undefined) return false;
  const name = nameKey(issuer.issuer);
  const names = named.issuer.flatMap((one) => (one.kind === 'directoryName' ? [one.der] : []));
  return (
    named.serialNumber !== issuer.serialNumber ||
    (names.length > 0 && !names.some((one) => nameKey(one) === name))
  );
}

function untrusted(certificate: Certificate): Fault {
  const reason = `its issuer ${quote(certificate.issuerDn)} is no trust anchor, and nobody here vouches for it`;
  return { certificate, error: new AuthError('ERR_CERTIFICATE_UNTRUSTED', reason) };
}

// Key identifiers are hints (RFC 5280 section 4.2.1.1): a match goes first, a mismatch last. Of equals,
// the one that ends last.
function ordered<Entry extends Candidate>(
  entries: readonly Entry[],
  child: Certificate,
): readonly Entry[] {
  if (entries.length < 2) return entries;
  const wanted = child.authorityKeyId?.keyId;
  const rank = ({ certificate: { subjectKeyId } }: Entry): number =>
    wanted === undefined || subjectKeyId === undefined
      ? 1
      : Buffer.compare(wanted, subjectKeyId) === 0
        ? 0
        : 2;
  return [...entries].sort(
    (a, b) =>
      rank(a) - rank(b) || b.certificate.notAfter.getTime() - a.certificate.notAfter.getTime(),
  );
}

function isSame(a: Certificate, b: Certificate): boolean {
  return a === b || Buffer.compare(a.der, b.der) === 0;
}

function isSameIssuer(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.spki, b.spki) === 0 && nameKey(a.subject) === nameKey(b.subject);
}
