// Where a service proves itself: `writeHead` is the one place that every response passes, whoever writes
// it and however, at the moment when its head is final.
import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.ts';
import { publish } from '../events.ts';
import type { Identity } from '../identity.ts';
import { isPromise } from '../maybe-promise.ts';
import type { Verifier } from '../verifier.ts';
import { type NodeResponse, headOf, setFields, tearDown } from './head.ts';
import {
  type HeadOwner,
  type Hook,
  type Hooked,
  type Prover,
  fail,
  hookOf,
  sendHead,
} from './hook.ts';
import { holdForProof, signWith } from './signing.ts';

export type { NodeResponse } from './head.ts';

/**
 * Makes the head of a response pass here before it leaves, so that what is hooked later, and changes it when
 * it leaves, does so before the proof; and all of it, where the verifier proves every response. Nothing is
 * hooked where nothing is proven, but for `always`.
 */
export function hookFor(
  { methods, proof }: Verifier,
  response: NodeResponse,
  exchange: Exchange,
  always: boolean,
): void {
  if (proof !== undefined && proof !== 'off') {
    const hooked = hook(response, exchange);
    if (hooked.signing === undefined && response.headersSent) tooLate(proof, response, exchange);
    return signWith(proof, response, hooked, exchange);
  }
  const known = proof === 'off' ? (response as Hooked | undefined)?.[hookOf] : undefined;
  if (known !== undefined) signWith(undefined, response, known, exchange);
  if (always) return void hook(response, exchange);
  for (const { prove } of methods) {
    if (prove !== undefined) return void hook(response, exchange);
  }
}

/** Lets `prove` add to the head of a response when it is final, once for each `owner`, in the order they came. */
export function hookHead(
  owner: HeadOwner,
  response: NodeResponse,
  exchange: Exchange,
  prove: Prover,
): void {
  hook(response, exchange).provers.set(owner, prove);
  if (response.headersSent) tooLate(owner, response, exchange);
}

function tooLate(owner: HeadOwner, response: NodeResponse, exchange: Exchange): void {
  const cause = new Error('the head had left before the guard decided');
  publish('proof', exchange, () => ({ method: owner.name, cause }));
  if (!response.writableEnded) tearDown(response);
}

/** Sees to it that the response proves the service to a peer that was accepted, by each method that has a proof. */
export function proveOn(
  exchange: Exchange,
  response: NodeResponse,
  { methods, proof }: Verifier,
  identity: Identity | undefined,
): void {
  const signing = proof === undefined ? undefined : (response as Hooked)[hookOf]?.signing;
  if (signing !== undefined) signing.identity = identity;
  if (identity === undefined) return;
  for (const method of methods) {
    const evidence = identity.evidence[method.name];
    if (method.prove === undefined || evidence === undefined) continue;
    hookHead(method, response, exchange, (head) => method.prove?.(exchange, evidence, head));
  }
}

function hook(given: NodeResponse, exchange: Exchange): Hook {
  const known = (given as Hooked)[hookOf];
  if (known !== undefined) return known;
  // That of HTTP/2 takes the same arguments, whatever its type says.
  const response = given as ServerResponse & Hooked;
  const isForeign = Object.hasOwn(response, 'writeHead');
  const { writeHead } = response;
  response.writeHead = writeProvenHead;
  return (response[hookOf] = {
    exchange,
    provers: new Map(),
    writeHead,
    isForeign,
    isOpen: true,
    signing: undefined,
  });
}

function writeProvenHead(
  this: ServerResponse & Hooked,
  status: number,
  ...rest: unknown[]
): ServerResponse {
  const hooked = this[hookOf]!;
  const { provers, isOpen } = hooked;
  const signing = hooked.signing?.proof === undefined ? undefined : hooked.signing;
  if (!isOpen || (provers.size === 0 && signing === undefined)) {
    if (signing?.phase === 'held' || signing?.phase === 'waiting') throw headSent();
    const writeHead = hooked.writeHead as (...args: unknown[]) => ServerResponse;
    return writeHead.call(this, status, ...rest);
  }
  hooked.isOpen = false;
  try {
    if (!(status >= 100 && status <= 999)) throw invalidStatus(status);
    const message = typeof rest[0] === 'string' ? rest.shift() : undefined;
    this.statusCode = status;
    if (typeof message === 'string') this.statusMessage = message;
    setFields(this, rest[0]);
    if (!proveAll(this, hooked)) return this;
    if (signing === undefined) sendHead(this, hooked);
    else holdForProof(this, hooked, signing);
    return this;
  } catch (error) {
    // No head has left. The next one, of an error page perhaps, is to be proven as well.
    hooked.isOpen = true;
    throw error;
  }
}

/** Whether every method's proof is in the head. If not, the response is gone. */
function proveAll(response: NodeResponse, hooked: Hook): boolean {
  for (const [method, prove] of hooked.provers) {
    try {
      const answer: unknown = prove(headOf(response));
      if (isPromise(answer)) {
        answer.catch(() => undefined);
        throw new TypeError(`${method.name} proves asynchronously, which it must not`);
      }
    } catch (cause) {
      fail(response, hooked, cause, method);
      return false;
    }
  }
  return true;
}

function headSent(): Error {
  const error = new Error('Cannot write headers after they are sent to the client');
  return Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' });
}

// As Node's own, which comes when the head is sent.
function invalidStatus(status: unknown): Error {
  const error = new RangeError(`Invalid status code: ${String(status)}`);
  return Object.assign(error, { code: 'ERR_HTTP_INVALID_STATUS_CODE' });
}
