// The values of structured fields (RFC 9651 section 3). What JavaScript has a type for is of that type:
// Strings, Booleans, Byte Sequences, and Integers as numbers. The others say what they are.

/** A Decimal: at most twelve digits, a point, and at most three digits more. */
export interface Decimal {
  readonly type: 'decimal';
  readonly value: number;
}

export interface Token {
  readonly type: 'token';
  readonly value: string;
}

/** A Date, in whole seconds since 1970. Most of what it can say is beyond the range of a `Date`. */
export interface Instant {
  readonly type: 'date';
  readonly value: number;
}

/** A Display String: any Unicode text. */
export interface DisplayString {
  readonly type: 'display-string';
  readonly value: string;
}

export type BareItem =
  string | number | boolean | Uint8Array | Decimal | Token | Instant | DisplayString;

/** In the order of the field, which counts. */
export type Parameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly value: BareItem;
  readonly parameters: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: Parameters;
}

/** What a List or a Dictionary holds. */
export type Member = Item | InnerList;
export type List = readonly Member[];
/** In the order of the field. */
export type Dictionary = ReadonlyMap<string, Member>;

export function isInnerList(member: Member): member is InnerList {
  return 'items' in member;
}
