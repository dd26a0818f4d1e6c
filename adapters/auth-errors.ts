// What Express's handlers throw. A middleware sees nothing of what those behind it throw, and at the
// end of the line Express prints the stack to the peer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuthError } from '../src/index.ts';
import { respond } from '../src/node/guard.ts';
import { answerToThrown } from '../src/node/thrown.ts';

/** Error-handling middleware for `app.use`. */
export type ErrorMiddleware = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** As much of an Express application as it takes to handle its errors. */
interface Application {
  readonly parent?: Application;
  use(middleware: ErrorMiddleware): unknown;
}

/**
 * Answers an AuthError that a handler throws as `mutualAuth` answers a refusal, and passes on all else.
 *
 * `mutualAuth` and `prepare` put one behind all that the application has at its first request. Write
 * it yourself before an error handler of your own, which else comes first.
 */
export function authErrors(): ErrorMiddleware {
  return (error, request, response, next) => {
    if (!(error instanceof AuthError) || response.headersSent) return next(error);
    respond(request, response, answerToThrown(error, request, response));
  };
}

const covered = new WeakSet<Application>();

/** Sees to it that the application of a request answers AuthErrors so. Without Express it has none. */
export function coverErrors(request: IncomingMessage): void {
  let { app: root } = request as { readonly app?: Application };
  while (root?.parent !== undefined) root = root.parent;
  if (root === undefined || covered.has(root)) return;
  covered.add(root);
  root.use(authErrors());
}
