// What is kept of a response whose head passes through our hands.
import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.ts';
import { publish } from '../events.ts';
import type { Identity } from '../identity.ts';
import type { ResponseHead } from '../method.ts';
import type { Digesting, ResponseProof } from '../proof.ts';
import { type NodeResponse, headOf, spell, tearDown } from './head.ts';

export type Prover = (head: ResponseHead) => unknown;

/** Who has a say in the heads of responses. */
export interface HeadOwner {
  readonly name: string;
  /** Whether what it wants still holds, when others have changed the head. @defaultValue it must not change */
  holds?(head: ResponseHead): boolean;
}

export interface Hook {
  readonly exchange: Exchange;
  /** By who adds to the head: a method, or whoever has a name and a say in it. */
  readonly provers: Map<HeadOwner, Prover>;
  /** What was there before. */
  readonly writeHead: Replaced<ServerResponse>;
  /** Whether that is somebody else's, who was here first; then his comes after the proof, and must leave it alone. */
  readonly isForeign: boolean;
  /** Whether the head is still to be proven. */
  isOpen: boolean;
  /** Where the whole response is proven. */
  signing: Signing | undefined;
}

export type Chunk = Uint8Array | string;
export type Done = ((error?: Error | null) => void) | undefined;
export type Replaced<Result> = (...args: never[]) => Result;

/** How far a response is that is proven as a whole. */
export interface Signing {
  exchange: Exchange;
  /** Undefined where a policy says that it is not to be proven. */
  proof: ResponseProof | undefined;
  /** Of the peer, once it is accepted. */
  identity: Identity | undefined;
  /**
   * `open`: there is no head. `held`: there is one, and it is not known what becomes of the content.
   * `waiting`: for a signature. `sent`: the head has left, or nothing ever will.
   */
  phase: 'open' | 'held' | 'waiting' | 'sent';
  /** Whether it is we who ask for the head, and go on with the content in the same step. */
  isWithin: boolean;
  /** Content that was kept back. */
  kept: (Uint8Array | string)[];
  keptLength: number;
  /** Of a stream whose digest goes into its trailers. */
  digesting: Digesting | undefined;
  /** What is to be done once the head has left, in order. */
  readonly waiting: (() => boolean)[];
  /** What was there before. */
  readonly write: Replaced<boolean>;
  readonly end: Replaced<unknown>;
  readonly flushHeaders: Replaced<void>;
}

// On the response itself, and one function for all of them: with a closure for each, or a WeakMap by response,
// collecting the garbage costs more than all the rest.
export const hookOf: unique symbol = Symbol('hook');

export type Hooked = NodeResponse & { [hookOf]?: Hook };

/** Sends a head that is proven. Whoever changes it behind the proof ends the connection. */
export function sendHead(response: NodeResponse, hook: Hook): void {
  const proven = hook.isForeign ? spell(response) : '';
  hook.writeHead.call(response, response.statusCode as never);
  if (!hook.isForeign || spell(response) === proven) return;
  const { provers, signing } = hook;
  const head = headOf(response);
  const isBroken = [...provers.keys()].some((owner) => owner.holds?.(head) !== true);
  if (signing?.proof === undefined && !isBroken) return;
  fail(
    response,
    hook,
    new Error('the head was changed behind the proof; put prepare(verifier) first'),
  );
}

/** Ends a response whose proof cannot be made: the peer must not read an unproven answer. */
export function fail(
  response: NodeResponse,
  { exchange, provers, signing }: Hook,
  cause: unknown,
  by?: HeadOwner,
): void {
  const names = by === undefined ? [...provers.keys(), signing?.proof] : [by];
  for (const prover of names) {
    if (prover !== undefined) publish('proof', exchange, () => ({ method: prover.name, cause }));
  }
  if (signing !== undefined) {
    signing.phase = 'sent';
    signing.kept = [];
    signing.digesting = undefined;
    signing.waiting.length = 0;
  }
  // Half of a response is worth less than none.
  tearDown(response);
}
