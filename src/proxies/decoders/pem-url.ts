// PEM in one line: percent-encoded, or with spaces in the place of its line ends, as Apache writes it.
// Nothing may stand around the blocks, and base64 must break where a writer of PEM breaks it: a space that
// was a plus until somebody took the value for a form is elsewhere.
import { decodeBase64 } from '../../crypto/base64.ts';
import { type Decoder, undecodable } from './decoder.ts';
import { percentDecoded } from './percent.ts';

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

export const decodePem: Decoder = (value) => {
  const text = percentDecoded(value).replace(/\r?\n/g, ' ');
  const found: Uint8Array[] = [];
  for (let at = 0; at < text.length;) {
    if (!text.startsWith(`${begin} `, at)) throw undecodable('text that is no PEM');
    const from = at + begin.length + 1;
    const to = text.indexOf(` ${end}`, from);
    if (to < 0) throw undecodable('PEM without an end');
    found.push(body(text.slice(from, to)));
    at = to + 1 + end.length;
    if (at < text.length && text[at++] !== ' ') throw undecodable('text behind PEM');
  }
  return found;
};

function body(text: string): Uint8Array {
  const lines = text.split(' ');
  const width = lines[0]!.length;
  const last = lines.length - 1;
  const regular = lines.every((line, i) =>
    i === last ? line.length > 0 && line.length <= width : line.length === width,
  );
  const bytes = regular ? decodeBase64(lines.join('')) : undefined;
  if (bytes === undefined) throw undecodable('base64 that is none');
  return bytes;
}
