import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Agent } from 'node:https';
import { ConfigError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { ClientMethod } from '../method.ts';
import { checkOptions } from '../options.ts';
import { ConfirmingAgent } from './agent.ts';
import { readMethods } from './client-methods.ts';
import { connector } from './connect.ts';
import { createDispatcher } from './dispatcher.ts';
import { type ServerOptions, readServerOptions } from './expected-server.ts';
import { createFetch } from './fetch.ts';
import { type Identities, identityBehind } from './identities.ts';

/** undici's Dispatcher; `any` where undici is not installed. */
// oxlint-disable-next-line typescript/ban-ts-comment -- the error is there only without undici
/** @ts-ignore: undici is an optional dependency. */
export type Dispatcher = import('undici').Dispatcher;

/** What came from a server, or a request of `node:https` that is on its way to one. */
export type Answer = Response | IncomingMessage | ClientRequest;

export interface ClientOptions {
  /** How this client proves itself. At least one; each of another name. */
  readonly methods: readonly ClientMethod[];
  /** What must be true of the server. */
  readonly server: ServerOptions;
}

/** Three ways to send a request, and one rule: the server is confirmed before it learns anything. */
export interface Client {
  /** Node's own `fetch` on this client's connections. Needs undici. */
  readonly fetch: typeof globalThis.fetch;
  /** For undici's `request` and its like, or for `fetch`. Needs undici. */
  readonly dispatcher: Dispatcher;
  /**
   * For `node:https` and the libraries on top of it.
   *
   * @throws ConfigError where a method lives in the message: an agent sees none
   */
  readonly agent: Agent;
  /**
   * Who answered. Not for copies of a response (`clone()`).
   *
   * @throws AuthError `ERR_IDENTITY_MISSING` for anything this client had no part in
   */
  identityOf(answer: Answer): Identity;
  /** Lets running exchanges finish, gives up connections that are being opened, ends idle ones, opens no more. */
  close(): Promise<void>;
}

/**
 * A client that presents its credentials to, and accepts answers from, no other server than the one
 * described.
 *
 * Each has connections of its own. Two clients never share one, whatever they have in common.
 *
 * @throws ConfigError for options that are missing, unknown, or cannot be read
 */
export function createClient(options: ClientOptions): Client {
  const { methods, server } = checkOptions('createClient', options, ['methods', 'server']);
  const expected = readServerOptions(server);
  const { channel, message } = readMethods(methods, expected.proof !== undefined);
  const connect = connector(expected, channel);
  const identities: Identities = new WeakMap();

  let closing: Promise<void> | undefined;
  let ownAgent: ConfirmingAgent | undefined;
  let ownDispatcher: Dispatcher | undefined;

  const dispatcher = (): Dispatcher => {
    ownDispatcher ??= createDispatcher(connect, expected, message);
    return ownDispatcher;
  };

  return {
    fetch: createFetch(dispatcher, expected.origins, identities),
    get dispatcher() {
      return dispatcher();
    },
    get agent() {
      if (message.length > 0 || expected.proof !== undefined) {
        throw new ConfigError(
          message.length > 0 ? 'methods' : 'server.proof',
          `${message[0]?.name ?? 'it'} signs or reads messages, and an agent sees none; ` +
            "use `fetch`, with axios as `axios.create({ adapter: 'fetch', env: { fetch: client.fetch } })`",
        );
      }
      ownAgent ??= new ConfirmingAgent(connect, identities);
      return ownAgent;
    },
    identityOf: (answer) => identityBehind(identities, answer),
    close() {
      connect.close();
      ownAgent?.close();
      closing ??= Promise.resolve(ownDispatcher?.close());
      return closing;
    },
  };
}
