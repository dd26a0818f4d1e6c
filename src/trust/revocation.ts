// Revocation of the certificates of a path, from whatever source knows: CRLs at hand first, then the
// responder a certificate names, then the CRL it names.
import { ConfigError } from '../errors.ts';
import { announce } from '../events.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import { checkOptions } from '../options.ts';
import { type CrlSource, crlSource } from '../revocation/crl-source.ts';
import { createFetcher } from '../revocation/fetcher.ts';
import { type OcspSource, ocspSource } from '../revocation/ocsp-source.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Path, PathMaterial } from '../x509/path/builder.ts';
import {
  CrlCheck,
  type RevocationMode,
  belowAnchor,
  revocationError,
} from '../x509/path/revocation.ts';
import type { RevocationStatus } from '../x509/revocation-status.ts';

export interface RevocationOptions {
  /** `require`: unknown is refused. `prefer`: only what is known to be revoked. `off`: nobody asks. */
  readonly mode: RevocationMode;
  /** Files of CRLs, PEM or DER, or directories of them. They are read again when they change. */
  readonly crls?: string | readonly string[];
  /**
   * Whether OCSP responders and CRLs are fetched from where certificates say, over http and https, and
   * only for certificates whose signatures reach a trust anchor.
   *
   * @defaultValue true, unless `crls` are given
   */
  readonly fetch?: boolean;
  /**
   * Whether to fetch from loopback and private addresses as well. Then whoever gets a certificate with an
   * address of their choice from a trusted CA can have this process send requests inside.
   *
   * @defaultValue false
   */
  readonly insecureAllowPrivateAddresses?: boolean;
}

const modes: readonly RevocationMode[] = ['require', 'prefer', 'off'];

/** How long all sources together may take over one path. */
const patienceMs = 5_000;

/** How long an answer stands before the source, which may know more by now, is asked again. */
const recheckMs = 60_000;

/** Whether anything in a path was revoked. */
export class RevocationChecker {
  readonly #mode: RevocationMode;
  readonly #crls: CrlSource;
  readonly #ocsp: OcspSource;
  readonly #fetches: boolean;

  private constructor(mode: RevocationMode, crls: CrlSource, ocsp: OcspSource, fetches: boolean) {
    this.#mode = mode;
    this.#crls = crls;
    this.#ocsp = ocsp;
    this.#fetches = fetches;
  }

  /** @returns undefined where nobody asks. @throws ConfigError */
  static from(
    option: string,
    given: RevocationMode | RevocationOptions,
  ): RevocationChecker | undefined {
    const known = ['mode', 'crls', 'fetch', 'insecureAllowPrivateAddresses'];
    const own = checkOptions(option, typeof given === 'string' ? { mode: given } : given, known);
    const { mode, crls, fetch = crls === undefined, insecureAllowPrivateAddresses = false } = own;
    if (!modes.includes(mode))
      throw new ConfigError(option, "must be 'require', 'prefer' or 'off'");
    for (const [name, flag] of Object.entries({ fetch, insecureAllowPrivateAddresses })) {
      if (typeof flag !== 'boolean')
        throw new ConfigError(`${option}.${name}`, 'must be true or false');
    }
    if (mode === 'off') return undefined;
    if (!fetch && crls === undefined) {
      throw new ConfigError(option, 'has no source; give `crls`, or let it `fetch`');
    }
    if (insecureAllowPrivateAddresses) {
      announce('insecure-option', {
        option: `${option}.insecureAllowPrivateAddresses`,
        reason: 'certificates may name addresses inside, and this process asks there',
      });
    }
    const fetchBytes = createFetcher({ insecureAllowPrivateAddresses });
    return new RevocationChecker(
      mode,
      crlSource({
        ...(crls === undefined ? {} : { files: crls, option: `${option}.crls` }),
        ...(fetch ? { fetch: fetchBytes } : {}),
        onProblem: (place, error) => announce('revocation', { place, error }),
      }),
      ocspSource({ fetchBytes }),
      fetch,
    );
  }

  /** Changes whenever an answer of before may be another now. Looks at the files where that is due. */
  get version(): number {
    this.#crls.crls();
    return this.#crls.version;
  }

  /**
   * Asks about each certificate of a valid path, from the anchor downwards.
   *
   * @param stapled an OCSP response that the holder of the leaf brought along
   * @returns when to ask again, in milliseconds since the epoch
   * @throws AuthError `ERR_CERTIFICATE_REVOKED` or `ERR_REVOCATION_UNKNOWN`, or rejects with it
   */
  check(path: Path, material: PathMaterial, at: Date, stapled?: Uint8Array): MaybePromise<number> {
    const end = performance.now() + patienceMs;
    const next = (left: readonly Certificate[], until: number): MaybePromise<number> => {
      const [certificate, ...others] = left;
      if (certificate === undefined) return until;
      const asked = this.#statusOf(certificate, { path, material, at, stapled, end });
      return andThen(asked, (status) => {
        const error = revocationError(status, this.#mode);
        if (error !== undefined) throw error;
        const good = status.status === 'good' ? status.until?.getTime() : undefined;
        return next(others, Math.min(until, good ?? Infinity));
      });
    };
    return next(belowAnchor(path.certificates), at.getTime() + recheckMs);
  }

  #statusOf(certificate: Certificate, question: Question): MaybePromise<RevocationStatus> {
    const { path, stapled, end } = question;
    const known = this.#listed(certificate, question);
    if (known.status !== 'unknown') return known;
    const issuer = path.certificates[path.certificates.indexOf(certificate) + 1]!;
    if (stapled !== undefined && certificate === path.certificates[0]) {
      const brought = this.#ocsp.stapled(certificate, issuer, stapled);
      if (brought.status !== 'unknown') return brought;
    }
    if (!this.#fetches) return known;
    const answer = andThen(
      this.#ocsp(certificate, issuer),
      (asked): MaybePromise<RevocationStatus> => {
        if (asked.status !== 'unknown') return asked;
        return andThen(this.#crls.fetchFor(certificate, path.certificates), () => {
          const fetched = this.#listed(certificate, question);
          return fetched.status === 'unknown'
            ? { status: 'unknown', why: `${fetched.why}; ${asked.why}` }
            : fetched;
        });
      },
    );
    return inTime(end, answer);
  }

  #listed(certificate: Certificate, { path, material, at }: Question): RevocationStatus {
    const check = new CrlCheck(path, material, { at, crls: this.#crls.crls() });
    return check.statusOf(certificate, path.certificates);
  }
}

interface Question {
  readonly path: Path;
  readonly material: PathMaterial;
  readonly at: Date;
  readonly stapled: Uint8Array | undefined;
  /** How long it may take, by `performance.now`. */
  readonly end: number;
}

/** The answer, or `unknown` where it is not there in time: then its source keeps it for whoever asks next. */
function inTime(
  end: number,
  answer: MaybePromise<RevocationStatus>,
): MaybePromise<RevocationStatus> {
  if (!(answer instanceof Promise)) return answer;
  return new Promise((resolve, reject) => {
    const late = { status: 'unknown', why: 'the sources of revocation took too long' } as const;
    const timer = setTimeout(() => resolve(late), Math.max(0, end - performance.now()));
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
