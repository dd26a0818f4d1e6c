import type { ServerResponse } from 'node:http';
import type { Answer, Decision } from '../decision.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import type { Policy } from '../policy.ts';
import type { Verifier } from '../verifier.ts';
import { answerFields } from './answer-fields.ts';
import { type NodeRequest, exchangeOf } from './exchange.ts';
import { type NodeResponse, proveOn } from './response-hook.ts';

const refined = new WeakMap<Verifier, WeakMap<Policy, Verifier>>();

/**
 * Decides one request, and writes nothing: the caller switches over the decision's `outcome`.
 *
 * Accepted, the response is hooked so that the methods add their proof to it. Never rejects, but for a
 * policy that is wrong.
 *
 * @param policy replaces the verifier's in the members it names; checked on first sight
 * @throws ConfigError (as a rejection) for such a policy
 */
export async function guard(
  verifier: Verifier,
  request: NodeRequest,
  response: NodeResponse,
  policy?: Policy,
): Promise<Decision> {
  return decide(policy === undefined ? verifier : refine(verifier, policy), request, response);
}

/** `guard` for adapters: at once, where the verifier decides at once. Never throws nor rejects. */
export function decide(
  verifier: Verifier,
  request: NodeRequest,
  response: NodeResponse,
): MaybePromise<Decision> {
  const exchange = exchangeOf(request);
  verifier.prepare(exchange);
  return andThen(verifier.decide(exchange), (decision) => {
    if (decision.outcome === 'accepted' && decision.identity !== undefined) {
      proveOn(request, response, verifier.methods, decision.identity);
    }
    return decision;
  });
}

/**
 * Lets every method of the verifier see a request before anything else reads it; decides nothing.
 *
 * `guard` does the same for itself. This is for where policies sit on routes only, or a body parser
 * runs before them.
 */
export function prepare(verifier: Verifier, request: NodeRequest): void {
  verifier.prepare(exchangeOf(request));
}

/** Writes a refusal or the next step of a method. A response that has begun already is cut off. */
export function respond(request: NodeRequest, response: NodeResponse, answer: Answer): void {
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy();
    return;
  }
  // That of HTTP/2 takes the same arguments, whatever its type says.
  const writable = response as ServerResponse;
  try {
    writable.writeHead(answer.status, answerFields(request, answer)).end(answer.body);
  } catch {
    // A field of some method that is none. No answer is one, an error page with a stack is not.
    writable.destroy();
  }
}

/** The verifier under a route's policy; the same one for the same policy. @throws ConfigError */
export function refine(verifier: Verifier, policy: Policy): Verifier {
  let byPolicy = refined.get(verifier);
  if (byPolicy === undefined) refined.set(verifier, (byPolicy = new WeakMap()));
  let result = byPolicy.get(policy);
  if (result === undefined) byPolicy.set(policy, (result = verifier.withPolicy(policy)));
  return result;
}
