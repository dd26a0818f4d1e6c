// A service that proxies speak to, without TLS, and whoever else gets through to its port.
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import {
  type MtlsOptions,
  type Policy,
  type TrustedProxy,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import type { Received } from './connection.ts';
import { recordEvents } from './events.ts';
import { authority } from './pki.ts';

export interface BehindProxyOptions {
  readonly trustedProxies: readonly TrustedProxy[];
  readonly mtls?: MtlsOptions;
  readonly policy?: Policy;
  /** What the handler adds to its response. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The path of a Unix socket to listen on. */
  readonly path?: string;
}

/** What the handler saw of an accepted request. */
export interface Handled {
  readonly subject: string | undefined;
  readonly source: string | undefined;
  readonly x5tS256: string | undefined;
  /** The names in `headers`, `rawHeaders` and `headersDistinct`. */
  readonly names: readonly (readonly string[])[];
}

export type Line = readonly [name: string, value: string];

export async function behindProxy(options: BehindProxyOptions) {
  const { trustedProxies, policy = {} } = options;
  const verifier = createVerifier({
    methods: [mtls({ trustAnchors: authority.cert, ...options.mtls })],
    trustedProxies,
    policy,
  });
  const events = recordEvents();
  // Larger than what Node lets pass by itself, so that our own limit is met.
  const server = createServer({ maxHeaderSize: 262_144 }, (request, response) => {
    void guard(verifier, request, response).then((decision) => {
      if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
      const { identity } = decision;
      for (const [name, value] of Object.entries(options.headers ?? {})) {
        response.setHeader(name, value);
      }
      const handled: Handled = {
        subject: identity?.subject,
        source: identity?.evidence.mtls?.source,
        x5tS256: identity?.evidence.mtls?.x5tS256,
        names: [
          Object.keys(request.headers),
          request.rawHeaders.filter((_, i) => i % 2 === 0),
          Object.keys(request.headersDistinct),
        ],
      };
      response.end(JSON.stringify(handled));
    });
  });
  await listen(server, options.path);
  const port = options.path === undefined ? (server.address() as AddressInfo).port : 0;

  return {
    server,
    verifier,
    events,
    /** Sends a request whose header lines go over the wire as they are. */
    async send(lines: readonly Line[] = [], sent: SendOptions = {}): Promise<Received> {
      const { localAddress = '127.0.0.1', start = 'GET / HTTP/1.1', host = 'api.example' } = sent;
      const socket =
        options.path === undefined
          ? connectSocket({ host: '127.0.0.1', port, localAddress })
          : connectSocket({ path: options.path });
      const head = [['Host', host], ['Connection', 'close'], ...lines];
      socket.end(
        `${start}\r\n${head.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n`,
        'latin1',
      );
      let text = '';
      for await (const chunk of socket.setEncoding('latin1')) text += chunk;
      return received(text);
    },
    async [Symbol.asyncDispose]() {
      events[Symbol.dispose]();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type BehindProxy = Awaited<ReturnType<typeof behindProxy>>;

export interface SendOptions {
  /** @defaultValue `127.0.0.1` */
  readonly localAddress?: string;
  /** The request line. */
  readonly start?: string;
  readonly host?: string;
}

async function listen(server: Server, path: string | undefined): Promise<void> {
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
}

function received(text: string): Received {
  const [head = '', rest = ''] = text.split('\r\n\r\n', 2);
  const [status = '', ...lines] = head.split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [name = '', ...value] = line.split(':');
    headers[name.toLowerCase()] = value.join(':').trim();
  }
  const body = headers['transfer-encoding'] === 'chunked' ? unchunked(rest) : rest;
  return { status: Number(status.split(' ')[1]), headers, body };
}

function unchunked(text: string): string {
  return text
    .split('\r\n')
    .filter((_, i) => i % 2 === 1)
    .join('');
}
