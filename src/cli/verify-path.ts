import { suggestion } from '../options.ts';
import { validatePath, type ValidatePathOptions } from '../validate-path.ts';
import type { RevocationMode } from '../x509/path/revocation.ts';
import { readReferenceName, type ReferenceName } from '../x509/reference-name.ts';
import {
  readCertificateFile,
  readCertificateFiles,
  systemAnchors,
  type FileEntry,
} from './certificate-file.ts';
import { UsageError, type Command, type Input } from './command.ts';
import { pathReport } from './path-report.ts';
import { readAllBlocks } from './pem-file.ts';

/** `countersign verify-path`: whether a path leads from a certificate to a CA that is trusted. */
export const verifyPath: Command = {
  name: 'verify-path',
  summary: 'Tell whether a certificate has a valid path to a trusted CA, and why if not.',
  operands: ['file'],
  options: {
    anchors: {
      value: 'file',
      multiple: true,
      help: 'CAs that are trusted: a file, or a directory of files.',
    },
    system: { help: 'Trust the public CAs that Node.js brings along.' },
    intermediates: {
      value: 'file',
      multiple: true,
      help: 'CAs that may stand in between: a file, or a directory of files.',
    },
    crl: { value: 'file', multiple: true, help: 'CRLs: a file, or a directory of files.' },
    revocation: {
      value: 'mode',
      help:
        'What an unknown state of revocation means: not valid (require, the default with --crl), ' +
        'or nothing (prefer).',
    },
    purpose: { value: 'for', help: 'client, server or any (the default).' },
    at: { value: 'time', help: 'When it must be valid: 2026-01-31T12:00:00Z, for example (now).' },
    dns: { value: 'name', multiple: true, help: 'A DNS name to look for.' },
    ip: { value: 'address', multiple: true, help: 'An IP address to look for.' },
    email: { value: 'address', multiple: true, help: 'A mail address to look for.' },
    uri: { value: 'uri', multiple: true, help: 'A URI to look for, a SPIFFE ID for example.' },
    policy: { value: 'oid', multiple: true, help: 'A policy that is acceptable (all are).' },
    'explicit-policy': { help: 'Insist on a policy that is acceptable.' },
    'max-depth': { value: 'n', help: 'How many CAs may stand in between (10).' },
    profile: { value: 'profile', help: 'rfc5280 (the default), or webpki, as browsers have it.' },
  },
  notes:
    'The first certificate in <file> is the one in question, further ones may stand in between; ' +
    '- is standard input. Of the names to look for, it must carry one. ' +
    'Exit code 0 means valid, 1 not valid, 2 no answer.',
  async run(input) {
    const options = optionsOf(input);
    const revocation = revocationOf(input);
    if (!input.has('anchors') && !input.has('system')) {
      throw new UsageError('which CAs are trusted? Give --anchors=<file>, or --system');
    }
    const [leaf, ...besides] = await readCertificateFile(input.operands[0]!);
    const intermediates = [...besides, ...(await readAll(input.values('intermediates')))];
    const anchors = await readAll(input.values('anchors'));
    if (input.has('system')) anchors.push(...systemAnchors());
    const crls: Uint8Array[] = [];
    for (const path of input.values('crl')) {
      for (const { blocks } of await readAllBlocks(path, 'X509 CRL')) crls.push(...blocks);
    }
    const validation = await validatePath({
      ...options,
      leaf: leaf!.der,
      intermediates: readable(intermediates),
      trustAnchors: readable(anchors),
      crls,
      revocation,
    });
    return pathReport(validation, { leaf: leaf!, intermediates, anchors }, revocation);
  },
};

function revocationOf(input: Input): RevocationMode {
  if (input.has('crl')) {
    return oneOf('--revocation', input.value('revocation') ?? 'require', ['require', 'prefer']);
  }
  // Without a list nothing is known of anything.
  if (input.has('revocation')) throw new UsageError('--revocation needs CRLs: --crl=<file>');
  return 'off';
}

async function readAll(paths: readonly string[]): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for (const path of paths) entries.push(...(await readCertificateFiles(path)));
  return entries;
}

// Left in, one odd CA among hundreds would be the reason given for every path that is none.
function readable(entries: readonly FileEntry[]): readonly Uint8Array[] {
  return entries.flatMap(({ der, fault }) => (fault === undefined ? [der] : []));
}

type Rules = Pick<
  ValidatePathOptions,
  'at' | 'purpose' | 'names' | 'maxDepth' | 'policies' | 'profile'
>;

function optionsOf(input: Input): Rules {
  const at = input.value('at');
  const purpose = input.value('purpose') ?? 'any';
  const profile = input.value('profile') ?? 'rfc5280';
  const names = namesOf(input);
  const initial = input.values('policy').map(oid);
  return {
    purpose: purposes[oneOf('--purpose', purpose, Object.keys(purposes))]!,
    profile: oneOf('--profile', profile, ['rfc5280', 'webpki'] as const),
    maxDepth: maxDepthOf(input.value('max-depth') ?? '10'),
    policies: {
      requireExplicit: input.has('explicit-policy'),
      ...(initial.length > 0 && { initial }),
    },
    ...(at !== undefined && { at: instant(at) }),
    ...(names.length > 0 && { names }),
  };
}

const purposes: Readonly<Record<string, NonNullable<ValidatePathOptions['purpose']>>> = {
  client: 'clientAuth',
  server: 'serverAuth',
  any: 'any',
};

function namesOf(input: Input): readonly ReferenceName[] {
  const named = (option: string, name: (text: string) => ReferenceName) =>
    input.values(option).map((text) => readReferenceName(`--${option}`, name(text)));
  return [
    ...named('dns', (dnsName) => ({ dnsName })),
    ...named('ip', (ip) => ({ ip })),
    ...named('email', (email) => ({ email })),
    ...named('uri', (uri) => ({ uri })),
  ];
}

function oneOf<Value extends string>(
  option: string,
  given: string,
  known: readonly Value[],
): Value {
  const found = known.find((one) => one === given);
  if (found !== undefined) return found;
  throw new UsageError(`${option}: no ${JSON.stringify(given)}.${suggestion(given, known)}`);
}

function oid(text: string): string {
  if (/^[0-2](\.(0|[1-9]\d*))+$/.test(text)) return text;
  throw new UsageError('--policy must be an OID, such as 1.2.3.4');
}

function maxDepthOf(text: string): number {
  if (/^(1?\d|20)$/.test(text)) return Number(text);
  throw new UsageError('--max-depth must be a whole number from 0 to 20');
}

/** Only what means the same instant to everybody: a time without its zone would not. */
function instant(text: string): Date {
  const date = new Date(text);
  const isComplete = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  if (isComplete && !Number.isNaN(date.getTime())) return date;
  throw new UsageError('--at must be a time with its zone, such as 2026-01-31T12:00:00Z');
}
