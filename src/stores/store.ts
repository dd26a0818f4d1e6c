import { AuthError } from '../errors.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';

/**
 * What has to be remembered between requests: nonces that were spent, states of sign-ins, sessions.
 *
 * Every verb is one atomic step, also among processes that share a store. Keys are opaque text, and those of
 * `add` never meet those of `put`. A `ttl` is in seconds; nothing is forgotten before it is over, and what does
 * not fit is refused.
 *
 * Every verb throws or rejects with an AuthError: `ERR_STORE_FULL`, `ERR_STORE_UNAVAILABLE`.
 */
export interface Store {
  /**
   * Remembers a key, and says whether it was absent. Of all who add one key, one gets `true`.
   *
   * @param share on whose account, so that nobody fills the store alone: an API key's id, a subject. Say it
   * whenever it has been proven. It stands beside the key, and is not cut out of it, because a peer chooses
   * part of most keys
   */
  add(key: string, ttl: number, share?: string): MaybePromise<boolean>;
  /** Keeps a value under a key, in place of the one that was there. */
  put(key: string, value: string, ttl: number, share?: string): MaybePromise<void>;
  get(key: string): MaybePromise<string | undefined>;
  /** The value, which is gone afterwards. Of all who take one, one gets it. */
  take(key: string): MaybePromise<string | undefined>;
  /**
   * Since when the store remembers, in milliseconds since the epoch: a number, because it is compared with
   * every message and nobody can change it. What was made before may have been seen and forgotten.
   *
   * Ask after `add`, not before: in between the store may have lost its memory, and `add` would answer from
   * the new one. `spend` does both.
   */
  bornAt(): MaybePromise<number>;
}

/** A message that counts once. */
export interface OneTime {
  /** What makes it different from all others. */
  readonly key: string;
  /** When it was made, as it says itself: in milliseconds since the epoch. */
  readonly created: number;
  /** For how many seconds from now on it would be accepted. */
  readonly ttl: number;
  /** On whose account it is remembered. */
  readonly share: string;
}

/**
 * Whether this is the first time that a message is seen; `'unknown'` where it was made before the store began to
 * remember, and may have come already.
 *
 * Not seen is a message from before whose maker's clock was ahead: to refuse that too, a service would have to refuse everybody for as long as clocks may be off, each time it
 * starts.
 */
export function spend(
  store: Store,
  { key, created, ttl, share }: OneTime,
): MaybePromise<'first' | 'seen' | 'unknown'> {
  return andThen(store.add(key, ttl, share), (absent) =>
    absent ? andThen(store.bornAt(), (born) => (created > born ? 'first' : 'unknown')) : 'seen',
  );
}

/**
 * Checks a time to live, which a store must not get wrong: what never expired would fill it, and what expires
 * at once would be no memory.
 *
 * @returns it in milliseconds, rounded up
 * @throws RangeError
 */
export function ttlMs(ttl: number): number {
  if (!(ttl > 0 && ttl <= 86_400 * 366)) {
    throw new RangeError(`a ttl is seconds, above 0 and up to a year, and not ${ttl}`);
  }
  return Math.ceil(ttl * 1000);
}

export function storeFull(what: string): AuthError {
  return new AuthError('ERR_STORE_FULL', `${what}; nothing is forgotten before its time`);
}

/** @param cause one that holds no key and no value: it goes to the event channel */
export function storeUnavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError('ERR_STORE_UNAVAILABLE', reason, cause === undefined ? {} : { cause });
}
