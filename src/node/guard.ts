import type { ServerResponse } from 'node:http';
import type { Answer, Decision } from '../decision.ts';
import { ConfigError } from '../errors.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import type { Policy } from '../policy.ts';
import type { Verifier } from '../verifier.ts';
import { answerFields } from './answer-fields.ts';
import { type NodeRequest, exchangeOf } from './exchange.ts';
import { keepFromCaches } from './caching.ts';
import type { NodeResponse } from './head.ts';
import { hookFor, proveOn } from './response-hook.ts';

const refined = new WeakMap<Verifier, WeakMap<Policy, Verifier>>();

/**
 * Decides one request, and writes nothing: the caller switches over the decision's `outcome`.
 *
 * Accepted, the response is hooked so that the methods add their proof to it. Never rejects, but for a
 * policy that is wrong.
 *
 * @param policy replaces the verifier's in the members it names; checked on first sight
 * @throws ConfigError (as a rejection) for such a policy, and for one that is there and undefined
 */
export async function guard(
  verifier: Verifier,
  request: NodeRequest,
  response: NodeResponse,
  ...policy: readonly [policy?: Policy]
): Promise<Decision> {
  return decide(refineBy(verifier, policy), request, response);
}

/** `guard` for adapters: at once, where the verifier decides at once. Never throws nor rejects. */
export function decide(
  verifier: Verifier,
  request: NodeRequest,
  response: NodeResponse,
): MaybePromise<Decision> {
  const exchange = exchangeOf(request);
  prepare(verifier, request, response);
  return andThen(verifier.decide(exchange), (decision) => {
    if (decision.outcome !== 'accepted') return decision;
    const seen = verifier.seen(exchange);
    if (seen.peer.forwarded !== undefined) keepFromCaches(seen, response, seen.peer.forwarded);
    proveOn(seen, response, verifier, decision.identity);
    return decision;
  });
}

/**
 * Lets every method of the verifier see a request before anything else reads it, and keeps the last word
 * about the head of the response for those that prove something; decides nothing.
 *
 * `guard` does the same for itself. This is for where policies sit on routes only, or where something
 * before them reads the content (a body parser) or changes heads as they leave (compression, a session).
 */
export function prepare(verifier: Verifier, request: NodeRequest, response: NodeResponse): void {
  const exchange = exchangeOf(request);
  verifier.prepare(exchange);
  const seen = verifier.seen(exchange);
  hookFor(verifier, response, seen, seen !== exchange);
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

/**
 * The verifier under what an argument that may be left out says.
 *
 * @throws ConfigError for one that is there and undefined: a policy that somebody forgot to look up must
 * not quietly become the verifier's
 */
export function refineBy(verifier: Verifier, given: readonly [policy?: Policy]): Verifier {
  if (given.length === 0) return verifier;
  const [policy] = given;
  if (policy === undefined) {
    throw new ConfigError('guard.policy', 'is undefined; give a policy or leave the argument out');
  }
  return refine(verifier, policy);
}

/** The verifier under a route's policy; the same one for the same policy. @throws ConfigError */
export function refine(verifier: Verifier, policy: Policy): Verifier {
  let byPolicy = refined.get(verifier);
  if (byPolicy === undefined) refined.set(verifier, (byPolicy = new WeakMap()));
  let result = byPolicy.get(policy);
  if (result === undefined) byPolicy.set(policy, (result = verifier.withPolicy(policy)));
  return result;
}
