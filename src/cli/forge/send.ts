// One request over a connection of its own, exactly as it is said. Only the status is read: redirects are
// not followed, and the content is thrown away.
import { request as requestHttp, type ClientRequest, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FieldLine } from '../../exchange.ts';

export interface Target {
  readonly url: URL;
  /** CAs of the server in PEM; undefined for those that Node.js brings along. */
  readonly ca: readonly string[] | undefined;
  /** For a request and its answer together. */
  readonly timeoutMs: number;
}

/** What came back, or why nothing did. */
export type Answer =
  | { readonly status: number; readonly reason?: never }
  | { readonly status?: never; readonly reason: string };

/** More of an answer is of no use to anybody here. */
const maxContent = 65_536;

/** Sends a GET request without a client certificate. Does not reject. */
export function send(target: Target, lines: readonly FieldLine[]): Promise<Answer> {
  return new Promise((resolve) => {
    const sent = requestTo(target, lines);
    let answer: Answer = { reason: 'the connection was closed without an answer' };
    sent.once('response', (response) => {
      answer = { status: response.statusCode! };
      let size = 0;
      response.on('data', (chunk: Uint8Array) => {
        size += chunk.length;
        if (size > maxContent) sent.destroy();
      });
    });
    sent.on('error', (error) => {
      // What is cut off after its head was an answer all the same.
      if (answer.status === undefined) answer = { reason: reasonOf(error, sent, target) };
    });
    sent.once('close', () => resolve(answer));
    sent.end();
  });
}

function requestTo({ url, ca, timeoutMs }: Target, lines: readonly FieldLine[]): ClientRequest {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // One line: a second one would be refused for being a second one.
  const connection = lines.flatMap(([name, value]) => (name === 'connection' ? [value] : []));
  const fields: readonly FieldLine[] = [
    ['Host', url.host],
    ['User-Agent', 'countersign-doctor'],
    ['Accept', '*/*'],
    ['Connection', ['close', ...connection].join(', ')],
    ...lines.filter(([name]) => name !== 'connection'),
  ];
  const options: RequestOptions = {
    host,
    ...(url.port !== '' && { port: url.port }),
    path: url.pathname + url.search,
    // As a list they go out line by line, spelled as they are.
    headers: fields.flat(),
    // Nor is a TLS session resumed.
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  };
  if (url.protocol === 'http:') return requestHttp(options);
  return requestHttps({
    ...options,
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca: [...ca] }),
    // RFC 6066 section 3: an address is no server name.
    ...(isIP(host) === 0 && { servername: host }),
  });
}

function reasonOf(
  error: NodeJS.ErrnoException,
  { socket }: ClientRequest,
  { timeoutMs }: Target,
): string {
  const { name, code = '' } = error;
  if (name === 'AbortError' || name === 'TimeoutError') {
    return `no answer within ${timeoutMs / 1000} seconds`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another host';
  // Its type says Error, and it is a code in text or null.
  const distrust: unknown = (socket as Partial<TLSSocket> | null)?.authorizationError;
  if (typeof distrust === 'string') {
    return `its certificate is not trusted (${distrust}); give its CA: --ca=<file>`;
  }
  // Versions of Node.js differ in whether an alert has a code of its own.
  const failure = /:SSL routines:[^:]*:([^:]+):/.exec(error.message)?.[1];
  if (failure !== undefined) {
    return /alert (certificate required|handshake failure)/.test(failure)
      ? 'TLS lets nobody in without a client certificate; name a URL where it is optional'
      : `TLS fails: ${failure}`;
  }
  return reasons[code] ?? (error.message === '' ? code : error.message);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was closed without an answer',
  ENOTFOUND: 'there is no such host',
};
