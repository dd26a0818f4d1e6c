import { rootCertificates } from 'node:tls';
import { AuthError, ConfigError } from '../errors.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import type { Candidate } from '../x509/path-builder.ts';
import { derBlocks } from '../x509/pem.ts';
import { CertificateIndex } from '../x509/trust-anchors.ts';
import { type WatchedFile, WatchedFiles } from './watched-files.ts';

/**
 * Certificates: PEM text, DER bytes, or the path of a file or of a directory of such files. Files are read
 * again when they change.
 */
export type Certificates = string | Uint8Array | readonly (string | Uint8Array)[];

const publicRoots: ReadonlySet<string> = new Set(rootCertificates);

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
      this.#read = files
        .filter(({ path, bytes }) => paths.includes(path) || holdsCertificates(bytes))
        .flatMap((file) => certificatesOf(option, file));
      this.#index = undefined;
      this.version++;
    });
    if (this.all.length === 0)
      throw new ConfigError(option, 'holds no certificate; name at least one CA');
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

/** A directory may hold keys and CRLs as well, under names that are no different. */
function holdsCertificates(bytes: Buffer): boolean {
  return bytes[0] === 0x30 || bytes.includes('-----BEGIN CERTIFICATE-----');
}

function certificatesOf(option: string, { path, bytes }: WatchedFile): readonly Certificate[] {
  return certificatesIn(option, bytes, path);
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
    return derBlocks(source, 'CERTIFICATE').map(readCertificate);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    // A few of the public roots are no DER. Whoever trusts them all can do without.
    if (publicRoots.has(source as string)) return [];
    throw new ConfigError(option, `${where}${error.message}; give certificates in PEM or DER`);
  }
}
