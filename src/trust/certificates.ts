import { rootCertificates } from 'node:tls';
import { AuthError, ConfigError } from '../errors.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import type { Candidate } from '../x509/path/builder.ts';
import { derBlocks } from '../x509/pem.ts';
import { CertificateIndex } from '../x509/path/trust-anchors.ts';
import { type WatchedFile, WatchedFiles } from './watched-files.ts';

/**
 * Certificates: PEM text, DER bytes, or the path of a file or of a directory of such files. Files are read
 * again when they change.
 */
export type Certificates = string | Uint8Array | readonly (string | Uint8Array)[];

/** The certificates of one option, kept up to date with its files. */
export class CertificateStore {
  /** Changes whenever the certificates do. */
  version = 0;
  #given: readonly Certificate[];
  #read: readonly Certificate[] = [];
  #index: CertificateIndex<Candidate> | undefined;
  readonly #files: WatchedFiles;

  /**
   * @param option the path of the option, for messages and events
   * @throws ConfigError where there is none, or one that cannot be read
   */
  constructor(option: string, source: unknown) {
    const sources: unknown[] = Array.isArray(source) ? source : [source];
    const paths = sources.filter((one): one is string => isPath(one));
    this.#given = sources.flatMap((one) => (isPath(one) ? [] : certificatesIn(option, one)));
    this.#files = new WatchedFiles(option, paths, (files) => {
      const read = files.flatMap((file) => certificatesOf(option, file, paths.includes(file.path)));
      // Files that were emptied are a mistake, and no reason to trust nobody.
      if (this.#given.length + read.length === 0) {
        throw new ConfigError(option, 'holds no certificate; name at least one CA');
      }
      this.#read = read;
      this.#index = undefined;
      this.version++;
    });
  }

  get all(): readonly Certificate[] {
    return [...this.#given, ...this.#read];
  }

  /** The same by subject, as candidates for a path. */
  get index(): CertificateIndex<Candidate> {
    this.#index ??= new CertificateIndex(this.all.map((certificate) => ({ certificate })));
    return this.#index;
  }

  refresh(): void {
    this.#files.refresh();
  }
}

function isPath(source: unknown): source is string {
  return typeof source === 'string' && source !== '' && !source.includes('-----BEGIN ');
}

/**
 * The certificates of a file. A directory may hold keys, CRLs and a service's own certificate as well, so of
 * what was only found there CAs alone count.
 */
function certificatesOf(
  option: string,
  { path, bytes }: WatchedFile,
  named: boolean,
): readonly Certificate[] {
  if (named) return certificatesIn(option, bytes, path);
  if (bytes[0] !== 0x30 && !bytes.includes('-----BEGIN CERTIFICATE-----')) return [];
  return certificatesIn(option, bytes, path).filter((one) => one.basicConstraints?.ca === true);
}

function certificatesIn(option: string, source: unknown, path?: string): readonly Certificate[] {
  const where = path === undefined ? '' : `${path}: `;
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
    throw new ConfigError(
      option,
      'must be PEM text, DER bytes, the path of a file, or a list of these',
    );
  }
  try {
    // A copy: what the caller does with its bytes afterwards must not change whom we trust.
    const bytes = typeof source === 'string' ? source : Buffer.from(source);
    return derBlocks(bytes, 'CERTIFICATE').flatMap(certificateOrPublicRoot);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw new ConfigError(option, `${where}${error.message}; give certificates in PEM or DER`);
  }
}

/** A few of the public roots are no DER. Whoever trusts them all can do without. */
function certificateOrPublicRoot(der: Uint8Array): readonly Certificate[] {
  try {
    return [readCertificate(der)];
  } catch (error) {
    if (isPublicRoot(der)) return [];
    throw error;
  }
}

function isPublicRoot(der: Uint8Array): boolean {
  const body = Buffer.from(der).toString('base64');
  return rootCertificates.some((pem) => pem.replace(/-----[^-]+-----|\s/g, '') === body);
}
