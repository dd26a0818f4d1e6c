// What `mtls` with trust anchors of its own goes by: paths that we build and validate ourselves, and whatever
// says that a certificate of one was revoked.
import { AuthError, quote } from '../errors.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { readCertificate } from '../x509/certificate.ts';
import { type Candidate, type Path, findPaths } from '../x509/path/builder.ts';
import type { Fault, PathRules } from '../x509/path/rules.ts';
import { parseSpiffeId } from '../x509/spiffe.ts';
import { CertificateIndex } from '../x509/path/trust-anchors.ts';
import type { TlsPurpose } from '../x509/usage.ts';
import { type AnchorSets, isBundle } from './anchor-sets.ts';
import type { CertificateStore } from './certificates.ts';
import { IntermediateCache } from './intermediate-cache.ts';
import type { RevocationChecker } from './revocation.ts';

/** How many paths are asked about revocation. More come from cross-signing nobody does. */
const maxPaths = 8;

/** A path that holds, and how long that can be relied on. */
export interface TrustedPath extends Path {
  /** When something about it ends, in milliseconds since the epoch. */
  readonly until: number;
}

type Revocation = Pick<RevocationChecker, 'version' | 'check'>;

/** The paths that certain anchors vouch for. */
export class PathTrust {
  readonly #anchors: AnchorSets;
  readonly #intermediates: CertificateStore | undefined;
  readonly #revocation: Revocation | undefined;
  readonly #rules: Omit<PathRules, 'at'>;
  readonly #seen = new IntermediateCache();

  constructor(
    anchors: AnchorSets,
    intermediates: CertificateStore | undefined,
    revocation: Revocation | undefined,
    purpose: TlsPurpose,
  ) {
    this.#anchors = anchors;
    this.#intermediates = intermediates;
    this.#revocation = revocation;
    this.#rules = { purpose, maxDepth: 10, policies: {}, profile: 'rfc5280' };
  }

  /** Another value means other certificates or revocations: what was decided must be asked again. */
  get version(): string {
    this.#anchors.refresh();
    this.#intermediates?.refresh();
    return `${this.#anchors.version} ${this.#intermediates?.version ?? 0} ${this.#revocation?.version ?? 0}`;
  }

  /**
   * Finds a path for a leaf that the peer has shown.
   *
   * @param sent what came with it, in any order: hints, of which some may be nonsense
   * @param stapled the OCSP response that came with it
   * @throws AuthError, or rejects with one: why there is none
   */
  find(
    der: Uint8Array,
    sent: readonly Uint8Array[],
    at: Date,
    stapled?: Uint8Array,
  ): MaybePromise<TrustedPath> {
    const leaf = readCertificate(der);
    const hints = new CertificateIndex(sent.flatMap((one) => this.#readable(one)));
    const sources = [hints, this.#intermediates?.index, this.#seen];
    const intermediates = {
      withSubject: (key: string) => sources.flatMap((source) => source?.withSubject(key) ?? []),
    };
    const material = { anchors: this.#anchors.index, intermediates };
    const paths = findPaths(leaf, material, { ...this.#rules, at });
    return this.#firstOf(paths, (path) => {
      this.#checkBundle(path);
      return this.#revocation?.check(path, material, at, stapled) ?? Infinity;
    });
  }

  #readable(der: Uint8Array): readonly Candidate[] {
    try {
      return [{ certificate: this.#seen.read(der) }];
    } catch (error) {
      asAuthError(error);
      return [];
    }
  }

  /**
   * @param fault of the first path that the check refused
   * @param left how many more may be tried
   */
  #firstOf(
    paths: Generator<Path, Fault>,
    check: (path: Path) => MaybePromise<number>,
    fault?: AuthError,
    left = maxPaths,
  ): MaybePromise<TrustedPath> {
    if (left === 0) throw fault!;
    const found = paths.next();
    if (found.done === true) throw fault ?? found.value.error;
    const path = found.value;
    const accept = (until: number): TrustedPath => this.#accept(path, until);
    const goOn = (error: unknown): MaybePromise<TrustedPath> =>
      this.#firstOf(paths, check, fault ?? asAuthError(error), left - 1);
    let answer: MaybePromise<number>;
    try {
      answer = check(path);
    } catch (error) {
      return goOn(error);
    }
    return typeof answer === 'number' ? accept(answer) : answer.then(accept, goOn);
  }

  #accept(path: Path, until: number): TrustedPath {
    for (const certificate of path.certificates.slice(1, -1)) this.#seen.add(certificate);
    const ends = path.certificates.map(({ notAfter }) => notAfter.getTime());
    return { ...path, until: Math.min(until, ...ends) };
  }

  // X.509-SVID section 5 with SPIFFE Trust Domain and Bundle section 3: a domain's own bundle and no other.
  #checkBundle({ certificates: [leaf], anchor: { set } }: Path): void {
    if (!this.#anchors.hasBundles) return;
    const id = leaf!.names.uris.find((uri) => /^spiffe:/i.test(uri));
    const domain = id === undefined ? undefined : parseSpiffeId(id)?.trustDomain;
    const fits = id === undefined ? !isBundle(set) : set === `spiffe://${domain ?? ''}`;
    if (fits) return;
    throw new AuthError(
      'ERR_CERTIFICATE_UNTRUSTED',
      `${id === undefined ? 'a certificate without a SPIFFE ID' : quote(id)} is not for the CAs of ${quote(set ?? 'no set')} to vouch for`,
    );
  }
}

function asAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  throw error;
}
