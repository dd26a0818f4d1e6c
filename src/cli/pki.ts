import { relative } from 'node:path';
import { revocationReasons, type RevocationReason } from '../pki/crl-writer.ts';
import {
  createPki,
  openPki,
  type CreatePkiOptions,
  type DevelopmentCertificate,
  type DevelopmentPki,
} from '../pki/development-pki.ts';
import type { CertificateUsage, DevelopmentIssueOptions } from '../pki/development-request.ts';
import type { CertificateRecord } from '../pki/pki-index.ts';
import type { KeyType } from '../pki/signing.ts';
import { UsageError, type Command, type Input, type Option, type Report } from './command.ts';
import { columns } from './layout.ts';

const defaultDirectory = '.countersign/pki';

const dir: Option = { value: 'dir', help: `Where the PKI lies (${defaultDirectory}).` };
const keyType: Option = {
  value: 'type',
  help: 'ec-p256 (the default), ec-p384, ec-p521, ed25519, rsa-2048, rsa-3072 or rsa-4096.',
};

const init: Command = {
  name: 'pki init',
  summary: 'Make an authority for development. Its key is not protected: not for production.',
  operands: [],
  options: {
    name: { value: 'text', help: 'The name of the authority (countersign development CA).' },
    days: { value: 'n', help: 'How long it is valid, in days (3650).' },
    'key-type': keyType,
    dir,
  },
  run(input) {
    const pki = createPki(
      directoryOf(input),
      given<CreatePkiOptions>({
        name: input.value('name'),
        days: daysOf(input),
        keyType: input.value('key-type') as KeyType | undefined,
      }),
    );
    const at = input.has('dir') ? ` --dir ${directoryOf(input)}` : '';
    return {
      text: lines(
        'Made an authority for development. Its key is not protected: not for production.',
        '',
        ...columns([
          ['certificate', shown(pki.certFile)],
          ['revocations', shown(pki.crlFile)],
        ]),
        '',
        'Next:',
        `  countersign pki issue api --dns localhost --ip 127.0.0.1 --server${at}`,
        `  countersign pki issue alice --email alice@example.com --client${at}`,
      ),
      json: { path: pki.path, certFile: pki.certFile, crlFile: pki.crlFile },
    };
  },
};

const issue: Command = {
  name: 'pki issue',
  summary: 'Issue a certificate, with a new key.',
  operands: ['name'],
  options: {
    dns: { value: 'name', multiple: true, help: 'A DNS name.' },
    ip: { value: 'address', multiple: true, help: 'An IP address.' },
    email: { value: 'address', multiple: true, help: 'A mail address.' },
    uri: { value: 'uri', multiple: true, help: 'A URI.' },
    spiffe: { value: 'id', help: 'A SPIFFE ID, spiffe://domain/path.' },
    upn: { value: 'name', multiple: true, help: 'A user principal name, as on smart cards.' },
    server: { help: 'For servers.' },
    client: { help: 'For clients. Neither of the two means both.' },
    days: { value: 'n', help: 'How long it is valid, in days (90).' },
    'key-type': keyType,
    dir,
  },
  notes:
    '<name> names the files <name>.pem and <name>.key, and is a label in the certificate. ' +
    'Peers go by the names that the options give; at least one is needed.',
  run(input) {
    const [name = ''] = input.operands;
    const pki = opened(input);
    const certificate = pki.issue(
      name,
      given<DevelopmentIssueOptions>({
        dnsNames: input.values('dns'),
        ips: input.values('ip'),
        emails: input.values('email'),
        uris: input.values('uri'),
        upns: input.values('upn'),
        spiffeId: input.value('spiffe'),
        usage: usageOf(input),
        days: daysOf(input),
        keyType: input.value('key-type') as KeyType | undefined,
      }),
    );
    return certificateReport('Issued', pki, certificate);
  },
};

const renew: Command = {
  name: 'pki renew',
  summary: 'Replace a certificate by one with the same names, a new key and new dates.',
  operands: ['name'],
  options: { days: { value: 'n', help: 'How long it is valid, in days (as before).' }, dir },
  notes:
    'The certificate before stays good until its end. Revoke it by its serial number if need be.',
  run(input) {
    const [name = ''] = input.operands;
    const pki = opened(input);
    return certificateReport('Renewed', pki, pki.renew(name, given({ days: daysOf(input) })));
  },
};

const revoke: Command = {
  name: 'pki revoke',
  summary: 'Revoke all certificates of a name, or one by its serial number.',
  operands: ['name-or-serial'],
  options: {
    reason: { value: 'reason', help: `One of ${Object.keys(revocationReasons).join(', ')}.` },
    dir,
  },
  run(input) {
    const [nameOrSerial = ''] = input.operands;
    const pki = opened(input);
    const reason = input.value('reason') as RevocationReason | undefined;
    const revoked = pki.revoke(nameOrSerial, given({ reason }));
    return {
      text: lines(
        ...revoked.map(
          ({ name, serialNumber }) => `Revoked ${name}, serial number ${serialNumber}.`,
        ),
        '',
        `Services learn it from ${shown(pki.crlFile)}.`,
      ),
      json: { revoked, crlFile: pki.crlFile },
    };
  },
};

/** `countersign pki ...`: the development PKI. */
export const pkiCommands: readonly Command[] = [init, issue, renew, revoke];

function certificateReport(
  verb: string,
  pki: DevelopmentPki,
  { record, certFile, keyFile }: DevelopmentCertificate,
): Report {
  const { certFile: caFile } = pki;
  const json = { ...record, certFile, keyFile, caFile };
  const text = lines(
    `${verb} ${record.name} for ${namesOf(record).join(', ')}.`,
    '',
    ...columns([
      ['certificate', shown(certFile)],
      ['private key', shown(keyFile)],
      ['authority', shown(caFile)],
      ['used as', record.usage.map((usage) => usage.replace('Auth', '')).join(', ')],
      ['valid until', record.notAfter.slice(0, 10)],
      ['serial', record.serialNumber],
    ]),
    ...(record.usage.includes('serverAuth') ? serverHint(certFile, keyFile, caFile) : []),
    ...(record.usage.includes('clientAuth') ? clientHint(certFile, keyFile, caFile) : []),
  );
  return { text, json };
}

function serverHint(cert: string, key: string, ca: string): string[] {
  return [
    '',
    'A server whose application begins with mutualAuth(); read is (file) => readFileSync(file):',
    `  createServer({ cert: read('${shown(cert)}'), key: read('${shown(key)}'),`,
    `    ca: read('${shown(ca)}'), requestCert: true, rejectUnauthorized: false }, app)`,
  ];
}

function clientHint(cert: string, key: string, ca: string): string[] {
  return [
    '',
    'A client:',
    `  curl --cert ${shown(cert)} --key ${shown(key)} --cacert ${shown(ca)} https://...`,
  ];
}

function namesOf({ names }: CertificateRecord): readonly string[] {
  const { dnsNames = [], ips = [], spiffeId, uris = [], emails = [], upns = [] } = names;
  return [
    ...dnsNames,
    ...ips,
    ...(spiffeId === undefined ? [] : [spiffeId]),
    ...uris,
    ...emails,
    ...upns,
  ];
}

function opened(input: Input): DevelopmentPki {
  return openPki(directoryOf(input));
}

function directoryOf(input: Input): string {
  return input.value('dir') ?? defaultDirectory;
}

function usageOf(input: Input): readonly CertificateUsage[] | undefined {
  const chosen: CertificateUsage[] = [];
  if (input.has('client')) chosen.push('clientAuth');
  if (input.has('server')) chosen.push('serverAuth');
  return chosen.length === 0 ? undefined : chosen;
}

function daysOf(input: Input): number | undefined {
  const text = input.value('days');
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError('--days must be a whole number');
  return Number(text);
}

/** The options that were given: those that were not must be absent, not undefined. */
function given<Options extends object>(options: {
  [Name in keyof Options]: Options[Name] | undefined;
}): Options {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Options;
}

function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') ? file : path;
}

function lines(...items: readonly string[]): string {
  return [...items, ''].join('\n');
}
