// Koa 3 and 2. A refusal is the context's response and no error: whatever stands further out, a log, CORS
// or a session, sees it and adds to it as to any other, and `app.onerror` has nothing to print.
import {
  type Answer,
  AuthError,
  type Policy,
  type Verifier,
  type VerifierOptions,
} from '../src/index.ts';
import type { Identity } from '../src/identity.ts';
import { type MaybePromise, andThen } from '../src/maybe-promise.ts';
import { answerFields } from '../src/node/answer-fields.ts';
import { decide, prepare as prepareRequest, respond } from '../src/node/guard.ts';
import { identityFrom } from '../src/node/identity-of.ts';
import { answerToThrown } from '../src/node/thrown.ts';
import { verifierFrom } from '../src/node/verifier-from.ts';

declare module 'koa' {
  interface DefaultState {
    /** Who the peer is; undefined where the policy allows anonymous peers and this one is. */
    identity?: Identity | undefined;
  }
}

export type { Identity } from '../src/identity.ts';

/** Koa's own type of middleware, for `app.use` and routes. */
export type Middleware = import('koa').Middleware;

type Context = import('koa').ParameterizedContext;

/**
 * Lets a request pass once both sides have proven themselves, and puts the peer on
 * `ctx.state.identity`.
 *
 * An AuthError that a handler throws is answered as a refusal is, and reaches no middleware further out.
 *
 * Without arguments a client certificate is required, verified against the `ca` of the TLS server.
 *
 * @throws ConfigError while the program starts
 */
export function mutualAuth(options?: VerifierOptions): Middleware;
export function mutualAuth(verifier: Verifier, policy?: Policy): Middleware;
export function mutualAuth(...given: readonly unknown[]): Middleware {
  const verifier = verifierFrom(given);
  return (ctx, next) =>
    andThen(decide(verifier, requestOf(ctx), ctx.res), (decision): MaybePromise<void> => {
      if (decision.outcome !== 'accepted') return answerWith(ctx, decision.response);
      ctx.state.identity = decision.identity;
      return next().catch((error: unknown) => {
        if (!(error instanceof AuthError) || ctx.headerSent) throw error;
        answerWith(ctx, answerToThrown(error, ctx.req, ctx.res));
      });
    });
}

/**
 * Decides nothing, but lets the verifier see a request before a body parser does, and the head of the
 * response after all others. It goes first where policies sit on routes only.
 */
export function prepare(verifier: Verifier): Middleware {
  return (ctx, next) => {
    prepareRequest(verifier, requestOf(ctx), ctx.res);
    return next();
  };
}

/**
 * The identity that `mutualAuth` put on a context.
 *
 * @throws AuthError `ERR_IDENTITY_MISSING` where it put none: the route has no guard, or lets anonymous
 * peers pass
 */
export function identityOf(ctx: Pick<Context, 'state'>): Identity {
  return identityFrom(ctx.state.identity);
}

// What mounts an application rewrites `url`, and in Koa the context alone keeps what came.
function requestOf({ req, originalUrl }: Context): Context['req'] {
  (req as { originalUrl?: string }).originalUrl ??= originalUrl;
  return req;
}

function answerWith(ctx: Context, answer: Answer): void {
  // Koa will write nothing any more where somebody else has begun to, or said that he would.
  if (ctx.headerSent || ctx.respond === false) return respond(ctx.req, ctx.res, answer);
  ctx.status = answer.status;
  ctx.body = answer.body;
  ctx.set(answerFields(ctx.req, answer));
}
