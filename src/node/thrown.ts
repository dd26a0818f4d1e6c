// What comes out of handlers. Left to itself, a framework shows the reason to the peer, or the stack.
import { type Answer, refused } from '../decision.ts';
import type { AuthError } from '../errors.ts';
import { publishRefusal } from '../events.ts';
import { type NodeRequest, exchangeOf } from './exchange.ts';
import type { NodeResponse } from './response-hook.ts';

/** What describes the content that the handler had in mind. */
const ofContent =
  /^(?:content-(?:disposition|encoding|language|location|range)|etag|last-modified)$/;

/** The answer to an AuthError that a handler throws: a refusal like any other, and published as one. */
export function answerToThrown(
  error: AuthError,
  request: NodeRequest,
  response: NodeResponse,
): Answer {
  const refusal = refused(error, {});
  publishRefusal(exchangeOf(request), refusal);
  const names = response.headersSent ? [] : response.getHeaderNames();
  for (const name of names) if (ofContent.test(name)) response.removeHeader(name);
  return refusal.response;
}
