import { AuthError, quote } from './errors.ts';
import { type FreshParameters, stale } from './http/message-signatures/freshness.ts';
import { type MaybePromise, andThen } from './maybe-promise.ts';
import { type Store, spend } from './stores/store.ts';

/**
 * Spends the nonce of a signature that holds: it counts once.
 *
 * @param use what it is for; nonces of one use are no others'
 * @throws AuthError, or rejects with one: `ERR_REPLAYED`, or `ERR_SIGNATURE_STALE` where it may have come
 * before the store began to remember
 */
export function spendSignature(
  store: Store,
  use: string,
  { keyid, nonce, created, ttl }: FreshParameters,
): MaybePromise<void> {
  const key = `${use}:${keyid}:${nonce}`;
  // Signatures say the second. At its end, that is, for else a service would refuse all of its first one.
  const once = { key, created: created * 1000 + 999, ttl, share: keyid };
  return andThen(spend(store, once), (outcome) => {
    if (outcome === 'first') return;
    if (outcome === 'unknown') throw stale('the store remembers nothing that old');
    throw new AuthError('ERR_REPLAYED', `a signature of ${quote(keyid)} came a second time`);
  });
}
