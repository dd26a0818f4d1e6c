/**
 * The bytes that base64 text stands for (RFC 4648 section 4); undefined where it is not the one text
 * that stands for them: another alphabet, blanks, padding that lacks or is too long, bits left over.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  // Node's decoder passes over what it does not understand, so what it understood is written again.
  return bytes.toString('base64') === text ? bytes : undefined;
}
