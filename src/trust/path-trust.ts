// What `mtls` with trust anchors of its own goes by: paths that we build and validate ourselves, and whatever
// says that a certificate of one was revoked.
import { AuthError, quote } from '../errors.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { readCertificate } from '../x509/certificate.ts';
import { type Candidate, type Path, findPaths } from '../x509/path-builder.ts';
import type { Fault, PathRules } from '../x509/path-rules.ts';
import { parseSpiffeId } from '../x509/spiffe.ts';
import { CertificateIndex } from '../x509/trust-anchors.ts';
import { type AnchorSets, isBundle } from './anchor-sets.ts';
import type { CertificateStore } from './certificates.ts';
import { IntermediateCache } from './intermediate-cache.ts';

/** Whether anything in a path was revoked. */
export interface RevocationChecker {
  /** Changes whenever an answer of before may be another now. */
  readonly version: number;
  refresh(): void;
  /**
   * @returns when to ask again, in milliseconds since the epoch
   * @throws AuthError `ERR_CERTIFICATE_REVOKED` or `ERR_REVOCATION_UNKNOWN`
   */
  check(path: Path, at: Date): MaybePromise<number>;
}

/** A path that holds, and how long that can be relied on. */
export interface TrustedPath extends Path {
  /** When something about it ends, in milliseconds since the epoch. */
  readonly until: number;
}

export class PathTrust {
  readonly #anchors: AnchorSets;
  readonly #intermediates: CertificateStore | undefined;
  readonly #revocation: RevocationChecker | undefined;
  readonly #rules: Omit<PathRules, 'at'>;
  readonly #seen = new IntermediateCache();

  constructor(
    anchors: AnchorSets,
    intermediates: CertificateStore | undefined,
    revocation: RevocationChecker | undefined,
    rules: Omit<PathRules, 'at'>,
  ) {
    this.#anchors = anchors;
    this.#intermediates = intermediates;
    this.#revocation = revocation;
    this.#rules = rules;
  }

  /** Another value means other certificates or revocations: what was decided must be asked again. */
  get version(): string {
    this.#anchors.refresh();
    this.#intermediates?.refresh();
    this.#revocation?.refresh();
    return [this.#anchors, this.#intermediates, this.#revocation]
      .map((source) => source?.version ?? 0)
      .join(' ');
  }

  /**
   * Finds a path for a leaf that the peer has shown.
   *
   * @param sent what came with it, in any order: hints, of which some may be nonsense
   * @throws AuthError, or rejects with one: why there is none
   */
  find(der: Uint8Array, sent: readonly Uint8Array[], at: Date): MaybePromise<TrustedPath> {
    const leaf = readCertificate(der);
    const hints = new CertificateIndex(sent.flatMap(readable));
    const sources = [hints, this.#intermediates?.index, this.#seen];
    const intermediates = {
      withSubject: (key: string) => sources.flatMap((source) => source?.withSubject(key) ?? []),
    };
    const material = { anchors: this.#anchors.index, intermediates };
    return this.#next(findPaths(leaf, material, { ...this.#rules, at }), at);
  }

  /** @param fault of the path before this one */
  #next(paths: Generator<Path, Fault>, at: Date, fault?: AuthError): MaybePromise<TrustedPath> {
    const found = paths.next();
    if (found.done === true) throw fault ?? found.value.error;
    const path = found.value;
    let answer: MaybePromise<number>;
    try {
      this.#checkBundle(path);
      answer = this.#revocation?.check(path, at) ?? Infinity;
    } catch (error) {
      return this.#next(paths, at, fault ?? asAuthError(error));
    }
    const accept = (until: number): TrustedPath => this.#accept(path, until);
    return typeof answer === 'number'
      ? accept(answer)
      : answer.then(accept, (error: unknown) => this.#next(paths, at, fault ?? asAuthError(error)));
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

function readable(der: Uint8Array): readonly Candidate[] {
  try {
    return [{ certificate: readCertificate(der) }];
  } catch (error) {
    asAuthError(error);
    return [];
  }
}

function asAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  throw error;
}
