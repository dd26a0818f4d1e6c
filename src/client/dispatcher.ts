import { stringify } from 'node:querystring';
import { Stream } from 'node:stream';
import type { Dispatcher } from 'undici';
import { AuthError } from '../errors.ts';
import { Identity } from '../identity.ts';
import type { ClientMethod, IncomingHead } from '../method.ts';
import { badGateway } from './bad-gateway.ts';
import { ConfirmingHandler } from './confirming-handler.ts';
import type { Connect } from './connect.ts';
import type { ExpectedServer } from './expected-server.ts';
import { type GrowingRequest, confirm, present } from './message-methods.ts';
import { listedOrigin } from './origins.ts';
import { type Dispatched, type DispatchedOptions, connectionPool, dispatched } from './pool.ts';
import { provenDispatch } from './proven-dispatch.ts';
import { digested } from './request-content.ts';
import { fieldsOf } from './request-fields.ts';
import { askService } from './round.ts';
import { loadUndici } from './undici.ts';

/**
 * An undici dispatcher with a pool of its own. What leaves through it is presented, and what comes back
 * is confirmed before the caller's handler sees anything of it.
 *
 * @param methods those that live in the message
 * @throws ConfigError where undici is missing
 */
export function createDispatcher(
  connect: Connect,
  { origins, proof }: Pick<ExpectedServer, 'origins' | 'proof'>,
  methods: readonly ClientMethod[],
): Dispatcher {
  return connectionPool(connect).compose((plain) => (given, handler) => {
    const dispatch = proof === undefined ? plain : provenDispatch(plain, proof);
    const next = modern(handler);
    const exchange = (given as DispatchedOptions)[dispatched] ?? {};
    try {
      const { origin } = listedOrigin(origins, String(given.origin));
      const options: DispatchedOptions = { ...given, origin, [dispatched]: exchange };
      if (methods.length > 0 || proof !== undefined) {
        presentAndSend(dispatch, methods, options, exchange, next, proof !== undefined);
        return true;
      }
      const settle = (): void => void (exchange.identity = identityOf(exchange));
      return dispatch(options, new ConfirmingHandler(next, settle, true));
    } catch (error) {
      refuse(next, error);
      return true;
    }
  });
}

function presentAndSend(
  dispatch: Dispatcher.Dispatch,
  methods: readonly ClientMethod[],
  options: DispatchedOptions,
  exchange: Dispatched,
  next: Dispatcher.DispatchHandler,
  withDigest: boolean,
): void {
  const request = requestOf(options);
  // undici listens to a content that fails only once it has it, which may be some rounds from now.
  if (options.body instanceof Stream) options.body.on('error', () => undefined);
  const settle = (head: IncomingHead): void => {
    exchange.identity = identityOf(exchange, confirm(methods, request, head));
  };
  const prepare = async (): Promise<typeof options.body> => {
    const body = withDigest ? await digested(options.body, request.fields) : options.body;
    await present(methods, request, (question) => askService(dispatch, options, question));
    return body;
  };
  prepare().then(
    (body) => {
      const { target: path, fields: headers } = request;
      // The target is what the methods were shown, so nothing may be added to it any more.
      const final = { ...options, path, headers, query: null as never, body: body ?? null };
      dispatch(final, new ConfirmingHandler(next, settle, false));
    },
    (error: unknown) => refuse(next, error),
  );
}

function requestOf({ origin, method, path, query, headers }: DispatchedOptions): GrowingRequest {
  const target = query ? `${path}?${stringify(query)}` : path;
  return { method, origin: String(origin), target, fields: fieldsOf(headers) };
}

function identityOf(
  { server, proof }: Dispatched,
  proven: ReturnType<typeof confirm> = [],
): Identity {
  const certificate = server?.();
  if (certificate === undefined) {
    throw new AuthError('ERR_SERVER_UNPROVEN', 'no confirmed connection carried this response');
  }
  const signed = proof === undefined ? [] : [['proof', proof] as const];
  return new Identity([['mtls', certificate], ...proven, ...signed], new Date());
}

interface HandlerWrapper {
  wrapHandler(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler;
}

// The fetch of Node 20 to 24 has handlers in the style of undici 6. `compose` of undici 7 wraps them,
// that of undici 8 leaves it to others.
function modern(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  const { Dispatcher1Wrapper } = loadUndici() as { Dispatcher1Wrapper?: HandlerWrapper };
  return Dispatcher1Wrapper?.wrapHandler(handler) ?? handler;
}

// In a turn of its own, as undici does: a handler may not expect an answer before dispatch returns.
function refuse(next: Dispatcher.DispatchHandler, error: unknown): void {
  setImmediate(() => next.onResponseError?.(nothingToControl, badGateway(error as Error)));
}

const nothingToControl: Dispatcher.DispatchController = {
  aborted: true,
  paused: false,
  reason: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
};
