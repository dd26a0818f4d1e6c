import { randomBytes } from 'node:crypto';

// Each number may stand for several accounts, so that accounts need no memory of their own. An honest one
// shares its number with one that floods the store in a case out of 65,536, and whose cannot be chosen.
const numbers = 65_536;

/** How many things each account has in a store. */
export class Shares {
  readonly #counts = new Uint32Array(numbers);
  readonly #seed = randomBytes(4).readUInt32LE();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The number of an account; without one, a number that is never full. */
  of(share: string | undefined): number {
    if (share === undefined) return -1;
    // FNV-1a, and the end of MurmurHash3, which mixes the bits that are kept.
    let hash = this.#seed;
    for (let i = 0; i < share.length; i++) {
      hash = Math.imul(hash ^ share.charCodeAt(i), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & (numbers - 1);
  }

  isFull(number: number): boolean {
    return number >= 0 && this.#counts[number]! >= this.#limit;
  }

  take(number: number): void {
    if (number >= 0) this.#counts[number]!++;
  }

  give(number: number): void {
    if (number >= 0) this.#counts[number]!--;
  }
}
