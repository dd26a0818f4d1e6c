import type { PathValidation } from '../validate-path.ts';
import type { Certificate } from '../x509/certificate.ts';
import { anyPolicy } from '../x509/extensions.ts';
import type { RevocationMode } from '../x509/path/revocation.ts';
import { policyWords } from './algorithm-names.ts';
import { thumbprints } from './certificate-facts.ts';
import { systemName, type FileEntry } from './certificate-file.ts';
import type { Report } from './command.ts';
import { columns, lineWidth, plain, wrapped } from './layout.ts';
import { moment } from './moments.ts';

/** Everything that a path could be made of, by where it came from. */
export interface PathMaterial {
  readonly leaf: FileEntry;
  readonly intermediates: readonly FileEntry[];
  readonly anchors: readonly FileEntry[];
}

type Row = readonly [label: string, text: string];
type Role = 'leaf' | 'intermediate' | 'anchor';

/** What came out, for people and for programs. */
export function pathReport(
  validation: PathValidation,
  material: PathMaterial,
  revocation: RevocationMode,
): Report {
  const { text, json } = validation.valid
    ? valid(validation, revocation)
    : invalid(validation, material);
  return {
    text: [...text, ''].join('\n'),
    json: { valid: validation.valid, ...json },
    failed: !validation.valid,
  };
}

function valid({ path, policies }: PathValidation & { valid: true }, revocation: RevocationMode) {
  const roles = path.map((_, i): Role =>
    i === 0 ? 'leaf' : i === path.length - 1 ? 'anchor' : 'intermediate',
  );
  const width = Math.max(...roles.map(({ length }) => length));
  const rows = path.map(({ notAfter, subjectDn }, i): Row => {
    const label = `${roles[i]!.padEnd(width)}  until ${notAfter.toISOString().slice(0, 10)}`;
    return [label, subjectText(subjectDn)];
  });
  const title =
    path.length === 1
      ? 'Valid: it is itself one of those that are trusted.'
      : 'Valid: a path leads to a CA that is trusted.';
  return {
    text: [
      title,
      '',
      ...columns(rows, lineWidth),
      '',
      ...wrapped(`Policies: ${policyText(policies)}. ${revocationTexts[revocation]}`),
    ],
    json: {
      path: path.map((certificate, i) => ({ role: roles[i], ...summary(certificate) })),
      policies,
      revocation,
    },
  };
}

function invalid(
  { code, reason, certificate }: PathValidation & { valid: false },
  material: PathMaterial,
) {
  const { role, file } = placeOf(certificate, material);
  const rows: Row[] = [
    ['code', code],
    ['which', `${roleWords[role]}, from ${file}`],
  ];
  if (certificate !== undefined) {
    rows.push(
      ['subject', subjectText(certificate.subjectDn)],
      ['issuer', plain(certificate.issuerDn)],
      ['from', moment(certificate.notBefore)],
      ['until', moment(certificate.notAfter)],
      ['serial', certificate.serialNumber],
    );
  }
  const unreadable = unreadableIn(material);
  return {
    text: [
      ...wrapped(`Not valid: ${reason}.`),
      '',
      ...columns(rows, lineWidth),
      ...(unreadable.length === 0 ? [] : ['']),
      ...unreadable.flatMap((one) => wrapped(`Left out, from ${one.file}: ${one.reason}.`)),
    ],
    json: {
      code,
      reason,
      certificate: { role, file, ...(certificate !== undefined && summary(certificate)) },
      unreadable,
    },
  };
}

/** What could not be read may have been the missing piece. Nobody here can mend those of Node.js. */
function unreadableIn({ intermediates, anchors }: PathMaterial) {
  return [...intermediates, ...anchors].flatMap(({ file, fault }) =>
    fault === undefined || file === systemName ? [] : [{ file, reason: fault.message }],
  );
}

const roleWords: Readonly<Record<Role, string>> = {
  leaf: 'the leaf',
  intermediate: 'a CA in between',
  anchor: 'a trusted CA',
};

/** Without a certificate it is the leaf, which could not be read. */
function placeOf(
  certificate: Certificate | undefined,
  { leaf, intermediates, anchors }: PathMaterial,
): { readonly role: Role; readonly file: string } {
  const isIt = ({ der }: FileEntry) =>
    certificate !== undefined && Buffer.compare(der, certificate.der) === 0;
  const { file } = leaf;
  if (certificate === undefined || isIt(leaf)) return { role: 'leaf', file };
  const anchor = anchors.find(isIt);
  if (anchor !== undefined) return { role: 'anchor', file: anchor.file };
  return { role: 'intermediate', file: intermediates.find(isIt)?.file ?? file };
}

function summary(certificate: Certificate) {
  return {
    subject: certificate.subjectDn,
    issuer: certificate.issuerDn,
    serialNumber: certificate.serialNumber,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    ...thumbprints(certificate.der),
  };
}

function policyText(policies: readonly string[]): string {
  if (policies.includes(anyPolicy)) return 'any';
  return policies.length === 0 ? 'none' : policies.map(policyWords).join(', ');
}

const revocationTexts: Readonly<Record<RevocationMode, string>> = {
  require: 'Nothing below the anchor is revoked.',
  prefer: 'Nothing below the anchor is known to be revoked.',
  off: 'Revocation was not checked.',
};

function subjectText(subjectDn: string): string {
  return subjectDn === '' ? '(empty)' : plain(subjectDn);
}
