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
 * Whether this is the first time that a message is seen; `'unknown'` where it was made before the store began to
 * remember, and may have come already.
 *
 * By whole seconds, which is what messages say. Not seen is a message from before whose maker's clock was ahead:
 * to refuse that too, a service would have to refuse everybody for as long as clocks may be off, each time it
 * starts.
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
