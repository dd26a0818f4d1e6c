// Files that hold certificates, as they come: PEM or DER, one or many, or something else by mistake.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { rootCertificates } from 'node:tls';
import { AuthError } from '../errors.ts';
import { readCertificate, type Certificate } from '../x509/certificate.ts';
import { derBlocks } from '../x509/pem.ts';
import { UsageError } from './command.ts';
import { plain } from './layout.ts';

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
  const file = path === '-' ? 'standard input' : plain(path);
  const bytes = await contents(path, file);
  if (bytes.length === 0) throw new UsageError(`${file} is empty`);
  let blocks: readonly Uint8Array[];
  try {
    blocks = derBlocks(bytes, 'CERTIFICATE');
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw new UsageError(`${file} ${whatElse(bytes) ?? `is damaged: ${error.message}`}`);
  }
  return blocks.map((der) => readEntry(file, der));
}

/** The same for a file, or for all files of a directory that hold certificates. */
export async function readCertificateFiles(path: string): Promise<readonly FileEntry[]> {
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return readCertificateFile(path);
  const entries: FileEntry[] = [];
  for (const name of names.sort()) {
    const file = join(path, name);
    // A pipe would keep us waiting.
    if ((await stat(file).catch(() => undefined))?.isFile() !== true) continue;
    try {
      entries.push(...(await readCertificateFile(file)));
    } catch (error) {
      // Directories of CAs hold other things as well, a README or CRLs.
      if (!(error instanceof UsageError)) throw error;
    }
  }
  if (entries.length === 0) throw new UsageError(`no file in ${plain(path)} holds a certificate`);
  return entries;
}

/** The public CAs that Node.js brings along. */
export function systemAnchors(): readonly FileEntry[] {
  return rootCertificates
    .flatMap((text) => derBlocks(text, 'CERTIFICATE'))
    .map((der) => readEntry(systemName, der));
}

/** Where the public CAs come from, in the place of a file. */
export const systemName = 'Node.js';

async function contents(path: string, file: string): Promise<Uint8Array> {
  try {
    return path === '-' ? await buffer(process.stdin) : await readFile(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read ${file}: ${reasons[code] ?? code}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
};

/** What PEM text without a certificate holds in its place. Of a key not even a part is shown. */
function whatElse(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  const labels = Array.from(
    text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g),
    ([, label]) => label!,
  );
  if (labels.includes('CERTIFICATE')) return undefined;
  if (labels.some((label) => label.endsWith('PRIVATE KEY'))) {
    return 'holds a private key and no certificate; keep it to yourself';
  }
  const [label] = labels;
  return label === undefined
    ? 'holds no certificate, neither in PEM nor in DER'
    : `holds no certificate; the first thing in it is "${label}"`;
}

function readEntry(file: string, der: Uint8Array): FileEntry {
  try {
    return { file, der, certificate: readCertificate(der) };
  } catch (fault) {
    if (fault instanceof AuthError) return { file, der, fault };
    throw fault;
  }
}
