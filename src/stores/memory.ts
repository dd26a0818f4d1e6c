import { ConfigError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { DigestTable } from './digest-table.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { Quota, checkRoom, secondAfter } from './quota.ts';
import { Shares } from './shares.ts';
import { type Store, ttlMs } from './store.ts';

export interface MemoryStoreOptions {
  /** How many keys are remembered at a time. A million takes some 50 MB. @defaultValue 1,000,000 */
  readonly maxEntries?: number;
  /** How many values are kept at a time. @defaultValue 100,000 */
  readonly maxValues?: number;
  /**
   * The part of either that one account fills at most, above 0 and up to 1.
   *
   * @defaultValue 0.25
   */
  readonly maxShare?: number;
  /** For tests: milliseconds since the epoch. @defaultValue the system's clock */
  readonly now?: () => number;
}

/** Characters of all values with their keys, on average for each that there is room for. */
const charactersPerValue = 4_096;

/**
 * The store of a single process, which answers at once. It begins empty, so that whatever was made before the
 * process began is refused.
 *
 * Bounded, in memory too, and without timers: what is over goes when something else comes.
 *
 * @throws ConfigError
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const {
    maxEntries = 1_000_000,
    maxValues = 100_000,
    maxShare = 0.25,
    now = Date.now,
  } = checkOptions('memoryStore', options, ['maxEntries', 'maxValues', 'maxShare', 'now']);
  checkCount('memoryStore.maxEntries', maxEntries);
  checkCount('memoryStore.maxValues', maxValues);
  if (!(maxShare > 0 && maxShare <= 1)) {
    throw new ConfigError('memoryStore.maxShare', 'must be a number above 0 and up to 1');
  }
  if (typeof now !== 'function') {
    throw new ConfigError('memoryStore.now', 'must be a function; leave it out for the real clock');
  }
  const keys = new Keys(maxEntries, maxShare);
  const values = new Values(maxValues, maxShare);
  const born = now();
  return {
    add: (key, ttl, share) => keys.add(key, now(), ttlMs(ttl), share),
    put: (key, value, ttl, share) => values.put(key, value, now(), ttlMs(ttl), share),
    get: (key) => values.get(key, now()),
    take: (key) => values.take(key, now()),
    bornAt: () => born,
  };
}

/** Keys without values. */
class Keys {
  readonly #table: DigestTable;
  readonly #quota: Quota;

  constructor(limit: number, share: number) {
    this.#table = new DigestTable(limit);
    this.#quota = new Quota(limit, Math.ceil(limit * share));
  }

  add(key: string, now: number, ttl: number, share: string | undefined): boolean {
    const second = Math.floor(now / 1000);
    const until = secondAfter(now + ttl);
    if (this.#table.has(key, second)) return false;
    this.#quota.check(share, second);
    this.#table.insert(until, second);
    this.#quota.count(share, until);
    return true;
  }
}

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly account: number;
  /** In milliseconds. */
  readonly until: number;
  /** Where it stands among those that end in the same second. */
  place: number;
}

/** Keys with values. */
class Values {
  readonly #entries = new Map<string, Entry>();
  readonly #shares: Shares;
  readonly #ends = new ExpiryQueue<Entry>();
  readonly #limit: number;
  #characters = 0;

  constructor(limit: number, share: number) {
    this.#limit = limit;
    this.#shares = new Shares(Math.ceil(limit * share));
  }

  put(key: string, value: string, now: number, ttl: number, share: string | undefined): void {
    this.#expire(now);
    const account = this.#shares.of(share);
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(before);
    const characters = this.#characters + key.length + value.length;
    try {
      const fits = characters <= this.#limit * charactersPerValue;
      checkRoom(fits && this.#entries.size < this.#limit, !this.#shares.isFull(account));
    } catch (error) {
      // Refused is not forgotten.
      if (before !== undefined) this.#insert(before);
      throw error;
    }
    this.#insert({ key, value, account, until: now + ttl, place: 0 });
  }

  get(key: string, now: number): string | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.until > now ? entry.value : undefined;
  }

  take(key: string, now: number): string | undefined {
    const value = this.get(key, now);
    if (value !== undefined) this.#remove(this.#entries.get(key)!);
    return value;
  }

  #expire(now: number): void {
    this.#ends.expire(Math.floor(now / 1000), this.#forget);
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#shares.take(entry.account);
    this.#characters += entry.key.length + entry.value.length;
    entry.place = this.#ends.add(secondAfter(entry.until), entry);
  }

  #remove(entry: Entry): void {
    const moved = this.#ends.remove(secondAfter(entry.until), entry.place);
    if (moved !== undefined) moved.place = entry.place;
    this.#forget(entry);
  }

  readonly #forget = ({ key, value, account }: Entry): void => {
    this.#entries.delete(key);
    this.#shares.give(account);
    this.#characters -= key.length + value.length;
  };
}

function checkCount(path: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 2 ** 26) {
    throw new ConfigError(path, 'must be a whole number from 1 to 67,108,864');
  }
}
