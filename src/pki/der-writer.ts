// DER (X.690), the writing half: what certificates, CRLs and OCSP messages need. Definite lengths,
// low tag numbers (0 to 30). The writer trusts its caller: it writes a text in the string type it is
// told, whether or not the type allows it, because the test kit makes defective certificates on
// purpose.

/** The string types of ASN.1 that names are written in. */
export type StringType = 'utf8' | 'printable' | 'ia5' | 'numeric' | 'teletex' | 'bmp' | 'universal';

const stringTags: Readonly<Record<StringType, number>> = {
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  universal: 0x1c,
  bmp: 0x1e,
};

/** One element: identifier octet, length in the shortest form, contents. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), lengthOctets(body.length), body]);
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return element(0x30, ...items);
}

/** A SET OF: its members are sorted, as DER wants them (X.690 section 11.6). */
export function setOf(...items: readonly Uint8Array[]): Buffer {
  return element(0x31, ...[...items].sort((a, b) => Buffer.compare(a, b)));
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.of(value ? 0xff : 0x00));
}

/** Two's complement in the fewest octets; any size, either sign. */
export function integer(value: bigint | number): Buffer {
  return element(0x02, integerOctets(BigInt(value)));
}

export function enumerated(value: number): Buffer {
  return element(0x0a, integerOctets(BigInt(value)));
}

export function nothing(): Buffer {
  return element(0x05);
}

/** An object identifier from its dotted form. @throws RangeError where that is none. */
export function objectIdentifier(dotted: string): Buffer {
  if (!/^[0-2](\.(0|[1-9]\d*))+$/.test(dotted)) {
    throw new RangeError(`${JSON.stringify(dotted)} is not an object identifier`);
  }
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  if (first < 2n && second > 39n) {
    throw new RangeError(`the second arc of ${dotted} must be below 40`);
  }
  return element(0x06, ...[first * 40n + second, ...rest].map(base128));
}

export function octetString(...contents: readonly Uint8Array[]): Buffer {
  return element(0x04, ...contents);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(0x03, Buffer.of(unusedBits), bytes);
}

/** A BIT STRING of named bits: trailing zeros left out (X.690 section 11.2.2). */
export function namedBits(positions: readonly number[]): Buffer {
  if (positions.length === 0) return bitString(Buffer.alloc(0));
  const last = Math.max(...positions);
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const position of positions) bytes[position >> 3]! |= 0x80 >> (position & 7);
  return bitString(bytes, 7 - (last & 7));
}

/** A character string. Bytes are written as they are, whatever the type allows. */
export function string(type: StringType, value: string | Uint8Array): Buffer {
  return element(stringTags[type], typeof value === 'string' ? stringOctets(type, value) : value);
}

/** UTCTime until 2049, GeneralizedTime after and before 1950 (RFC 5280 section 4.1.2.5). */
export function time(date: Date): Buffer {
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? utcTime(date) : generalizedTime(date);
}

export function utcTime(date: Date): Buffer {
  return element(0x17, Buffer.from(timeText(date).slice(2)));
}

/** Whole seconds: certificates allow no fractions (RFC 5280 section 4.1.2.5.2). */
export function generalizedTime(date: Date): Buffer {
  return element(0x18, Buffer.from(timeText(date)));
}

/** `[n] EXPLICIT`: a wrapper around complete elements. */
export function explicit(n: number, ...items: readonly Uint8Array[]): Buffer {
  return element(0xa0 | n, ...items);
}

/** `[n] IMPLICIT`: the same element under another tag. */
export function implicit(n: number, item: Uint8Array): Buffer {
  const retagged = Buffer.from(item);
  retagged[0] = 0x80 | (retagged[0]! & 0x20) | n;
  return retagged;
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets = hexOctets(length.toString(16));
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets]);
}

function integerOctets(value: bigint): Buffer {
  const magnitude = value < 0n ? -value - 1n : value;
  // One bit more than the magnitude, for the sign.
  const length = Math.floor(magnitude.toString(2).length / 8) + 1;
  const octets = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  return Buffer.from(octets, 'hex');
}

function hexOctets(hex: string): Buffer {
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function base128(arc: bigint): Buffer {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return Buffer.from(octets);
}

// Text outside ASCII has no octets in the ASCII types. UTF-8 keeps it whole, as the careless
// authorities do whose certificates the test kit imitates.
function stringOctets(type: StringType, text: string): Buffer {
  if (type === 'teletex') return Buffer.from(text, 'latin1');
  if (type === 'bmp') return Buffer.from(text, 'utf16le').swap16();
  if (type !== 'universal') return Buffer.from(text, 'utf8');
  const points = Array.from(text, (character) => character.codePointAt(0)!);
  const octets = Buffer.alloc(points.length * 4);
  for (const [i, point] of points.entries()) octets.writeUInt32BE(point, i * 4);
  return octets;
}

function timeText(date: Date): string {
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
}
