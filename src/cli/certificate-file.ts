import { rootCertificates } from 'node:tls';
import { AuthError } from '../errors.ts';
import { readCertificate, type Certificate } from '../x509/certificate.ts';
import { derBlocks } from '../x509/pem.ts';
import { readAllBlocks, readBlocks, type FileBlocks } from './pem-file.ts';

/** One certificate of a file, or why it cannot be read. */
export type FileEntry = {
  /** The file, as people call it. */
  readonly file: string;
  readonly der: Uint8Array;
} & (
  | { readonly certificate: Certificate; readonly fault?: never }
  | { readonly certificate?: never; readonly fault: AuthError }
);

/**
 * The certificates of a file, at least one; `-` is standard input.
 *
 * @throws UsageError where the file cannot be read or holds none
 */
export async function readCertificateFile(path: string): Promise<readonly FileEntry[]> {
  return entriesOf(await readBlocks(path, 'CERTIFICATE'));
}

/** The same for a file, or for those files of a directory that hold certificates. */
export async function readCertificateFiles(path: string): Promise<readonly FileEntry[]> {
  return (await readAllBlocks(path, 'CERTIFICATE')).flatMap(entriesOf);
}

/** The public CAs that Node.js brings along. */
export function systemAnchors(): readonly FileEntry[] {
  const blocks = rootCertificates.flatMap((text) => derBlocks(text, 'CERTIFICATE'));
  return entriesOf({ file: systemName, blocks });
}

/** Where the public CAs come from, in the place of a file. */
export const systemName = 'Node.js';

function entriesOf({ file, blocks }: FileBlocks): readonly FileEntry[] {
  return blocks.map((der) => {
    try {
      return { file, der, certificate: readCertificate(der) };
    } catch (fault) {
      if (fault instanceof AuthError) return { file, der, fault };
      throw fault;
    }
  });
}
