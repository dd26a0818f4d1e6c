// Where a service proves itself: `writeHead` is the one place that every response passes, whoever writes
// it and however, at the moment when its head is final.
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Exchange } from '../exchange.ts';
import { publish } from '../events.ts';
import type { Identity } from '../identity.ts';
import { isPromise } from '../maybe-promise.ts';
import type { ResponseHead, ServerMethod } from '../method.ts';

/** The response to a request of HTTP/1.1 or of HTTP/2. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** RFC 9113 section 7. Written out, for loading node:http2 takes time that most programs never need. */
const http2InternalError = 0x2;

type Prover = (head: ResponseHead) => unknown;

/** Who has a say in the heads of responses. */
export interface HeadOwner {
  readonly name: string;
  /** Whether what it wants still holds, when others have changed the head. @defaultValue it must not change */
  holds?(head: ResponseHead): boolean;
}

type Provers = Map<HeadOwner, Prover>;

interface Hook {
  readonly exchange: Exchange;
  readonly provers: Provers;
  /** What was there before. */
  readonly writeHead: (...args: unknown[]) => ServerResponse;
  /** Whether that is somebody else's, who was here first; then his comes after the proof, and must leave it alone. */
  readonly isForeign: boolean;
  /** Whether the head is still to be proven. */
  isOpen: boolean;
}

// On the response itself, and one function for all of them: with a closure for each, or a WeakMap by response,
// collecting the garbage costs more than all the rest.
const hookOf = Symbol('hook');

type Hooked = NodeResponse & { [hookOf]?: Hook };

/**
 * Makes the head of a response pass here before it leaves, so that what is hooked later, and changes it when
 * it leaves, does so before the proof. Nothing is hooked where no method proves anything.
 */
export function hookFor(
  methods: readonly ServerMethod[],
  response: NodeResponse,
  exchange: Exchange,
  always: boolean,
): void {
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
  if (response.headersSent) {
    const cause = new Error('the head had left before the guard decided');
    publish('proof', exchange, () => ({ method: owner.name, cause }));
    if (!response.writableEnded) tearDown(response);
  }
}

/** Sees to it that every method that the identity rests on adds its proof to the response. */
export function proveOn(
  exchange: Exchange,
  response: NodeResponse,
  methods: readonly ServerMethod[],
  identity: Identity,
): void {
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
  const response = given as ServerResponse & { [hookOf]?: Hook };
  const isForeign = Object.hasOwn(response, 'writeHead');
  const writeHead = response.writeHead as Hook['writeHead'];
  response.writeHead = writeProvenHead;
  return (response[hookOf] = { exchange, provers: new Map(), writeHead, isForeign, isOpen: true });
}

function writeProvenHead(this: ServerResponse, status: number, ...rest: unknown[]): ServerResponse {
  const hooked = (this as Hooked)[hookOf]!;
  const { exchange, provers, writeHead, isForeign, isOpen } = hooked;
  if (!isOpen || provers.size === 0) return writeHead.call(this, status, ...rest);
  hooked.isOpen = false;
  try {
    const message = typeof rest[0] === 'string' ? rest.shift() : undefined;
    this.statusCode = status;
    if (typeof message === 'string') this.statusMessage = message;
    setFields(this, rest[0]);
    if (!proveAll(this, exchange, provers)) return this;
    const proven = isForeign ? spell(this) : '';
    writeHead.call(this, status);
    if (isForeign && spell(this) !== proven) checkChanged(this, hooked);
    return this;
  } catch (error) {
    // No head has left. The next one, of an error page perhaps, is to be proven as well.
    hooked.isOpen = true;
    throw error;
  }
}

/** The head has changed behind our back, and is on its way. */
function checkChanged(response: ServerResponse, { exchange, provers }: Hook): void {
  const head = headOf(response);
  const broken = [...provers.keys()].filter((owner) => owner.holds?.(head) !== true);
  if (broken.length === 0) return;
  const cause = new Error('the head was changed behind the proof; put prepare(verifier) first');
  for (const { name } of broken) publish('proof', exchange, () => ({ method: name, cause }));
  tearDown(response);
}

function spell(response: NodeResponse): string {
  return JSON.stringify([response.statusCode, response.getHeaders()]);
}

/** Whether every proof is in the head. If not, the response is gone. */
function proveAll(response: NodeResponse, exchange: Exchange, provers: Provers): boolean {
  for (const [method, prove] of provers) {
    try {
      const answer: unknown = prove(headOf(response));
      if (isPromise(answer)) {
        answer.catch(() => undefined);
        throw new TypeError(`${method.name} proves asynchronously, which it must not`);
      }
    } catch (cause) {
      publish('proof', exchange, () => ({ method: method.name, cause }));
      // Half of a response is worth less than none: the peer must not read an unproven answer.
      tearDown(response);
      return false;
    }
  }
  return true;
}

// On HTTP/2 a stream that is merely destroyed would read as one that ended in good order.
function tearDown(response: NodeResponse): void {
  if ('stream' in response) response.stream.close(http2InternalError);
  else response.destroy();
}

// Fields given to writeHead itself are invisible to getHeader until they are set.
function setFields(response: NodeResponse, given: unknown): void {
  const pairs: readonly (readonly [string, OutgoingHttpHeader])[] = Array.isArray(given)
    ? typeof given[0] === 'string'
      ? given.flatMap((name: string, i) => (i % 2 === 0 ? [[name, given[i + 1]] as const] : []))
      : given
    : Object.entries((given ?? {}) as Record<string, OutgoingHttpHeader>);
  const seen = new Set<string>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (seen.has(key)) response.appendHeader(name, value as string);
    else response.setHeader(name, value);
    seen.add(key);
  }
}

function headOf(response: NodeResponse): ResponseHead {
  return {
    status: response.statusCode,
    field(name) {
      const value = response.getHeader(name);
      return value === undefined ? undefined : [value].flat().join(', ');
    },
    setField(name, value) {
      response.setHeader(name, value);
    },
  };
}
