import { undecodable } from './decoder.ts';

/**
 * The text with its `%XX` decoded (RFC 3986 section 2.1), which must be ASCII.
 *
 * A plus stays a plus: base64 has many, and the rule that turns them into spaces is that of forms.
 */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%(..?)?/gs, (_, digits: string | undefined) => {
    if (digits === undefined || !/^[0-7][0-9a-f]$/i.test(digits)) {
      throw undecodable('a percent sign that escapes nothing');
    }
    return String.fromCharCode(Number.parseInt(digits, 16));
  });
}
