import { once } from 'node:events';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Any option of `https.createServer`; a certificate and its key there must be. */
export type TestServerOptions = ServerOptions & Required<Pick<ServerOptions, 'cert' | 'key'>>;

/** A running server. `await using` closes it at the end of the block. */
export interface TestServer {
  /** `https://localhost:<port>` */
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  /** Ends every connection, also those of upgrades and requests without an answer. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * An https server on 127.0.0.1 and a free port, set up as `mtls` wants it: the client is asked for its
 * certificate and the verdict is left to the application (`requestCert: true, rejectUnauthorized:
 * false`; options override both).
 *
 * @param handler a request listener; an Express application is one
 */
export async function testServer(
  handler: RequestListener,
  options: TestServerOptions,
): Promise<TestServer> {
  const server = createServer(
    { requestCert: true, rejectUnauthorized: false, ...options },
    handler,
  );
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      // Answers with an error where the server is closed already, which is what was wanted.
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { origin: `https://localhost:${port}`, port, server, close, [Symbol.asyncDispose]: close };
}
