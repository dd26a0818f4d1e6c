import { ExpiryQueue } from './expiry-queue.ts';
import { Shares } from './shares.ts';
import { storeFull } from './store.ts';

/** How much of a store is in use, all together and by account. */
export class Quota {
  readonly #limit: number;
  readonly #shares: Shares;
  /** The account of each thing, which is all that has to be known at its end. */
  readonly #ends = new ExpiryQueue<number>();

  constructor(limit: number, perShare: number) {
    this.#limit = limit;
    this.#shares = new Shares(perShare);
  }

  /** @throws AuthError `ERR_STORE_FULL` */
  check(share: string | undefined, now: number): void {
    this.#ends.expire(now, this.#give);
    checkRoom(this.#ends.size < this.#limit, !this.#shares.isFull(this.#shares.of(share)));
  }

  /** Counts one more thing until a second. */
  count(share: string | undefined, until: number): void {
    const account = this.#shares.of(share);
    this.#shares.take(account);
    this.#ends.add(until, account);
  }

  readonly #give = (account: number): void => this.#shares.give(account);
}

/** @throws AuthError `ERR_STORE_FULL` */
export function checkRoom(all: boolean, share: boolean): void {
  if (!all) throw storeFull('the store has no more room');
  if (!share) throw storeFull('one account has filled its share of the store');
}

/** The second with which an instant in milliseconds is over: never before it is. */
export function secondAfter(time: number): number {
  return Math.ceil(time / 1000);
}
