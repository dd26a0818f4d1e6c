// DER (ITU-T X.690), the part that certificates use. Every form that BER allows and DER does not is
// refused: indefinite and padded lengths, padded integers, booleans other than 00 and FF. Tag numbers
// above 30 do not occur in certificates and are refused too.
import { AuthError } from '../errors.ts';

/** The universal tags that certificates use, with the constructed bit where DER sets it. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[number]` in ASN.1: a context-specific tag. */
export function context(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/**
 * One element: its tag, its content, and the bytes of the whole.
 *
 * Of a certificate's hundred elements few are looked at as bytes, so the parts are cut when asked for.
 */
export class Element {
  readonly tag: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #from: number;
  readonly #to: number;

  constructor(found: number, bytes: Uint8Array, start: number, from: number, to: number) {
    this.tag = found;
    this.#bytes = bytes;
    this.#start = start;
    this.#from = from;
    this.#to = to;
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(this.#from, this.#to);
  }

  get whole(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#to);
  }

  /** Reads the elements inside. */
  members(): DerReader {
    return new DerReader(this.#bytes, this.#from, this.#to);
  }
}

/** Reads elements one after another. Every method throws AuthError `ERR_CERTIFICATE_MALFORMED`. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  /** The members of the one element that fills `bytes`. */
  static only(bytes: Uint8Array, expected: number): DerReader {
    const reader = new DerReader(bytes);
    const element = reader.next(expected);
    reader.end();
    return element.members();
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** The next element; of whatever tag, if none is given. */
  next(expected?: number): Element {
    const start = this.#at;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw malformed('a tag number above 30');
    if (expected !== undefined && found !== expected) {
      throw malformed(`tag ${hex(found)} where ${hex(expected)} belongs`);
    }
    const length = this.#length();
    const from = this.#at;
    if (length > this.#end - from) throw malformed('an element that runs past its end');
    this.#at = from + length;
    return new Element(found, this.#bytes, start, from, this.#at);
  }

  /** The next element where it has this tag. */
  optional(expected: number): Element | undefined {
    return !this.done && this.#bytes[this.#at] === expected ? this.next() : undefined;
  }

  /** The members of the next element. */
  enter(expected: number): DerReader {
    return this.next(expected).members();
  }

  end(): void {
    if (!this.done) throw malformed('bytes after the last element');
  }

  #byte(): number {
    if (this.done) throw malformed('an element that is cut short');
    return this.#bytes[this.#at++]!;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const size = first & 0x7f;
    // Four bytes reach 4 GiB, and no certificate comes near.
    if (size === 0 || size > 4) throw malformed('an indefinite or oversized length');
    let length = 0;
    for (let i = 0; i < size; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (size - 1)) throw malformed('a padded length');
    return length;
  }
}

export function booleanOf(element: Element): boolean {
  const [value] = element.content;
  if (element.content.length !== 1 || (value !== 0x00 && value !== 0xff)) {
    throw malformed('a boolean that is neither 00 nor FF');
  }
  return value === 0xff;
}

/** The two's complement bytes of an INTEGER, checked to be the shortest. */
export function integerBytes(element: Element): Uint8Array {
  const { content } = element;
  const [first, second] = content;
  if (first === undefined) throw malformed('an integer without bytes');
  if (
    second !== undefined &&
    ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  ) {
    throw malformed('a padded integer');
  }
  return content;
}

/** A serial number in upper-case hexadecimal, without leading zeros. */
export function serialText(bytes: Uint8Array): string {
  // Negative serials are wrong but issued, and RFC 5280 section 4.1.2.2 asks to bear them.
  if (bytes[0]! >= 0x80) {
    const value = BigInt.asIntN(
      bytes.length * 8,
      BigInt(`0x${Buffer.from(bytes).toString('hex')}`),
    );
    return value.toString(16).toUpperCase();
  }
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  return digits.replace(/^0+(?=.)/, '').toUpperCase();
}

/** An INTEGER that must be a count: not negative, and below 2^31. */
export function countOf(element: Element): number {
  const bytes = integerBytes(element);
  if (bytes[0]! >= 0x80 || bytes.length > 4)
    throw malformed('a count that is negative or too large');
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** An OBJECT IDENTIFIER in dotted decimal. Arcs above 2^53 are refused: nothing here knows one. */
export function oidOf(element: Element): string {
  const { content } = element;
  if (content.length === 0 || content.length > 64)
    throw malformed('an object identifier of no use');
  let text = '';
  let arc = 0;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw malformed('a padded object identifier');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw malformed('an object identifier out of range');
    fresh = byte < 0x80;
    if (!fresh) continue;
    text += text === '' ? rootArcs(arc) : `.${arc}`;
    arc = 0;
  }
  if (!fresh) throw malformed('an object identifier that is cut short');
  return text;
}

/** The first two arcs, which are written as one. */
function rootArcs(both: number): string {
  const root = Math.min(2, Math.floor(both / 40));
  return `${root}.${both - root * 40}`;
}

/** An ENUMERATED value below 128, which covers every one in use. */
export function enumeratedOf(element: Element): number {
  const [value] = element.content;
  if (value === undefined || element.content.length !== 1 || value > 0x7f) {
    throw malformed('an enumerated value out of range');
  }
  return value;
}

/** The bits of a BIT STRING that must be whole bytes, as keys and signatures are. */
export function bitStringBytes(element: Element): Uint8Array {
  if (element.content[0] !== 0) throw malformed('a bit string that is not whole bytes');
  return element.content.subarray(1);
}

/** The numbers of the bits set in a named bit list (X.690 section 11.2.2: no trailing zero bits). */
export function namedBits(element: Element): readonly number[] {
  const [unused, ...bytes] = element.content;
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused !== 0)) {
    throw malformed('a bit string with an impossible tail');
  }
  const last = bytes.at(-1);
  if (last !== undefined && (last & (2 ** (unused + 1) - 1)) !== 2 ** unused) {
    throw malformed('a named bit list with trailing zeros');
  }
  return bytes.flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (0x80 >> bit)).map((bit) => i * 8 + bit),
  );
}

/** UTCTime or GeneralizedTime in the one form that RFC 5280 section 4.1.2.5 allows. */
export function timeOf(element: Element): Date {
  const text = ascii(element.content);
  const utc = element.tag === tag.utcTime;
  if (!utc && element.tag !== tag.generalizedTime) throw malformed('a time that is none');
  if (!(utc ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) throw malformed('a time not in seconds and Z');
  const yearDigits = utc ? 2 : 4;
  const digits = Number(text.slice(0, yearDigits));
  const year = !utc ? digits : digits < 50 ? 2000 + digits : 1900 + digits;
  const part = (i: number): number => {
    const from = yearDigits + 2 * i;
    return Number(text.slice(from, from + 2));
  };
  const [month, day, hour, minute, second] = [part(0), part(1), part(2), part(3), part(4)];
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  // Date turns the 31st of February into March; whatever leaves its month was no day.
  if (time.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59) {
    throw malformed('a time that never was');
  }
  return time;
}

/** Seven-bit text. */
export function ascii(bytes: Uint8Array): string {
  for (const byte of bytes) if (byte > 0x7f) throw malformed('text that is not ASCII');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The refusal of bytes that are no certificate, no CRL and no OCSP response. */
export function malformed(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_MALFORMED', `malformed: ${what}`);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}
