// The one place that opens connections. Options of single requests never reach it: neither undici's nor
// the Agent's callers can weaken what `createClient` was told.
import { isIP } from 'node:net';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import type { CertificateEvidence } from '../identity.ts';
import type { ClientMethod } from '../method.ts';
import { verdictError } from '../peer/tls-verdict.ts';
import { confirmServer, confirmUnrevoked } from './confirm-server.ts';
import type { ExpectedServer } from './expected-server.ts';
import { listedOrigin, urlTo } from './origins.ts';
import { secureContexts } from './secure-contexts.ts';
import { askForStaple, stapledResponse } from './stapled-response.ts';

/** A connection whose other end has proven itself. Nothing of a request has been sent yet. */
export interface Connection {
  readonly socket: TLSSocket;
  readonly server: CertificateEvidence;
}

/** Where to connect to. Ports may be empty, and mean 443 then. */
export interface Destination {
  readonly protocol: string;
  readonly host: string;
  readonly port: string | number;
}

/**
 * Opens a connection; `done` is called once, in the very step in which the server was confirmed, so no
 * event of the socket is missed in between.
 */
export type Connect = (
  destination: Destination,
  done: (outcome: Connection | Error) => void,
) => void;

/** A `Connect` that can be told to stop. */
export interface Connector extends Connect {
  /** Gives up what is being opened, and opens no more. What is open stays so. */
  close(): void;
}

/**
 * A function that opens connections to the expected server, and only to it.
 *
 * A server that fails a check is an AuthError; a network that fails keeps its own error.
 *
 * @param timeoutMs how long the credentials and the handshake may take together
 */
export function connector(
  expected: ExpectedServer,
  credentials: ClientMethod | undefined,
  timeoutMs = 10_000,
): Connector {
  const secureContext = secureContexts(expected.ca, credentials);
  const opening = new Set<(failure: Error) => void>();
  let closed = false;

  const connect: Connect = ({ protocol, host, port }, done) => {
    // Later, as every other outcome: nobody expects it before the call returns.
    if (closed) return process.nextTick(done, new Error('the client is closed'));
    let socket: TLSSocket | undefined;
    let settled = false;

    const settle = (outcome: Connection | Error): void => {
      if (settled) return;
      settled = true;
      opening.delete(settle);
      clearTimeout(timer);
      if (outcome instanceof Error) socket?.destroy();
      done(outcome);
    };
    opening.add(settle);
    const timer = setTimeout(() => settle(timeoutError(timeoutMs)), timeoutMs);

    const open = async (): Promise<void> => {
      const url = listedOrigin(expected.origins, urlTo(protocol, host, port));
      const context = await secureContext();
      if (settled) return;
      const target = destinationOf(url);
      const opened = connectTls({
        ...target,
        secureContext: context,
        rejectUnauthorized: true,
        // `confirmServer` knows which names count. Node's check would insist on the URL's.
        checkServerIdentity: () => undefined,
        ...(expected.paths === undefined ? {} : askForStaple),
        // An undici client has one connection at a time under HTTP/1.1 only.
        ALPNProtocols: ['http/1.1'],
      });
      socket = opened;
      opened.setNoDelay(true).setKeepAlive(true, 60_000);
      const fail = (error: Error): void => settle(refusalOf(opened) ?? error);
      opened.on('error', fail);
      const stapled = stapledResponse(opened);
      const refuse = (error: unknown): void => settle(asError(error));
      opened.once('secureConnect', () => {
        try {
          const server = confirmServer(opened, target.host, expected);
          const cleared = expected.paths && confirmUnrevoked(opened, expected.paths, stapled());
          const accept = (): void => {
            opened.off('error', fail);
            settle({ socket: opened, server });
          };
          if (cleared instanceof Promise) cleared.then(accept, refuse);
          else accept();
        } catch (error) {
          refuse(error);
        }
      });
      opened.once('close', () => settle(new Error('the server hung up')));
    };
    open().catch((error: unknown) => settle(asError(error)));
  };

  return Object.assign(connect, {
    close() {
      closed = true;
      for (const settle of opening) settle(new Error('the client is closed'));
    },
  });
}

function destinationOf(url: URL): { host: string; port: number; servername?: string } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 443 : Number(url.port);
  // RFC 6066 section 3: an address is no server name.
  return isIP(host) === 0 ? { host, port, servername: host } : { host, port };
}

// OpenSSL's refusal arrives as an error like any other; the socket tells them apart. Its type says
// Error, and it is a code in text.
function refusalOf(socket: TLSSocket): Error | undefined {
  const verdict: unknown = socket.authorizationError;
  return typeof verdict === 'string' ? verdictError(verdict) : undefined;
}

// A user's function may throw anything, also nothing, and only an Error reads as failure.
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function timeoutError(timeoutMs: number): Error {
  const error = new Error(`no connection to the server after ${timeoutMs} ms`);
  return Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' });
}
