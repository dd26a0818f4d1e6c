// Files of certificates or CRLs, as they come: PEM or DER, one or many, or something else by mistake.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { AuthError } from '../errors.ts';
import { derBlocks, type PemLabel } from '../x509/pem.ts';
import { UsageError } from './command.ts';
import { plain } from './layout.ts';

export interface FileBlocks {
  /** The file, as people call it. */
  readonly file: string;
  /** The DER of what was asked for, at least one. */
  readonly blocks: readonly Uint8Array[];
}

/** A file as it is. */
export interface Source {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Reads a file; `-` is standard input. @throws UsageError where it cannot be read or is empty */
export async function readSource(path: string): Promise<Source> {
  const file = path === '-' ? 'standard input' : plain(path);
  const bytes = await contents(path, file);
  if (bytes.length === 0) throw new UsageError(`${file} is empty`);
  return { file, bytes };
}

/** What a file holds of one kind. @throws UsageError where it holds nothing of it */
export function blocksIn(source: Source, label: PemLabel): FileBlocks {
  const { file, bytes } = source;
  try {
    return { file, blocks: derBlocks(bytes, label) };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw new UsageError(`${file} ${whatElse(source, label) ?? `is damaged: ${error.message}`}`);
  }
}

/** The same of a file that is still to be read. */
export async function readBlocks(path: string, label: PemLabel): Promise<FileBlocks> {
  return blocksIn(await readSource(path), label);
}

/** The same for a file, or for those files of a directory that hold it. */
export async function readAllBlocks(path: string, label: PemLabel): Promise<readonly FileBlocks[]> {
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return [await readBlocks(path, label)];
  const found: FileBlocks[] = [];
  for (const name of names.sort()) {
    const file = join(path, name);
    // A pipe would keep us waiting.
    if ((await stat(file).catch(() => undefined))?.isFile() !== true) continue;
    try {
      found.push(await readBlocks(file, label));
    } catch (error) {
      // Such directories hold other things as well, a README for example.
      if (!(error instanceof UsageError)) throw error;
    }
  }
  if (found.length === 0) throw new UsageError(`no file in ${plain(path)} holds a ${nouns[label]}`);
  return found;
}

const nouns: Readonly<Record<PemLabel, string>> = { CERTIFICATE: 'certificate', 'X509 CRL': 'CRL' };

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

/** What the file holds in the place of what was asked for. Of a key not even a part is shown. */
function whatElse(source: Source, label: PemLabel): string | undefined {
  const labels = labelsIn(source);
  const [first] = labels;
  if (first === undefined) return `holds no ${nouns[label]}, neither in PEM nor in DER`;
  if (labels.includes(label)) return undefined;
  return labels.some((found) => found.endsWith('PRIVATE KEY'))
    ? `holds a private key and no ${nouns[label]}; keep it to yourself`
    : `holds no ${nouns[label]}; the first thing in it is "${first}"`;
}

/** The labels of PEM text in their order; none of anything else. */
export function labelsIn({ bytes }: Source): readonly string[] {
  if (bytes[0] === 0x30) return [];
  const text = Buffer.from(bytes).toString('latin1');
  return Array.from(text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g), ([, label]) => label!);
}
