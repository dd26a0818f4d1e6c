/**
 * The bytes of one base64 text (RFC 4648 section 4), padded; undefined for any other text.
 *
 * Node's decoder passes over what it does not understand, so two different texts would be the same bytes.
 * What it makes of a text must therefore spell that very text again.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
