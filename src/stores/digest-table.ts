// Which keys are remembered, as 96 bits of a digest and the second of their end: 16 bytes in a typed array,
// where a Map of strings would take a hundred and be walked by every garbage collection.
//
// The digest is keyed, so that nobody finds keys that crowd one place. Two keys with the same 96 bits would be
// taken for one, which refuses the second.
import { hash, randomBytes } from 'node:crypto';

/** Words of 32 bits in a slot: the digest's three, and the end. An end of 0 is a slot never used. */
const width = 4;
const end = 3;
/** How many keys a segment has room for: few enough that laying one out anew is no pause. */
const segmentKeys = 1_024;

interface Segment {
  words: Uint32Array;
  /** Slots that are used, also by keys whose time is over. */
  used: number;
}

export class DigestTable {
  readonly #secret = randomBytes(16).toString('latin1');
  readonly #segments: (Segment | undefined)[];
  // The digest at hand.
  #a = 0;
  #b = 0;
  #c = 0;
  #place = 0;

  /** @param keys how many there are going to be, at most */
  constructor(keys: number) {
    this.#segments = new Array<undefined>(Math.ceil(keys / segmentKeys)).fill(undefined);
  }

  /** Whether a key is there whose time is not over at the second `now`. */
  has(key: string, now: number): boolean {
    this.#digest(key);
    const segment = this.#segments[this.#place];
    if (segment === undefined) return false;
    const { words } = segment;
    const mask = words.length - 1;
    for (let i = (this.#a * width) & mask; words[i + end] !== 0; i = (i + width) & mask) {
      const same = words[i] === this.#a && words[i + 1] === this.#b && words[i + 2] === this.#c;
      if (same && words[i + end]! > now) return true;
    }
    return false;
  }

  /** Puts in the key that `has` was last asked for and that was not there. */
  insert(until: number, now: number): void {
    const segment = (this.#segments[this.#place] ??= {
      words: new Uint32Array(8 * width),
      used: 0,
    });
    if ((segment.used + 1) * width > segment.words.length * 0.75) layOut(segment, now);
    if (write(segment.words, this.#a, this.#b, this.#c, until, now)) segment.used++;
  }

  #digest(key: string): void {
    // The quickest of the encodings.
    const bytes = hash('sha256', this.#secret + key, 'binary');
    this.#a = word(bytes, 0);
    this.#b = word(bytes, 4);
    this.#c = word(bytes, 8);
    this.#place = word(bytes, 12) % this.#segments.length;
  }
}

/** @returns whether it took a slot that was never used */
function write(
  words: Uint32Array,
  a: number,
  b: number,
  c: number,
  until: number,
  now: number,
): boolean {
  const mask = words.length - 1;
  let i = (a * width) & mask;
  // Also over one whose time is over: all that stand behind it are still found.
  while (words[i + end]! > now) i = (i + width) & mask;
  const fresh = words[i + end] === 0;
  words[i] = a;
  words[i + 1] = b;
  words[i + 2] = c;
  words[i + end] = until;
  return fresh;
}

/** Without the keys whose time is over, and with room for as many again. */
function layOut(segment: Segment, now: number): void {
  const { words } = segment;
  let live = 0;
  for (let i = end; i < words.length; i += width) if (words[i]! > now) live++;
  let slots = 8;
  while (slots < live * 2) slots *= 2;
  segment.words = new Uint32Array(slots * width);
  segment.used = live;
  for (let i = 0; i < words.length; i += width) {
    const until = words[i + end]!;
    if (until > now) write(segment.words, words[i]!, words[i + 1]!, words[i + 2]!, until, now);
  }
}

function word(bytes: string, at: number): number {
  return (
    (bytes.charCodeAt(at) |
      (bytes.charCodeAt(at + 1) << 8) |
      (bytes.charCodeAt(at + 2) << 16) |
      (bytes.charCodeAt(at + 3) << 24)) >>>
    0
  );
}
