import { AuthError } from '../errors.ts';
import { readCertificate } from '../x509/certificate.ts';
import { indexCrl } from '../x509/crl/crl.ts';
import {
  certificateFacts,
  thumbprints,
  type CertificateFacts,
  type Thumbprints,
} from './certificate-facts.ts';
import { certificateWarnings, warningOf, type Warning } from './certificate-warnings.ts';
import { certificateRows, kindWords, type Row } from './certificate-words.ts';
import type { Command } from './command.ts';
import { crlFacts, crlRows, crlWarnings, type CrlFacts } from './crl-words.ts';
import { columns, lineWidth, wrapped } from './layout.ts';
import { blocksIn, labelsIn, readSource, type Source } from './pem-file.ts';
import { withProgress } from './progress.ts';

/** One certificate or CRL of a file. */
interface Inspection {
  readonly list: 'certificates' | 'crls';
  readonly title: string;
  readonly rows: readonly Row[];
  readonly json: { readonly warnings: readonly Warning[] } & (
    CertificateFacts | CrlFacts | ({ readonly kind: 'unreadable' } & Thumbprints)
  );
}

/** `countersign inspect`: what a certificate or a CRL says. Nothing is verified. */
export const inspect: Command = {
  name: 'inspect',
  summary: 'Show what a certificate or a CRL says, in words, warnings first.',
  operands: ['file'],
  options: {},
  notes:
    '<file> holds certificates or CRLs in PEM, one or many, or one in DER; - is standard input. ' +
    'Whether anybody vouches for one is another question: countersign verify-path.',
  async run({ operands: [path = ''] }) {
    const now = new Date();
    const source = await readSource(path);
    const inspections = inspectAll(source, now);
    const texts = inspections.map((inspection, i) => {
      const place = inspections.length === 1 ? '' : `, ${i + 1} of ${inspections.length}`;
      return inspectionText(`${source.file}${place}`, inspection);
    });
    const of = (list: Inspection['list']) =>
      inspections.filter((one) => one.list === list).map(({ json }) => json);
    return {
      text: texts.join('\n'),
      json: { certificates: of('certificates'), crls: of('crls') },
      failed: inspections.some(({ json }) => json.kind === 'unreadable'),
    };
  },
};

/** The certificates of a file, then its CRLs. Bytes of DER do not say which of them they are. */
function inspectAll(source: Source, now: Date): readonly Inspection[] {
  const labels = labelsIn(source);
  const hasCrls = labels.includes('X509 CRL');
  const hasOthers = !hasCrls || labels.includes('CERTIFICATE');
  const certificates = hasOthers ? blocksIn(source, 'CERTIFICATE').blocks : [];
  const crls = hasCrls ? blocksIn(source, 'X509 CRL').blocks : [];
  const found = [
    ...certificates.map((der) => inspectCertificate(der, now)),
    ...crls.map((der) => inspectCrl(der, now)),
  ];
  if (labels.length > 0 || found[0]?.json.kind !== 'unreadable') return found;
  const crl = inspectCrl(source.bytes, now);
  return crl.json.kind === 'unreadable' ? found : [crl];
}

function inspectCertificate(der: Uint8Array, now: Date): Inspection {
  return readable('certificates', der, () => {
    const certificate = readCertificate(der);
    const facts = certificateFacts(certificate);
    return {
      list: 'certificates',
      title: kindWords(facts),
      rows: certificateRows(facts, now),
      json: { warnings: certificateWarnings(certificate, facts, now), ...facts },
    };
  });
}

function inspectCrl(der: Uint8Array, now: Date): Inspection {
  return readable('crls', der, () => {
    const crl = withProgress('Reading the list', indexCrl(der));
    const facts = crlFacts(crl);
    return {
      list: 'crls',
      title: 'a CRL, a list of revoked certificates',
      rows: crlRows(facts, now),
      json: { warnings: crlWarnings(crl, now), ...facts },
    };
  });
}

/** What is read, or that it cannot be, and why. */
function readable(list: Inspection['list'], der: Uint8Array, read: () => Inspection): Inspection {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const prints = thumbprints(der);
    return {
      list,
      title: `not readable as a ${list === 'crls' ? 'CRL' : 'certificate'}`,
      rows: [['SHA-256', prints.sha256]],
      json: { warnings: [warningOf(error)], kind: 'unreadable', ...prints },
    };
  }
}

function inspectionText(place: string, { title, rows, json: { warnings } }: Inspection): string {
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
