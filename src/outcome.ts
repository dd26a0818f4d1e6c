// What each method said of a request, kept with the request, so that a nonce is spent once however many
// guards there are.
import { AuthError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Evidence } from './identity.ts';
import { type MaybePromise, andThen, isPromise } from './maybe-promise.ts';
import { remembered } from './memory.ts';
import { Continue, type ServerMethod, type Services } from './method.ts';

/** What a method answers; see `ServerMethod.verify`. */
export type Outcome = Evidence | Continue | null;

interface Memory {
  /** What `prepare` or `verify` threw. A nonce that was spent on a bad proof stays spent. */
  failure: Error | undefined;
  outcome: MaybePromise<Outcome> | undefined;
}

/** Lets a method look at a request early, once. What goes wrong is kept for `verifyOnce`. */
export function prepareOnce(method: ServerMethod, exchange: Exchange): void {
  if (method.prepare !== undefined) memoryOf(method, exchange);
}

/** What the method says of the request; asked once. At once, and throws, where the method does. */
export function verifyOnce(
  method: ServerMethod,
  exchange: Exchange,
  services: Services,
): MaybePromise<Outcome> {
  const memory = memoryOf(method, exchange);
  if (memory.failure !== undefined) throw memory.failure;
  if (memory.outcome !== undefined) return memory.outcome;
  try {
    const answer = andThen(method.verify(exchange, services), (outcome) =>
      checked(method, outcome, exchange),
    );
    return (memory.outcome = answer);
  } catch (error) {
    throw (memory.failure = errorOf(method, error));
  }
}

const ends = new WeakMap<Evidence, number>();

/**
 * The last instant, in milliseconds, at which evidence holds; Infinity where it has none.
 *
 * It is that of the first look: methods keep evidence for all requests of a connection, handlers get it as
 * part of the identity, and a Date can be set.
 */
export function endOf(evidence: Evidence): number {
  if (evidence.notAfter === undefined) return Infinity;
  let end = ends.get(evidence);
  if (end === undefined) ends.set(evidence, (end = evidence.notAfter.getTime()));
  return end;
}

function memoryOf(method: ServerMethod, exchange: Exchange): Memory {
  return remembered(exchange, method, () => prepared(method, exchange));
}

function prepared(method: ServerMethod, exchange: Exchange): Memory {
  const memory: Memory = { failure: undefined, outcome: undefined };
  try {
    const answer: unknown = method.prepare?.(exchange);
    // What comes later comes after `verify`, and nobody would hear of its failure.
    if (isPromise(answer)) {
      answer.catch(() => undefined);
      throw new TypeError(`${method.name} prepares asynchronously, which it must not`);
    }
  } catch (error) {
    memory.failure = errorOf(method, error);
  }
  return memory;
}

function checked(method: ServerMethod, outcome: Outcome | undefined, { now }: Exchange): Outcome {
  if (outcome === null || outcome instanceof Continue) return outcome;
  // A method that forgets to answer must not have proven anything.
  if (typeof outcome?.subject !== 'string' || outcome.subject === '') {
    throw new TypeError(
      `${method.name} answered neither null, nor Continue, nor evidence with a subject`,
    );
  }
  // Anything but an instant would compare as neither older nor younger, and pass for now.
  for (const name of ['authenticatedAt', 'notAfter'] as const) {
    if (outcome[name] !== undefined && !isInstant(outcome[name])) {
      throw new TypeError(`${method.name} answered with ${name}, which is no valid Date`);
    }
  }
  const end = endOf(outcome);
  if (now.getTime() > end) {
    throw new AuthError(
      'ERR_CREDENTIAL_EXPIRED',
      `what ${method.name} found held until ${new Date(end).toISOString()}`,
    );
  }
  return outcome;
}

function errorOf(method: ServerMethod, thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new TypeError(`${method.name} threw what is no error`, { cause: thrown });
}

function isInstant(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
