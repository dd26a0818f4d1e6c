import { ConfigError, quote } from '../errors.ts';
import type { ClientMethod } from '../method.ts';

/** The methods of a client, by where they live. */
export interface ClientMethods {
  readonly channel: ClientMethod | undefined;
  readonly message: readonly ClientMethod[];
}

/**
 * @param proven whether every response is proven anyway, by `server.proof`
 * @throws ConfigError for methods that are none, or that cannot work together
 */
export function readMethods(given: unknown, proven: boolean): ClientMethods {
  if (!Array.isArray(given) || given.length === 0) {
    throw new ConfigError('methods', 'must hold at least one, as mtlsClient({ cert, key })');
  }
  const methods = given as readonly ClientMethod[];
  const names = new Set<string>();
  methods.forEach((method, index) => {
    const path = `methods[${index}]`;
    checkMethod(path, method, proven);
    if (names.has(method.name)) {
      throw new ConfigError(
        path,
        `is a second ${method.name}; keep one, or create a second client`,
      );
    }
    names.add(method.name);
  });
  const [channel, second] = methods.filter((method) => method.credentials !== undefined);
  if (second !== undefined) {
    throw new ConfigError('methods', 'two of them hold TLS credentials; a handshake presents one');
  }
  return { channel, message: methods.filter(livesInMessage) };
}

function checkMethod(path: string, method: ClientMethod | undefined, proven: boolean): void {
  if (typeof method !== 'object' || method === null || typeof method.name !== 'string') {
    throw new ConfigError(path, 'is no method; give what mtlsClient(...) and its like return');
  }
  const { name, credentials, present, confirm } = method;
  for (const verb of [credentials, present, confirm]) {
    if (verb !== undefined && typeof verb !== 'function') {
      throw new ConfigError(
        path,
        'has a verb that is no function; leave out those it does not know',
      );
    }
  }
  if (credentials === undefined && !livesInMessage(method)) {
    throw new ConfigError(
      path,
      'presents nothing; give it `credentials`, or `present` and `confirm`',
    );
  }
  // Without proof of the server, anyone in between may take what is presented.
  if (present !== undefined && confirm === undefined && !proven) {
    throw new ConfigError(
      path,
      `${quote(name)} has \`present\` and no \`confirm\`, and the server must prove itself too; ` +
        'give `server.proof: { keys: [{ keyId, key }] }`, the keys that it signs its responses with',
    );
  }
  if (livesInMessage(method) && (name === 'mtls' || name === 'proof')) {
    const whose = name === 'mtls' ? 'the evidence of the connection' : 'what `server.proof` finds';
    throw new ConfigError(path, `is called ${name}, as ${whose}; name it otherwise`);
  }
}

function livesInMessage({ present, confirm }: ClientMethod): boolean {
  return present !== undefined || confirm !== undefined;
}
