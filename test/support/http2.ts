// HTTP/2 over real TLS: a server for any listener, and a client that holds one connection open.
import { once } from 'node:events';
import {
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  connect,
  createSecureServer,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { serverCertificate } from './guarded.ts';
import { authority } from './pki.ts';

export type Http2Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** A server that speaks HTTP/2 only, and asks for a certificate as `mtls` wants it. */
export async function http2Server(listener: Http2Listener) {
  const { cert, key } = serverCertificate;
  const server = createSecureServer(
    { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
    listener,
  );
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Http2Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One HTTP/2 connection. */
export class Http2Connection implements Disposable {
  readonly session: ClientHttp2Session;

  constructor(port: number, options: ConnectionOptions = {}) {
    this.session = connect(`https://localhost:${port}`, { ca: authority.cert, ...options });
    this.session.on('error', () => {});
  }

  /** Sends one request and reads the whole answer. @throws where the stream ends before it */
  async send(headers: OutgoingHttpHeaders = {}, body?: string): Promise<Http2Answer> {
    const stream = this.session.request({ ':path': '/', ...headers }, { endStream: false });
    stream.end(body);
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    const [head] = (await once(stream, 'response', { signal: gone.signal })) as [
      IncomingHttpHeaders & { ':status'?: number },
    ];
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
    return { status: head[':status'], headers: head, body: text };
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}
