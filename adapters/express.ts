// Express 5 and 4. Refusals are answered here and never reach Express's own error handler, which outside
// production prints the stack to the peer; nor do AuthErrors that handlers throw.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Policy, Verifier, VerifierOptions } from '../src/index.ts';
import type { Identity } from '../src/identity.ts';
import { andThen } from '../src/maybe-promise.ts';
import { decide, prepare as prepareRequest, respond } from '../src/node/guard.ts';
import { identityFrom } from '../src/node/identity-of.ts';
import { verifierFrom } from '../src/node/verifier-from.ts';
import { coverErrors } from './auth-errors.ts';

declare global {
  namespace Express {
    interface Request {
      /** Who the peer is; undefined where the policy allows anonymous peers and this one is. */
      identity?: Identity | undefined;
    }
  }
}

export type { Identity } from '../src/identity.ts';
export { type ErrorMiddleware, authErrors } from './auth-errors.ts';

/** Middleware for `app.use` and routes; it needs Node's own request and response only. */
export type Middleware = (
  request: IncomingMessage & { identity?: Identity | undefined },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Lets a request pass once both sides have proven themselves, and puts the peer on `req.identity`.
 *
 * Without arguments a client certificate is required, verified against the `ca` of the TLS server.
 *
 * @throws ConfigError while the program starts
 */
export function mutualAuth(options?: VerifierOptions): Middleware;
export function mutualAuth(verifier: Verifier, policy?: Policy): Middleware;
export function mutualAuth(...given: readonly unknown[]): Middleware {
  const verifier = verifierFrom(given);
  return (request, response, next) => {
    coverErrors(request);
    void andThen(decide(verifier, request, response), (decision) => {
      if (decision.outcome === 'accepted') {
        request.identity = decision.identity;
        next();
      } else {
        respond(request, response, decision.response);
      }
    });
  };
}

/**
 * Decides nothing, but lets the verifier see a request before a body parser does, and the head of the
 * response after compression or a session. It goes first where policies sit on routes only.
 */
export function prepare(verifier: Verifier): Middleware {
  return (request, response, next) => {
    coverErrors(request);
    prepareRequest(verifier, request, response);
    next();
  };
}

/**
 * The identity that `mutualAuth` put on a request.
 *
 * @throws AuthError `ERR_IDENTITY_MISSING` where it put none: the route has no guard, or lets anonymous
 * peers pass
 */
export function identityOf(request: { readonly identity?: Identity | undefined }): Identity {
  return identityFrom(request.identity);
}
