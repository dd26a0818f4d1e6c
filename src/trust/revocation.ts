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
import { ocspStatus } from '../x509/ocsp.ts';
import type { Path, PathMaterial } from '../x509/path-builder.ts';
import {
  CrlCheck,
  type RevocationMode,
  belowAnchor,
  revocationError,
} from '../x509/path-revocation.ts';
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

/** How long an answer stands before the source, which may know more by now, is asked again. */
const recheckMs = 60_000;

/** Whether anything in a path was revoked. */
export class RevocationChecker {
  readonly #mode: RevocationMode;
  readonly #crls: CrlSource;
  readonly #ocsp: OcspSource | undefined;

  private constructor(mode: RevocationMode, crls: CrlSource, ocsp: OcspSource | undefined) {
    this.#mode = mode;
    this.#crls = crls;
    this.#ocsp = ocsp;
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
      fetch ? ocspSource({ fetchBytes }) : undefined,
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
    const [leaf, issuer] = path.certificates;
    const listed = (certificate: Certificate): RevocationStatus => {
      const check = new CrlCheck(path, material, { at, crls: this.#crls.crls() });
      const status = check.statusOf(certificate, path.certificates);
      if (status.status !== 'unknown' || certificate !== leaf || stapled === undefined)
        return status;
      const brought = ocspStatus(stapled, { certificate, issuer: issuer!, at });
      return brought.status === 'unknown' ? status : brought;
    };
    const next = (left: readonly Certificate[], until: number): MaybePromise<number> => {
      const [certificate, ...others] = left;
      if (certificate === undefined) return until;
      return andThen(this.#statusOf(certificate, path, listed), (status) => {
        const error = revocationError(status, this.#mode);
        if (error !== undefined) throw error;
        const end = status.status === 'good' ? status.until?.getTime() : undefined;
        return next(others, Math.min(until, end ?? Infinity));
      });
    };
    return next(belowAnchor(path.certificates), at.getTime() + recheckMs);
  }

  #statusOf(
    certificate: Certificate,
    { certificates }: Path,
    listed: (certificate: Certificate) => RevocationStatus,
  ): MaybePromise<RevocationStatus> {
    const known = listed(certificate);
    if (known.status !== 'unknown' || this.#ocsp === undefined) return known;
    const issuer = certificates[certificates.indexOf(certificate) + 1]!;
    return andThen(this.#ocsp(certificate, issuer), (asked) => {
      if (asked.status !== 'unknown') return asked;
      return andThen(this.#crls.fetchFor(certificate, certificates), () => {
        const fetched = listed(certificate);
        return fetched.status === 'unknown'
          ? { status: 'unknown', why: `${fetched.why}; ${asked.why}` }
          : fetched;
      });
    });
  }
}
