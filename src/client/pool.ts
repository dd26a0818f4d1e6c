import type { Client, Dispatcher } from 'undici';
import type { CertificateEvidence, Identity } from '../identity.ts';
import type { ProofEvidence } from './confirm-response.ts';
import type { Connect } from './connect.ts';
import { loadUndici } from './undici.ts';

/** One request on its way through the dispatcher. `fetch` sends its own along, to read it afterwards. */
export interface Dispatched {
  /** What the server at the other end of the connection that takes the request has proven. */
  server?: () => CertificateEvidence | undefined;
  /** What the server has proven by its signature; set once the head of the response is confirmed. */
  proof?: ProofEvidence;
  /** Who answered; set once the head of the response is confirmed. */
  identity?: Identity;
}

/** The member of undici's options that a `Dispatched` travels in; pools hand them on as they are. */
export const dispatched: unique symbol = Symbol('countersign.dispatched');

export type DispatchedOptions = Dispatcher.DispatchOptions & { [dispatched]?: Dispatched };

/**
 * A pool of connections that all come from `connect`, so that each of them belongs to one identity and
 * one expectation of the server. A request learns from it which connection it was given.
 */
export function connectionPool(connect: Connect): Dispatcher {
  const { Agent, Client, Pool } = loadUndici();

  class ConfirmedClient extends Client {
    readonly #connected: { server?: CertificateEvidence | undefined };

    constructor(origin: URL, options: Client.Options) {
      const connected: { server?: CertificateEvidence | undefined } = {};
      super(origin, {
        ...options,
        connect({ protocol, hostname, port }, done) {
          connect({ protocol, host: hostname, port }, (outcome) => {
            if (outcome instanceof Error) return done(outcome, null);
            connected.server = outcome.server;
            done(null, outcome.socket);
          });
        },
      });
      this.#connected = connected;
    }

    override dispatch(options: DispatchedOptions, handler: Dispatcher.DispatchHandler): boolean {
      const exchange = options[dispatched];
      // A function, because the connection may be opened, or opened again, after this.
      if (exchange !== undefined) exchange.server = () => this.#connected.server;
      return super.dispatch(options, handler);
    }
  }

  return new Agent({
    factory: (origin, options) =>
      new Pool(
        origin,
        Object.assign({}, options, {
          factory: (url: URL, clientOptions: object) => new ConfirmedClient(url, clientOptions),
        }),
      ),
  });
}
