import { ConfigError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { CrlIndex } from '../x509/crl/crl.ts';
import { CrlDownloads } from './crl-downloads.ts';
import { CrlFiles } from './crl-files.ts';
import type { FetchBytes } from './fetcher.ts';

export interface CrlSourceOptions {
  /** Files with CRLs, PEM or DER, or directories of them. They are read anew when they change. */
  readonly files?: string | readonly string[];
  /** What `files` are called where the user gave them, for errors. @defaultValue `files` */
  readonly option?: string;
  /** Fetches from the distribution points that certificates name. Without it nothing is fetched. */
  readonly fetch?: FetchBytes;
  /** The longest CRL that is fetched, in bytes. @defaultValue 64 MiB */
  readonly maxBytes?: number;
  /** The time in milliseconds, by which what was fetched gets old. @defaultValue `Date.now` */
  readonly now?: () => number;
  /**
   * Told of a file or an address that gave no CRL, or one that is not taken. What was known before goes on
   * counting until it ends.
   */
  readonly onProblem?: (place: string, error: Error) => void;
}

/** CRLs that keep themselves up to date. */
export interface CrlSource {
  /** Changes whenever the lists do: what was concluded from them is to be concluded again. */
  readonly version: number;
  /** The lists as they are known now. */
  crls(): CrlIndex;
  /**
   * Fetches what is missing for one certificate of a valid path.
   *
   * @returns undefined where there is nothing to wait for, else a promise that never rejects: what could
   *   not be fetched is then missing from `crls()`
   */
  fetchFor(certificate: Certificate, path: readonly Certificate[]): Promise<void> | undefined;
}

/**
 * CRLs from files, distribution points, or both.
 *
 * @throws ConfigError for a file that is missing, or holds what is no CRL, and for no files at all
 */
export function crlSource(options: CrlSourceOptions): CrlSource {
  const { option = 'files', fetch, maxBytes = 64 * 2 ** 20 } = options;
  const { now = () => Date.now(), onProblem = () => undefined } = options;
  const places = options.files === undefined ? [] : [options.files].flat();
  if (options.files !== undefined && places.length === 0) {
    throw new ConfigError(option, 'names no CRL; name a CRL file or a directory of them');
  }
  const files = new CrlFiles(option, places, { onProblem });
  const downloads =
    fetch === undefined ? undefined : new CrlDownloads({ fetch, maxBytes, now, onProblem });

  const version = () => files.version + (downloads?.version ?? 0);
  let index: { readonly version: number; readonly crls: CrlIndex } | undefined;
  return {
    get version() {
      return version();
    },
    crls() {
      const fromFiles = files.crls();
      if (index?.version !== version()) {
        const crls = new CrlIndex([...fromFiles, ...(downloads?.crls() ?? [])]);
        index = { version: version(), crls };
      }
      return index.crls;
    },
    fetchFor: (certificate, path) => downloads?.fetchFor(certificate, path),
  };
}
