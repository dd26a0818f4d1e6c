// What a character may be part of (RFC 9651 section 3), by its code: a look into a table, so that text of
// any kind is read in a time that grows with its length and with nothing else.

export const keyStart = 1;
export const keyPart = 2;
export const tokenStart = 4;
export const tokenPart = 8;
export const digit = 16;

const kinds = new Uint8Array(128);
mark('abcdefghijklmnopqrstuvwxyz', keyStart | keyPart | tokenStart | tokenPart);
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', tokenStart | tokenPart);
mark('0123456789', keyPart | tokenPart | digit);
mark('*', keyStart | keyPart | tokenStart | tokenPart);
mark('_-.', keyPart | tokenPart);
mark("!#$%&'+^`|~:/", tokenPart);

function mark(characters: string, kind: number): void {
  for (const character of characters) kinds[character.charCodeAt(0)]! |= kind;
}

/** Whether the character with this code is of that kind; NaN, the code behind the end, is of none. */
export function is(code: number, kind: number): boolean {
  return code < 128 && (kinds[code]! & kind) !== 0;
}

/** Whether text begins with a character of one kind and goes on with those of another. */
export function isMadeOf(text: string, start: number, part: number): boolean {
  if (!is(text.charCodeAt(0), start)) return false;
  for (let i = 1; i < text.length; i++) {
    if (!is(text.charCodeAt(i), part)) return false;
  }
  return true;
}
