import { relative } from 'node:path';
import { revocationReasons, type RevocationReason } from '../pki/crl-writer.ts';
import {
  createPki,
  openPki,
  type DevelopmentCertificate,
  type DevelopmentPki,
} from '../pki/development-pki.ts';
import type { CertificateUsage } from '../pki/development-request.ts';
import type { CertificateRecord } from '../pki/pki-index.ts';
import type { KeyType } from '../pki/signing.ts';
import { UsageError, type Command, type Input, type Report, type Option } from './command.ts';
import { columns } from './help.ts';

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
    const pki = createPki(input.value('dir') ?? defaultDirectory, {
      ...one(input, 'name', 'name'),
      ...days(input),
      ...keyTypeOf(input),
    });
    const at = flag(input);
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
    '<name> names the files <name>.pem and <name>.key, and is a label in the certificate. Peers go by\n' +
    'the names that the options give; at least one is needed.',
  run(input) {
    const [name = ''] = input.operands;
    const pki = opened(input);
    const certificate = pki.issue(name, {
      dnsNames: input.values('dns'),
      ips: input.values('ip'),
      emails: input.values('email'),
      uris: input.values('uri'),
      upns: input.values('upn'),
      ...one(input, 'spiffe', 'spiffeId'),
      ...usage(input),
      ...days(input),
      ...keyTypeOf(input),
    });
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
    return certificateReport('Renewed', pki, pki.renew(name, days(input)));
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
    const revoked = pki.revoke(nameOrSerial, reason === undefined ? {} : { reason });
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
      ['used as', record.usage.map((one) => one.replace('Auth', '')).join(', ')],
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
    'A server, with read = (file) => readFileSync(file):',
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
  const path = input.value('dir') ?? defaultDirectory;
  return openPki(path);
}

function usage(input: Input): { usage?: CertificateUsage[] } {
  const chosen: CertificateUsage[] = [];
  if (input.has('client')) chosen.push('clientAuth');
  if (input.has('server')) chosen.push('serverAuth');
  return chosen.length === 0 ? {} : { usage: chosen };
}

function days(input: Input): { days?: number } {
  const text = input.value('days');
  if (text === undefined) return {};
  if (!/^\d+$/.test(text)) throw new UsageError('--days must be a whole number');
  return { days: Number(text) };
}

function keyTypeOf(input: Input): { keyType?: KeyType } {
  const keyType = input.value('key-type');
  return keyType === undefined ? {} : { keyType: keyType as KeyType };
}

function one<Name extends string>(
  input: Input,
  option: string,
  name: Name,
): { [N in Name]?: string } {
  const value = input.value(option);
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: string };
}

function flag(input: Input): string {
  const dir = input.value('dir');
  return dir === undefined ? '' : ` --dir ${dir}`;
}

function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') ? file : path;
}

function lines(...items: readonly string[]): string {
  return [...items, ''].join('\n');
}
