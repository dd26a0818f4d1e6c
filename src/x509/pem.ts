import { malformed } from './der.ts';

/** What PEM text may hold that concerns us (RFC 7468 sections 5 and 7). */
export type PemLabel = 'CERTIFICATE' | 'X509 CRL';

/** Some tenths of a millisecond of decoding. */
const bytesPerStep = 65_536;

/**
 * The DER of every block with this label, in the order of the text. Text around blocks, and blocks with
 * other labels, are passed over. Bytes are taken for DER, unless they are PEM text themselves.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED` where there is none, or one that cannot be decoded
 */
export function derBlocks(source: string | Uint8Array, label: PemLabel): readonly Uint8Array[] {
  const steps = derBlocksInSteps(source, label);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As `derBlocks`, yielding every now and then, for CRLs of many megabytes. */
export function* derBlocksInSteps(
  source: string | Uint8Array,
  label: PemLabel,
): Generator<void, readonly Uint8Array[]> {
  if (typeof source !== 'string' && source[0] === 0x30) return [source];
  const text =
    typeof source === 'string'
      ? Buffer.from(source)
      : Buffer.from(source.buffer, source.byteOffset, source.length);
  const blocks: Uint8Array[] = [];
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const from = at + begin.length;
    at = text.indexOf(end, from);
    if (at < 0) throw malformed(`a PEM block without an end`);
    blocks.push(yield* decode(text.subarray(from, at)));
  }
  if (blocks.length === 0) throw malformed(`no "${begin}"`);
  return blocks;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const blank = 64;
const padding = 65;
const other = 66;
/** By the code of a character: its value, or one of the kinds above. */
const kinds = new Uint8Array(256).fill(other);
for (const character of ' \t\r\n') kinds[character.charCodeAt(0)] = blank;
kinds['='.charCodeAt(0)] = padding;
for (let i = 0; i < 64; i++) kinds[alphabet.charCodeAt(i)] = i;

// Node's decoder passes over what it does not understand, and a damaged certificate would be another one.
function* decode(body: Uint8Array): Generator<void, Uint8Array> {
  const bytes = new Uint8Array(Math.ceil(body.length / 4) * 3);
  let length = 0;
  let group = 0;
  let characters = 0;
  let paddings = 0;
  for (let from = 0; from < body.length; from += bytesPerStep) {
    if (from > 0) yield;
    const to = Math.min(from + bytesPerStep, body.length);
    for (let i = from; i < to; i++) {
      const kind = kinds[body[i]!]!;
      if (kind === blank) continue;
      if (kind === padding) {
        paddings++;
        continue;
      }
      if (kind === other || paddings > 0) throw malformed('base64 that is none');
      group = (group << 6) | kind;
      if (++characters % 4 !== 0) continue;
      bytes[length++] = group >>> 16;
      bytes[length++] = group >>> 8;
      bytes[length++] = group;
      group = 0;
    }
  }
  // What the last group leaves over must be zero, and padded to four characters (RFC 4648 section 3.5).
  const left = characters % 4;
  const spare = left === 2 ? group & 0xf : group & 0x3;
  if (characters === 0 || left === 1 || spare !== 0 || paddings !== (4 - left) % 4) {
    throw malformed('base64 that is none');
  }
  if (left >= 2) bytes[length++] = group >>> (left === 2 ? 4 : 10);
  if (left === 3) bytes[length++] = group >>> 2;
  return bytes.subarray(0, length);
}
