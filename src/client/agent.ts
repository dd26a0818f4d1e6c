import type { ClientRequestArgs } from 'node:http';
import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { Identity } from '../identity.ts';
import { badGateway } from './bad-gateway.ts';
import type { Connect } from './connect.ts';
import type { Identities } from './identities.ts';

/**
 * An agent for `node:https` and the libraries on top of it. A request gets its connection when the
 * server is confirmed; TLS options, sockets and proxies of single requests are ignored.
 */
export class ConfirmingAgent extends Agent {
  readonly #connect: Connect;
  readonly #identities: Identities;
  #closed = false;

  constructor(connect: Connect, identities: Identities) {
    super({ keepAlive: true });
    this.#connect = connect;
    this.#identities = identities;
  }

  // Without a return value Node waits for the callback; it would send on a socket that is returned.
  override createConnection(
    { host, port }: ClientRequestArgs,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const destination = { protocol: 'https:', host: host ?? 'localhost', port: port ?? 443 };
    this.#connect(destination, (outcome) => {
      if (outcome instanceof Error) return callback?.(badGateway(outcome), undefined as never);
      const { server, socket } = outcome;
      this.#identities.set(socket, new Identity([['mtls', server]], new Date()));
      callback?.(null, socket);
    });
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // The type says void, and Node destroys the socket unless the answer is true.
    return !this.#closed && (super.keepSocketAlive(socket) as unknown as boolean);
  }

  /** Ends idle connections now and the others after their exchange. */
  close(): void {
    this.#closed = true;
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}
