// RFC 9440: certificates as byte sequences of structured fields (RFC 9651 section 3.3.5). Neither field has
// parameters, so whoever sends some means something that we do not know.
import { decodeBase64 } from '../../crypto/base64.ts';
import { type Decoder, undecodable } from './decoder.ts';

/** `Client-Cert`: `:` base64 `:`. What some proxies write for no certificate, `::`, is an empty list. */
export const decodeClientCert: Decoder = (value) => (value === '::' ? [] : [byteSequence(value)]);

/** `Client-Cert-Chain`: a list of the same. */
export const decodeClientCertChain: Decoder = (value) =>
  value === '' || value === '::' ? [] : value.split(/[ \t]*,[ \t]*/).map(byteSequence);

function byteSequence(item: string): Uint8Array {
  const bytes =
    item.length > 2 && item.startsWith(':') && item.endsWith(':')
      ? decodeBase64(item.slice(1, -1))
      : undefined;
  if (bytes === undefined) throw undecodable('no byte sequence of RFC 9440');
  return bytes;
}
