// Keys and bare items of structured fields (RFC 9651 sections 4.2.3.1 to 4.2.10). Stricter than the RFC
// where it leaves a choice: base64 that is padded wrongly or has bits left over is refused.
import { decodeBase64 } from '../../crypto/base64.ts';
import { AuthError } from '../../errors.ts';
import { digit, is, keyPart, keyStart, tokenPart, tokenStart } from './characters.ts';
import type { BareItem } from './values.ts';

/** Reads a field from left to right. Every method throws AuthError `ERR_FIELD_MALFORMED`. */
export class Scanner {
  readonly #text: string;
  readonly #name: string;
  #at = 0;

  /** @param name what the messages call the field */
  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next character; undefined at the end. */
  get next(): string | undefined {
    return this.#text[this.#at];
  }

  /** Whether this character is next; then it is passed. */
  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === 0x20) this.#at++;
  }

  skipBlanks(): void {
    for (let code; (code = this.#text.charCodeAt(this.#at)) === 0x20 || code === 0x09;) this.#at++;
  }

  fail(what: string): never {
    throw new AuthError('ERR_FIELD_MALFORMED', `${this.#name} ${what}`);
  }

  /** A key of a Dictionary or of parameters. */
  key(): string {
    const start = this.#at;
    if (!is(this.#text.charCodeAt(start), keyStart)) this.fail('has no key where one belongs');
    while (is(this.#text.charCodeAt(++this.#at), keyPart));
    return this.#text.slice(start, this.#at);
  }

  bareItem(): BareItem {
    const code = this.#text.charCodeAt(this.#at);
    if (code === 0x22) return this.#string();
    if (code === 0x2d || is(code, digit)) return this.#number();
    if (is(code, tokenStart)) return this.#token();
    switch (this.#text[this.#at]) {
      case ':':
        return this.#bytes();
      case '?':
        return this.#boolean();
      case '@':
        return this.#date();
      case '%':
        return this.#displayString();
      default:
        return this.fail('has no value where one belongs');
    }
  }

  #string(): string {
    const start = ++this.#at;
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) return this.#text.slice(start, this.#at++);
      if (code === 0x5c) return this.#escapedString(start);
      if (!(code >= 0x20 && code <= 0x7e)) return this.fail('has a string without an end');
    }
  }

  #escapedString(start: number): string {
    let value = '';
    let from = start;
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) return value + this.#text.slice(from, this.#at++);
      if (!(code >= 0x20 && code <= 0x7e)) return this.fail('has a string without an end');
      if (code !== 0x5c) continue;
      value += this.#text.slice(from, this.#at);
      from = ++this.#at;
      const escaped = this.#text[from];
      if (escaped !== '"' && escaped !== '\\') this.fail('has an escape that is none');
    }
  }

  #number(): BareItem {
    const start = this.#at;
    this.skip('-');
    const whole = this.#digits();
    const isDecimal = this.#text[this.#at] === '.';
    if (whole === 0 || whole > (isDecimal ? 12 : 15)) this.fail('has a number that is none');
    if (isDecimal) {
      this.#at++;
      const fraction = this.#digits();
      if (fraction === 0 || fraction > 3) this.fail('has a number that is none');
    }
    const value = Number(this.#text.slice(start, this.#at));
    // There is one zero.
    return isDecimal ? { type: 'decimal', value: value + 0 } : value + 0;
  }

  #digits(): number {
    const start = this.#at;
    while (is(this.#text.charCodeAt(this.#at), digit)) this.#at++;
    return this.#at - start;
  }

  #token(): BareItem {
    const start = this.#at;
    while (is(this.#text.charCodeAt(++this.#at), tokenPart));
    return { type: 'token', value: this.#text.slice(start, this.#at) };
  }

  #bytes(): Uint8Array {
    const end = this.#text.indexOf(':', ++this.#at);
    const bytes = end < 0 ? undefined : decodeBase64(this.#text.slice(this.#at, end));
    this.#at = end + 1;
    return bytes ?? this.fail('has bytes that are not in base64');
  }

  #boolean(): boolean {
    const value = this.#text[this.#at + 1];
    if (value !== '0' && value !== '1') this.fail('has a boolean that is none');
    this.#at += 2;
    return value === '1';
  }

  #date(): BareItem {
    this.#at++;
    const value = this.#text[this.#at] === '-' || this.#isDigit() ? this.#number() : undefined;
    return typeof value === 'number'
      ? { type: 'date', value }
      : this.fail('has a date that is none');
  }

  #isDigit(): boolean {
    return is(this.#text.charCodeAt(this.#at), digit);
  }

  #displayString(): BareItem {
    if (this.#text[this.#at + 1] !== '"') this.fail('has a display string that is none');
    const start = this.#at + 2;
    const end = this.#text.indexOf('"', start);
    const value = end < 0 ? undefined : decodePercent(this.#text.slice(start, end));
    this.#at = end + 1;
    return value === undefined
      ? this.fail('has a display string that is none')
      : { type: 'display-string', value };
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What percent-encoded text says; undefined where it is none, or not UTF-8. */
function decodePercent(text: string): string | undefined {
  const bytes = Buffer.alloc(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return undefined;
    if (code === 0x25) {
      code = hexValue(text.charCodeAt(i + 1)) * 16 + hexValue(text.charCodeAt(i + 2));
      if (Number.isNaN(code)) return undefined;
      i += 2;
    }
    bytes[length++] = code;
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  }
}

/** Lower case alone (section 4.2.10). */
function hexValue(code: number): number {
  if (is(code, digit)) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : NaN;
}
