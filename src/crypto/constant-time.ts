import { timingSafeEqual } from 'node:crypto';

/**
 * Whether two values are the same bytes, in a time that does not tell where they differ.
 *
 * Their lengths are no secret: values of different lengths are told apart at once.
 */
export function equalInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  // timingSafeEqual throws on unequal lengths.
  return one.length === other.length && timingSafeEqual(one, other);
}
