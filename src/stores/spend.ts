import { type MaybePromise, andThen } from '../maybe-promise.ts';
import type { Store } from './store.ts';

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
 * Whether this is the first time that a message is seen; `'unknown'` where it may have come before the store
 * began to remember.
 *
 * A peer's clock may be ahead, so that a message from before says that it was made afterwards. Whatever is not
 * younger than the store by that much is unknown.
 */
export function spend(
  store: Store,
  { key, created, ttl, share }: OneTime,
): MaybePromise<'first' | 'seen' | 'unknown'> {
  return andThen(store.add(key, ttl, share), (absent) =>
    absent
      ? andThen(store.bornAt(), (born) =>
          Math.floor(created / 1000) >= Math.floor(born / 1000) ? 'first' : 'unknown',
        )
      : 'seen',
  );
}
