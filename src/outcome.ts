// What each method said of a request, kept with the request, so that a nonce is spent once however many
// guards there are.
import type { Exchange } from './exchange.ts';
import type { Evidence } from './identity.ts';
import { Continue, type MaybePromise, type ServerMethod } from './method.ts';

/** What a method answers; see `ServerMethod.verify`. */
export type Outcome = Evidence | Continue | null;

interface Memory {
  /** What `prepare` threw, if it did. */
  readonly failure: unknown;
  outcome: MaybePromise<Outcome> | undefined;
}

/** Lets a method look at a request early, once. What goes wrong is kept for `verifyOnce`. */
export function prepareOnce(method: ServerMethod, exchange: Exchange): void {
  memoryOf(method, exchange);
}

/** What the method says of the request; asked once. At once, where the method knows at once. */
export function verifyOnce(method: ServerMethod, exchange: Exchange): MaybePromise<Outcome> {
  const memory = memoryOf(method, exchange);
  if (memory.outcome === undefined) memory.outcome = verify(method, exchange, memory);
  return memory.outcome;
}

function memoryOf(method: ServerMethod, exchange: Exchange): Memory {
  let mine = exchange.memory.get(method) as Memory | undefined;
  if (mine === undefined) {
    mine = { failure: failureOf(method, exchange), outcome: undefined };
    exchange.memory.set(method, mine);
  }
  return mine;
}

function failureOf(method: ServerMethod, exchange: Exchange): unknown {
  try {
    method.prepare?.(exchange);
    return undefined;
  } catch (error) {
    return error ?? new TypeError(`${method.name} failed to prepare`);
  }
}

function verify(
  method: ServerMethod,
  exchange: Exchange,
  { failure }: Memory,
): MaybePromise<Outcome> {
  try {
    if (failure !== undefined) throw failure instanceof Error ? failure : thrown(method, failure);
    const answer = method.verify(exchange);
    return answer instanceof Promise
      ? answer.then((outcome) => checked(method, outcome))
      : checked(method, answer);
  } catch (error) {
    // Remembered as well: a nonce that was spent on a bad proof is spent.
    return Promise.reject(error instanceof Error ? error : thrown(method, error));
  }
}

function checked(method: ServerMethod, outcome: Outcome | undefined): Outcome {
  if (outcome === null || outcome instanceof Continue) return outcome;
  // A method that forgets to answer must not have proven anything.
  if (typeof outcome?.subject !== 'string' || outcome.subject === '') {
    throw new TypeError(
      `${method.name} answered neither null, nor Continue, nor evidence with a subject`,
    );
  }
  // Anything but an instant would compare as neither older nor younger, and pass for now.
  const { authenticatedAt } = outcome;
  if (authenticatedAt !== undefined && !isInstant(authenticatedAt)) {
    throw new TypeError(`${method.name} answered with an authenticatedAt that is no valid Date`);
  }
  return outcome;
}

function thrown(method: ServerMethod, cause: unknown): TypeError {
  return new TypeError(`${method.name} threw what is no error`, { cause });
}

function isInstant(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
