import type { Dispatcher } from 'undici';
import { AuthError, ConfigError } from '../errors.ts';
import type { Identities } from './identities.ts';
import { type Origins, listedOrigin } from './origins.ts';
import { type Dispatched, type DispatchedOptions, dispatched } from './pool.ts';

/**
 * Node's own `fetch`, with `dispatcher` beneath it. Its errors are ours where we refused.
 *
 * A dispatcher among the caller's options is ignored.
 */
export function createFetch(
  dispatcher: () => Dispatcher,
  origins: Origins,
  identities: Identities,
): typeof globalThis.fetch {
  return async (input, init) => {
    // Before fetch does: it answers data: and blob: URLs by itself, and nobody would have proven that.
    listedOrigin(origins, input instanceof Request ? input.url : String(input));
    const exchange: Dispatched = {};
    const via = dispatcher();
    const observed = {
      dispatch: (options: DispatchedOptions, handler: Dispatcher.DispatchHandler): boolean =>
        via.dispatch({ ...options, [dispatched]: exchange } as DispatchedOptions, handler),
    };
    try {
      const response = await fetch(input, { ...init, dispatcher: observed } as RequestInit);
      if (exchange.identity !== undefined) identities.set(response, exchange.identity);
      return response;
    } catch (error) {
      throw ownError(error) ?? error;
    }
  };
}

// fetch wraps whatever fails in a TypeError and keeps it as the cause.
function ownError(error: unknown): AuthError | ConfigError | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof AuthError || cause instanceof ConfigError ? cause : undefined;
}
