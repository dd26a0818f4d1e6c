import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { PkiDirectory } from '../pki/pki-directory.ts';
import { UsageError, type Command } from './command.ts';
import { columns } from './layout.ts';

const defaultDirectory = '.countersign/keys';

const algorithms = ['ed25519', 'ecdsa-p256-sha256', 'ecdsa-p384-sha384'] as const;

type Algorithm = (typeof algorithms)[number];

/** `countersign keys new`: what a client and a service need to sign for each other. */
export const keysNew: Command = {
  name: 'keys new',
  summary: 'Make the keys with which a client and a service sign for each other.',
  operands: ['client', 'server'],
  options: {
    algorithm: { value: 'name', help: `One of ${algorithms.join(', ')} (the first).` },
    shared: { help: 'Let the client have a secret that the service knows too, not a key pair.' },
    dir: { value: 'dir', help: `Where the files go (${defaultDirectory}).` },
  },
  notes:
    '<client> and <server> name the keys and their files. Keys of a service that are there already are ' +
    'kept, so that further clients can be added. Private keys and secrets are not encrypted: give each ' +
    'only to the side that it is for.',
  run(input) {
    const [client = '', server = ''] = input.operands;
    checkName(client);
    checkName(server);
    if (client === server) throw new UsageError('<client> and <server> must have different names');
    const algorithm = (input.value('algorithm') ?? algorithms[0]) as Algorithm;
    if (!algorithms.includes(algorithm)) {
      throw new UsageError(`--algorithm must be one of ${algorithms.join(', ')}`);
    }
    const directory = new PkiDirectory(input.value('dir') ?? defaultDirectory);
    const shared = input.has('shared');
    for (const file of [`${client}.key`, `${client}.pub`, `${client}.secret`]) {
      if (!directory.has(file)) continue;
      throw new Error(`${shown(directory, file)} exists; nothing was changed`);
    }
    directory.create();
    const own = shared ? writeSecret(directory, client) : writePair(directory, client, algorithm);
    const service = directory.has(`${server}.key`)
      ? pairOf(server)
      : writePair(directory, server, algorithm);
    const forClient = [own.secret, service.open];
    const forService = [service.secret, own.open];
    return {
      text: [
        `Made keys for ${client} and ${server}. They are not encrypted.`,
        '',
        ...columns([
          ['for the client', forClient.map((file) => shown(directory, file)).join(' ')],
          ['for the service', forService.map((file) => shown(directory, file)).join(' ')],
        ]),
        '',
        'The client:',
        `  signatureClient({ keyId: '${client}', key: ${reading(own.secret)} })`,
        `  server: { proof: { keys: [{ keyId: '${server}', key: ${reading(service.open)} }] } }`,
        'The service:',
        `  signature({ keys: [{ keyId: '${client}', key: ${reading(own.open)} }] })`,
        `  signedResponses({ keyId: '${server}', key: ${reading(service.secret)} })`,
        '',
      ].join('\n'),
      json: {
        client: forClient.map((file) => directory.file(file)),
        server: forService.map((file) => directory.file(file)),
      },
    };
  },
};

/** The files of one side: what it keeps, and what it gives to the other. */
interface Files {
  readonly secret: string;
  readonly open: string;
}

function pairOf(name: string): Files {
  return { secret: `${name}.key`, open: `${name}.pub` };
}

function writePair(directory: PkiDirectory, name: string, algorithm: Algorithm): Files {
  const { privateKey, publicKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', {
          namedCurve: algorithm === 'ecdsa-p256-sha256' ? 'prime256v1' : 'secp384r1',
        });
  const files = pairOf(name);
  directory.write(
    files.secret,
    privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    0o600,
  );
  directory.write(files.open, publicKey.export({ type: 'spki', format: 'pem' }) as string, 0o644);
  return files;
}

function writeSecret(directory: PkiDirectory, name: string): Files {
  const file = `${name}.secret`;
  directory.write(file, `${randomBytes(32).toString('base64')}\n`, 0o600);
  return { secret: file, open: file };
}

/** The expression that reads a file, as a program has it. */
function reading(file: string): string {
  return file.endsWith('.secret') ? `Buffer.from(read('${file}'), 'base64')` : `read('${file}')`;
}

function shown(directory: PkiDirectory, file: string): string {
  return relative('', directory.file(file));
}

// The name of a file, and of a key: signatures carry it, and shells must not read anything into it.
function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return;
  throw new UsageError(
    `${JSON.stringify(name)} is no name for a key; use letters, digits, dots, _ and -`,
  );
}
