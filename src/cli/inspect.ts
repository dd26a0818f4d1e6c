import {
  certificateFacts,
  thumbprints,
  type CertificateFacts,
  type Thumbprints,
} from './certificate-facts.ts';
import { readCertificateFile, type FileEntry } from './certificate-file.ts';
import { certificateWarnings, warningOf, type Warning } from './certificate-warnings.ts';
import { certificateRows, kindWords } from './certificate-words.ts';
import type { Command } from './command.ts';
import { columns, lineWidth, wrapped } from './layout.ts';

type Inspected = { readonly warnings: readonly Warning[] } & (
  CertificateFacts | ({ readonly kind: 'unreadable' } & Thumbprints)
);

/** `countersign inspect`: what a certificate says. Nothing is verified. */
export const inspect: Command = {
  name: 'inspect',
  summary: 'Show what a certificate says, in words, warnings first.',
  operands: ['file'],
  options: {},
  notes:
    '<file> holds certificates in PEM, one or many, or one in DER; - is standard input. ' +
    'Whether anybody vouches for one is another question: countersign verify-path.',
  async run({ operands: [path = ''] }) {
    const now = new Date();
    const entries = await readCertificateFile(path);
    const certificates = entries.map((entry) => inspected(entry, now));
    const texts = certificates.map((certificate, i) => {
      const place = entries.length === 1 ? '' : `, ${i + 1} of ${entries.length}`;
      return certificateText(`${entries[i]!.file}${place}`, certificate, now);
    });
    return {
      text: texts.join('\n'),
      json: { certificates },
      failed: certificates.some(({ kind }) => kind === 'unreadable'),
    };
  },
};

function inspected({ der, certificate, fault }: FileEntry, now: Date): Inspected {
  if (certificate === undefined) {
    return { warnings: [warningOf(fault)], kind: 'unreadable', ...thumbprints(der) };
  }
  const facts = certificateFacts(certificate);
  return { warnings: certificateWarnings(certificate, facts, now), ...facts };
}

function certificateText(place: string, certificate: Inspected, now: Date): string {
  const { kind, warnings } = certificate;
  const title = kind === 'unreadable' ? 'not readable as a certificate' : kindWords(certificate);
  const rows: readonly (readonly [string, string])[] =
    kind === 'unreadable' ? [['SHA-256', certificate.sha256]] : certificateRows(certificate, now);
  return [
    ...wrapped(`${place}: ${title}`),
    '',
    ...columns(
      warnings.map(({ message }) => ['!', message]),
      lineWidth,
    ),
    ...(warnings.length === 0 ? [] : ['']),
    ...columns(rows, lineWidth),
    '',
  ].join('\n');
}
