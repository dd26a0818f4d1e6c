// A client that asks for signed responses, and confirms each from nothing but what came over the wire. What a
// signature must cover is written out here once more: what the service says of that counts for nothing.
import assert from 'node:assert/strict';
import { type KeyObject, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { type RequestOptions, request as httpsRequest } from 'node:https';
import { type IncomingHttpHeaders, connect as connectHttp2 } from 'node:http2';
import {
  type SignatureAlgorithm,
  type VerificationKey,
  checkDigest,
  parseAcceptSignature,
  verifyMessage,
} from 'countersign/signature';

export const signingPair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } =
  generateKeyPairSync('ed25519');

/** What a test sends; `host` is that of the service where it says no other. */
export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What TLS is spoken with. @defaultValue none is spoken */
  readonly tls?: RequestOptions;
}

type Pairs = readonly (readonly [name: string, value: string])[];

/** One response as it came, with the request that it answers. */
export interface Answered {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly status: number;
  readonly headers: Pairs;
  readonly trailers: Pairs;
  readonly content: Buffer;
}

/** The authority that services of tests answer to, whatever their port. */
export const authority = 'api.bank.example';

export function acceptSignature(nonce = randomBytes(16).toString('base64url')): string {
  return `cs=();created;nonce="${nonce}";tag="countersign-response"`;
}

export const seesTrailers = { te: 'trailers', connection: 'te' } as const;

function fieldsOf({ headers = {}, body }: Asked): Record<string, string> {
  return {
    host: authority,
    'accept-signature': acceptSignature(),
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
}

/** One request of HTTP/1.1. */
export async function ask(port: number, asked: Asked = {}): Promise<Answered> {
  const { method = 'GET', path = '/', body } = asked;
  const headers = fieldsOf(asked);
  const options = { port, host: '127.0.0.1', method, path, headers, agent: false };
  const outgoing =
    asked.tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...asked.tls });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    request: {
      method,
      url: `${asked.tls === undefined ? 'http' : 'https'}://${headers['host']!}${path}`,
      headers,
    },
    status: incoming.statusCode!,
    headers: pairsOf(incoming.rawHeaders),
    trailers: pairsOf(incoming.rawTrailers),
    content: Buffer.concat(chunks),
  };
}

/** One request of HTTP/2, without TLS. */
export async function askHttp2(port: number, asked: Asked = {}): Promise<Answered> {
  const { method = 'GET', path = '/', body } = asked;
  const { host: _host, connection: _connection, ...headers } = fieldsOf(asked);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ...headers,
      ':method': method,
      ':path': path,
      ':authority': authority,
    });
    stream.end(body);
    let trailers: Pairs = [];
    stream.on('trailers', (fields: IncomingHttpHeaders) => (trailers = pairsFrom(fields)));
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return {
      request: { method, url: `http://${authority}${path}`, headers },
      status: Number(head[':status']),
      headers: pairsFrom(head),
      trailers,
      content: Buffer.concat(chunks),
    };
  } finally {
    session.destroy();
  }
}

export function pairsOf(raw: readonly string[]): Pairs {
  return raw.flatMap((name, i) =>
    i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1]!] as const] : [],
  );
}

function pairsFrom(fields: IncomingHttpHeaders): Pairs {
  return Object.entries(fields)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value ?? ''].flat().map((line) => [name, line] as const));
}

/** The value of a field of the head, lines joined. */
export function field({ headers }: Answered, name: string): string | undefined {
  const lines = headers.filter(([given]) => given === name).map(([, value]) => value);
  return lines.length === 0 ? undefined : lines.join(', ');
}

const covered = [
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'etag',
  'last-modified',
  'location',
  'retry-after',
  'www-authenticate',
  'authentication-info',
  'access-control-allow-origin',
  'access-control-allow-credentials',
];

/** How the content of a response is proven. */
export type ProvenContent = 'in the head' | 'in trailers' | 'not at all' | 'it has none';

export interface Confirmed {
  readonly content: ProvenContent;
  readonly keyid: string | undefined;
}

/**
 * Confirms a response as a client has to, and says how its content is proven.
 *
 * @throws whatever is wrong with it
 */
export function confirm(answered: Answered, options: Partial<VerificationKey> = {}): Confirmed {
  const key: VerificationKey = {
    algorithm: options.algorithm ?? ('ed25519' satisfies SignatureAlgorithm),
    key: options.key ?? signingPair.publicKey,
  };
  const { request, status, headers, trailers, content } = answered;
  const has = (name: string): boolean => field(answered, name) !== undefined;
  const required = [
    '@status',
    ...covered.filter(has),
    ...(has('set-cookie') ? ['set-cookie;bs'] : []),
    ...['@method', '@authority', '@path', '@query'].map((name) => `${name};req`),
    ...['content-type', 'content-encoding', 'content-digest', 'authorization', 'dpop']
      .filter((name) => name in request.headers)
      .map((name) => `${name};req`),
  ];
  const message = { status, headers, trailers, request };
  const tag = 'countersign-response';
  const wanted = parseAcceptSignature(request.headers['accept-signature'] ?? '').find(
    (one) => one.tag === tag,
  );
  const check = (more: readonly string[], section: 'headers' | 'trailers') => {
    const { parameters, label } = verifyMessage(message, {
      key: () => key,
      required: [...required, ...more],
      tag,
      section,
    });
    assert.equal(parameters.nonce, wanted?.nonce);
    assert.equal(label, wanted?.label ?? 'cs');
    assert.ok(Math.abs(Date.now() / 1000 - parameters.created!) < 60);
    return parameters.keyid;
  };
  const isEmpty = request.method === 'HEAD' || status === 204 || status === 304;
  if (isEmpty) {
    assert.equal(content.length, 0);
    return { content: 'it has none', keyid: check([], 'headers') };
  }
  if (has('content-digest')) {
    const keyid = check(['content-digest'], 'headers');
    checkDigest(field(answered, 'content-digest')!, content);
    return { content: 'in the head', keyid };
  }
  const keyid = check([], 'headers');
  const digest = trailers.find(([name]) => name === 'content-digest')?.[1];
  if (digest === undefined) return { content: 'not at all', keyid };
  assert.equal(check(['content-digest;tr'], 'trailers'), keyid);
  checkDigest(digest, content);
  return { content: 'in trailers', keyid };
}
