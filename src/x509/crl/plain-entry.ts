// Nearly every entry of every CRL has one plain form: short lengths, a UTCTime, and no extension but a
// reason. That form is recognised here byte by byte, without making an object, several times faster than
// by the grammar. What is not recognised is not wrong: it is read by the grammar.
import { tag } from '../der.ts';

/** `SEQUENCE { SEQUENCE { OID 2.5.29.21, OCTET STRING { ENUMERATED` and its length, up to the value. */
const reasonHead = [
  0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01,
] as const;

/** By the number of the month. */
const daysOf = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** The length of the entry at `at` if it has the plain form and is well-formed, else undefined. */
export function plainEntryLength(
  bytes: Uint8Array,
  at: number,
  version: 1 | 2,
): number | undefined {
  const length = bytes[at + 1]!;
  const end = at + 2 + length;
  if (bytes[at] !== tag.sequence || length >= 0x80 || end > bytes.length) return undefined;
  const serial = at + 2;
  const serialLength = bytes[serial + 1]!;
  const time = serial + 2 + serialLength;
  const rest = time + 15;
  if (bytes[serial] !== tag.integer || serialLength === 0 || rest > end) return undefined;
  if (serialLength > 1 && isPadded(bytes[serial + 2]!, bytes[serial + 3]!)) return undefined;
  if (!isPlainTime(bytes, time)) return undefined;
  if (rest === end) return length + 2;
  return version === 2 && isPlainReason(bytes, rest, end) ? length + 2 : undefined;
}

function isPadded(first: number, second: number): boolean {
  return (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
}

/** A UTCTime of a day that there was. */
function isPlainTime(bytes: Uint8Array, at: number): boolean {
  const year = pairOf(bytes, at + 2);
  const month = pairOf(bytes, at + 4);
  const day = pairOf(bytes, at + 6);
  // From 1950 to 2049 every fourth year is a leap year, without exception.
  const lastDay = month === 2 && year % 4 === 0 ? 29 : (daysOf[month] ?? 0);
  return (
    bytes[at] === tag.utcTime &&
    bytes[at + 1] === 13 &&
    year >= 0 &&
    day >= 1 &&
    day <= lastDay &&
    isBelow(pairOf(bytes, at + 8), 24) &&
    isBelow(pairOf(bytes, at + 10), 60) &&
    isBelow(pairOf(bytes, at + 12), 60) &&
    bytes[at + 14] === 0x5a
  );
}

/** The number that two digits make, or -1. */
function pairOf(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  return isBelow(tens, 10) && isBelow(ones, 10) ? tens * 10 + ones : -1;
}

function isBelow(value: number, limit: number): boolean {
  return value >= 0 && value < limit;
}

function isPlainReason(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at !== reasonHead.length + 1) return false;
  for (let i = 0; i < reasonHead.length; i++) if (bytes[at + i] !== reasonHead[i]) return false;
  const reason = bytes[end - 1]!;
  return reason <= 10 && reason !== 7;
}
