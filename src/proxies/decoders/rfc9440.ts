// RFC 9440: certificates as byte sequences of structured fields (RFC 9651 section 3.3.5). Neither field has
// parameters, so whoever sends some means something that we do not know.
import { decodeBase64 } from '../../crypto/base64.ts';
import { type Decoder, undecodable } from './decoder.ts';

/** `Client-Cert`: `:` base64 `:`. */
export const decodeClientCert: Decoder = (value) => [byteSequence(value)];

/** `Client-Cert-Chain`: a list of the same. */
export const decodeClientCertChain: Decoder = (value) =>
  value.split(',').map((item) => byteSequence(withoutBlanks(item)));

// By hand: a regular expression would look at the blanks in the middle again from each of them.
function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (text[from] === ' ' || text[from] === '\t') from++;
  while (to > from && (text[to - 1] === ' ' || text[to - 1] === '\t')) to--;
  return text.slice(from, to);
}

function byteSequence(item: string): Uint8Array {
  const bytes =
    item.length > 2 && item.startsWith(':') && item.endsWith(':')
      ? decodeBase64(item.slice(1, -1))
      : undefined;
  if (bytes === undefined) throw undecodable('no byte sequence of RFC 9440');
  return bytes;
}
