// Structured fields in their one canonical spelling (RFC 9651 section 4.1).
import { isMadeOf, keyPart, keyStart, tokenPart, tokenStart } from './characters.ts';
import {
  type BareItem,
  type Dictionary,
  type InnerList,
  type Item,
  type List,
  type Member,
  type Parameters,
  isInnerList,
} from './values.ts';

/**
 * Writes a Dictionary; an empty one gives empty text, and then the field is left out.
 *
 * @throws RangeError where it holds what no such field can say
 */
export function serialiseDictionary(dictionary: Dictionary): string {
  let text = '';
  for (const [key, member] of dictionary) {
    if (text !== '') text += ', ';
    text += serialiseKey(key);
    text +=
      !isInnerList(member) && member.value === true
        ? serialiseParameters(member.parameters)
        : `=${serialiseMember(member)}`;
  }
  return text;
}

/** Writes a List. @throws RangeError where it holds what no such field can say */
export function serialiseList(list: List): string {
  return list.map(serialiseMember).join(', ');
}

/** Writes one value of a List or Dictionary. @throws RangeError where no such field can say it */
export function serialiseMember(member: Member): string {
  return isInnerList(member) ? serialiseInnerList(member) : serialiseItem(member);
}

/** Writes an Inner List. @throws RangeError where it holds what no such field can say */
export function serialiseInnerList({ items, parameters }: InnerList): string {
  let text = '(';
  for (const item of items) {
    if (text.length > 1) text += ' ';
    text += serialiseItem(item);
  }
  return `${text})${serialiseParameters(parameters)}`;
}

/** Writes an Item. @throws RangeError where it holds what no such field can say */
export function serialiseItem({ value, parameters }: Item): string {
  return serialiseBareItem(value) + serialiseParameters(parameters);
}

/** Writes parameters, each with its semicolon. @throws RangeError where no such field can say them */
export function serialiseParameters(parameters: Parameters): string {
  if (parameters.size === 0) return '';
  let text = '';
  for (const [key, value] of parameters) {
    text += `;${serialiseKey(key)}`;
    if (value !== true) text += `=${serialiseBareItem(value)}`;
  }
  return text;
}

function serialiseKey(key: string): string {
  return isMadeOf(key, keyStart, keyPart) ? key : fail('key');
}

function serialiseBareItem(value: BareItem): string {
  if (typeof value === 'string') return serialiseString(value);
  if (typeof value === 'number') return serialiseInteger(value);
  if (typeof value === 'boolean') return value ? '?1' : '?0';
  if (value instanceof Uint8Array) return serialiseBytes(value);
  switch (value.type) {
    case 'token':
      return isMadeOf(value.value, tokenStart, tokenPart) ? value.value : fail('token');
    case 'decimal':
      return serialiseDecimal(value.value);
    case 'date':
      return `@${serialiseInteger(value.value)}`;
    case 'display-string':
      return serialiseDisplayString(value.value);
  }
}

function serialiseString(value: string): string {
  // Nearly every one needs no escape.
  if (!/["\\]|[^ -~]/.test(value)) return `"${value}"`;
  return /[^ -~]/.test(value) ? fail('string') : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A Byte Sequence: base64 between colons. */
export function serialiseBytes(value: Uint8Array): string {
  const bytes = Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return `:${bytes.toString('base64')}:`;
}

function serialiseInteger(value: number): string {
  const isOne = Number.isInteger(value) && Math.abs(value) <= 999_999_999_999_999;
  return isOne ? String(value) : fail('integer');
}

function serialiseDecimal(value: number): string {
  const thousandths = roundToEven(value * 1000);
  const rounded = thousandths / 1000;
  if (!(Math.abs(rounded) < 1_000_000_000_000)) fail('decimal');
  const text = String(rounded + 0);
  return text.includes('.') ? text : `${text}.0`;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function serialiseDisplayString(value: string): string {
  const bytes = Buffer.from(value, 'utf8');
  // Half a surrogate pair cannot be encoded, and comes back as another character.
  if (bytes.toString('utf8') !== value) fail('display string');
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x22 && byte !== 0x25;
    text += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return `%"${text}"`;
}

function fail(what: string): never {
  throw new RangeError(`a value that no ${what} of a structured field can be`);
}
