// The entries of a CRL, of which there may be a million. None becomes an object: what is kept is the DER
// and a hash table of places in it, so that a list costs little more memory than its bytes and an answer
// costs a lookup.
import { randomBytes } from 'node:crypto';
import { type CrlEntry, readCrlEntry } from './entry.ts';
import { DerReader, malformed } from '../der.ts';
import { nameKey } from '../name-match.ts';
import { plainEntryLength } from './plain-entry.ts';

/** A sequence head, a serial number of one byte and a UTCTime: no entry is shorter. */
const minEntryBytes = 20;
/** Some milliseconds, counted in entries of the plain form; one of another form costs as much as twenty. */
const workPerStep = 2048;
const plainWork = 1;
const otherWork = 20;
/** Far beyond what an honest list of any length comes to at this load (some 80), short enough to bear. */
const maxProbes = 512;

// An attacker who could foretell the places would put all entries into one.
const seed = randomBytes(4).readUInt32LE();

export class CrlEntries {
  #count = 0;
  readonly #bytes: Uint8Array;
  readonly #version: 1 | 2;
  /** Places of entries, plus one. At most half of the slots are used. */
  readonly #slots: Uint32Array;
  /** Numbers of certificate issuers, by `nameKey`. The issuer of the CRL is number 0. */
  readonly #issuers: Map<string, number>;
  /** From which place on which issuer counts: one that an entry names holds for those that follow. */
  readonly #changes = [{ from: 0, issuer: 0 }];

  /** @param bytes the content of the SEQUENCE OF entries */
  constructor(bytes: Uint8Array, version: 1 | 2, crlIssuer: Uint8Array) {
    this.#bytes = bytes;
    this.#version = version;
    this.#issuers = new Map([[nameKey(crlIssuer), 0]]);
    this.#slots = new Uint32Array(2 * Math.ceil(bytes.length / minEntryBytes));
  }

  get count(): number {
    return this.#count;
  }

  /** Whether there are entries for certificates of others than the CRL's issuer. */
  get areIndirect(): boolean {
    return this.#changes.length > 1;
  }

  /**
   * Reads every entry and notes its place. Yields how many bytes are read so far.
   *
   * @throws AuthError `ERR_CERTIFICATE_MALFORMED`, `ERR_CERTIFICATE_EXTENSION`
   */
  *index(): Generator<number, void> {
    let at = 0;
    let work = 0;
    while (at < this.#bytes.length) {
      const plain = plainEntryLength(this.#bytes, at, this.#version);
      const length = plain ?? this.#read(at);
      this.#note(at, this.#serialAt(at));
      at += length;
      this.#count++;
      work += plain === undefined ? otherWork : plainWork;
      if (work < workPerStep) continue;
      yield at;
      work = 0;
    }
  }

  /** @param issuer the `nameKey` of the certificate's issuer */
  find(issuer: string, serialNumber: Uint8Array): CrlEntry | undefined {
    const number = this.#issuers.get(issuer);
    if (number === undefined || this.#slots.length === 0) return undefined;
    let slot = this.#slot(number, serialNumber);
    for (let probes = 0; probes <= maxProbes; probes++, slot = this.#after(slot)) {
      const at = this.#slots[slot]! - 1;
      if (at < 0) return undefined;
      if (Buffer.compare(this.#serialAt(at), serialNumber) !== 0) continue;
      if (this.#issuerAt(at) === number) return readCrlEntry(this.#bytes.subarray(at)).entry;
    }
    return undefined;
  }

  /** Reads an entry of any form, and whose certificates it and those after it are about. */
  #read(at: number): number {
    const { length, hasExtensions, certificateIssuer } = readCrlEntry(this.#bytes.subarray(at));
    if (hasExtensions && this.#version === 1) throw malformed('extensions in a CRL of version 1');
    if (certificateIssuer !== undefined) {
      const key = nameKey(certificateIssuer);
      const issuer = this.#issuers.get(key) ?? this.#issuers.size;
      this.#issuers.set(key, issuer);
      this.#changes.push({ from: at, issuer });
    }
    return length;
  }

  #note(at: number, serialNumber: Uint8Array): void {
    let slot = this.#slot(this.#changes.at(-1)!.issuer, serialNumber);
    for (let probes = 0; this.#slots[slot] !== 0; slot = this.#after(slot)) {
      if (++probes > maxProbes) throw malformed('serial numbers that all look alike');
    }
    this.#slots[slot] = at + 1;
  }

  #serialAt(at: number): Uint8Array {
    // The entry has been read, so these are lengths of one byte, or of more that are as they should be.
    const head = this.#bytes[at + 1]!;
    const serial = at + 2 + (head < 0x80 ? 0 : head & 0x7f);
    const length = this.#bytes[serial + 1]!;
    if (length < 0x80) return this.#bytes.subarray(serial + 2, serial + 2 + length);
    return new DerReader(this.#bytes.subarray(serial)).next().content;
  }

  #issuerAt(at: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#changes[middle]!.from <= at) low = middle;
      else high = middle;
    }
    return this.#changes[low]!.issuer;
  }

  #slot(issuer: number, serialNumber: Uint8Array): number {
    return Math.floor((hash(issuer, serialNumber) / 2 ** 32) * this.#slots.length);
  }

  #after(slot: number): number {
    return slot + 1 === this.#slots.length ? 0 : slot + 1;
  }
}

/** MurmurHash3's mixing, a byte at a time. */
function hash(issuer: number, bytes: Uint8Array): number {
  let value = seed ^ Math.imul(issuer + 1, 0x9e3779b1);
  for (let i = 0; i < bytes.length; i++) {
    value = Math.imul(value ^ bytes[i]!, 0xcc9e2d51);
    value ^= value >>> 15;
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
