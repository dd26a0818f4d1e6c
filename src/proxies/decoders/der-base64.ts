// Base64 without armour, in one line. Several certificates are joined by commas (Traefik), or their DER was
// joined before it was encoded (HAProxy's chain).
import { decodeBase64 } from '../../crypto/base64.ts';
import { DerReader, tag } from '../../x509/der.ts';
import { type Decoder, undecodable } from './decoder.ts';
import { percentDecoded } from './percent.ts';

/** One certificate, or several joined by commas. */
export const decodeDer: Decoder = (value) => value.split(',').map(decode);

/** The same, percent-encoded by some releases and not by others. */
export const decodeEscapedDer: Decoder = (value) => decodeDer(percentDecoded(value));

/** Certificates whose DER was joined. */
export const decodeJoinedDer: Decoder = (value) => {
  const reader = new DerReader(decode(value));
  const found: Uint8Array[] = [];
  while (!reader.done) found.push(reader.next(tag.sequence).whole);
  return found;
};

function decode(text: string): Uint8Array {
  const bytes = text === '' ? undefined : decodeBase64(text);
  if (bytes === undefined) throw undecodable('base64 that is none');
  return bytes;
}
