import { pem } from '../pki/pem.ts';
import { readCertificateFile } from './certificate-file.ts';
import { UsageError, type Command, type Input } from './command.ts';
import { forgedField, knownFields, type ForgedField } from './forge/fields.ts';
import { forge } from './forge/forge.ts';
import { forgeReport } from './forge/report.ts';
import type { Target } from './forge/send.ts';

/** `countersign doctor`: whether a deployed service refuses what it must refuse. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Try whether a service behind a proxy believes forged certificate fields.',
  operands: ['url'],
  options: {
    forge: { help: 'Send forged, duplicate and twin certificate fields.' },
    field: {
      value: 'name',
      multiple: true,
      help: 'A field to forge, in the place of those that proxies are known to write.',
    },
    cert: {
      value: 'file',
      help: 'A client certificate that the service accepts, to be copied into the fields.',
    },
    ca: { value: 'file', help: 'CAs of the server (those that Node.js brings along).' },
  },
  notes:
    '<url> must ask for a certificate, and TLS must leave it optional: each request is a GET without one. ' +
    'Exit code 0 means that each was refused and that no field got past the proxy under its own name, 1 that ' +
    'one did or that nothing could be told, 2 a wrong call.',
  async run(input) {
    const target = await targetOf(input);
    const fields = fieldsOf(input.values('field'));
    const certificate = await certificateOf(input.value('cert'));
    return forgeReport(await forge(target, fields, certificate), {
      hasCertificate: certificate !== undefined,
      hasFields: input.has('field'),
    });
  },
};

async function targetOf(input: Input): Promise<Target> {
  const text = input.operands[0]!;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError('<url> must be one, such as https://api.example.com/me');
  }
  if (!input.has('forge')) {
    throw new UsageError('what shall it try? Give --forge, for forged certificate fields');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('<url> must have no user name and no password: no request says who it is');
  }
  const file = input.value('ca');
  if (file !== undefined && url.protocol === 'http:') {
    throw new UsageError('--ca is for https; <url> is http');
  }
  const entries = file === undefined ? undefined : await readCertificateFile(file);
  return { url, ca: entries?.map(({ der }) => pem('CERTIFICATE', der)), timeoutMs: 10_000 };
}

/** Fields that every request has, or that say where it ends. */
const otherwiseUsed: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'transfer-encoding',
]);

function fieldsOf(names: readonly string[]): readonly ForgedField[] {
  if (names.length === 0) return knownFields();
  const lower = names.map((name) => name.toLowerCase());
  for (const name of lower) {
    if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !otherwiseUsed.has(name)) continue;
    throw new UsageError('--field must be the name of a certificate field, such as client-cert');
  }
  return [...new Set(lower)].map(forgedField);
}

/** The first of a file, if it is one that somebody could believe today. */
async function certificateOf(file: string | undefined): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined;
  const { der, certificate, fault } = (await readCertificateFile(file))[0]!;
  if (fault !== undefined) throw new UsageError(`--cert cannot be read: ${fault.message}`);
  const now = new Date();
  if (now < certificate.notBefore || now > certificate.notAfter) {
    throw new UsageError('--cert is not valid now, so nobody would believe a copy of it');
  }
  return der;
}
