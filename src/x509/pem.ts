import { malformed } from './der.ts';

/** What PEM text may hold that concerns us (RFC 7468 sections 5 and 7). */
export type PemLabel = 'CERTIFICATE' | 'X509 CRL';

/**
 * The DER of every block with this label, in the order of the text. Text around blocks, and blocks with
 * other labels, are passed over. Bytes are taken for DER, unless they are PEM text themselves.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED` where there is none, or one that cannot be decoded
 */
export function derBlocks(source: string | Uint8Array, label: PemLabel): readonly Uint8Array[] {
  if (typeof source !== 'string') {
    if (source[0] === 0x30) return [source];
    return derBlocks(Buffer.from(source).toString('latin1'), label);
  }
  const blocks: Uint8Array[] = [];
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  for (let at = source.indexOf(begin); at >= 0; at = source.indexOf(begin, at)) {
    const from = at + begin.length;
    at = source.indexOf(end, from);
    if (at < 0) throw malformed(`a PEM block without an end`);
    blocks.push(decode(source.slice(from, at)));
  }
  if (blocks.length === 0) throw malformed(`no "${begin}"`);
  return blocks;
}

// Node's decoder passes over what it does not understand, and a damaged certificate would be another one.
function decode(body: string): Uint8Array {
  const text = body.replace(/[\r\n\t ]+/g, '');
  const bytes = Buffer.from(text, 'base64');
  if (text === '' || bytes.toString('base64') !== text) throw malformed('base64 that is none');
  return bytes;
}
