// Which fields are forged, and what a service may take them for. Read off the presets, so that a new one is
// tried at once.
import type { Decoder } from '../../proxies/decoders/decoder.ts';
import { decodeDer, decodeEscapedDer, decodeJoinedDer } from '../../proxies/decoders/der-base64.ts';
import { decodePem } from '../../proxies/decoders/pem-url.ts';
import { decodeClientCert, decodeClientCertChain } from '../../proxies/decoders/rfc9440.ts';
import { presets } from '../../proxies/presets.ts';
import { derBase64, encodings, pemUrl, rfc9440, xfcc, type Encoding } from './encode.ts';

export interface ForgedField {
  /** In lower case. */
  readonly name: string;
  /** How it may hold a certificate; none where it holds a verdict. */
  readonly encodings: readonly Encoding[];
  /** Verdicts on a certificate that it may speak of; none where it holds certificates. */
  readonly verdicts: readonly string[];
}

const all = Object.values(presets);

const encodingOf: ReadonlyMap<Decoder | 'xfcc', Encoding> = new Map<Decoder | 'xfcc', Encoding>([
  [decodeClientCert, rfc9440],
  [decodeClientCertChain, rfc9440],
  [decodePem, pemUrl],
  [decodeDer, derBase64],
  [decodeEscapedDer, derBase64],
  [decodeJoinedDer, derBase64],
  ['xfcc', xfcc],
]);

const verdicts: readonly string[] = [...new Set(all.flatMap(({ words }) => words.good))];

/** Every field that a preset names by default. */
export function knownFields(): readonly ForgedField[] {
  const names = all.flatMap(({ header, chain, verdict }) => [header, chain, verdict]);
  return [...new Set(names)].flatMap((name) => (name === undefined ? [] : [forgedField(name)]));
}

/** A field by its name in lower case. Of one that no preset names it may be anything. */
export function forgedField(name: string): ForgedField {
  if (all.some(({ verdict }) => verdict === name)) return { name, encodings: [], verdicts };
  const isKnown = all.some(({ header, chain }) => header === name || chain === name);
  if (!isKnown) return { name, encodings, verdicts };
  const decoders = all.flatMap(({ header, decoder, chain, chainDecoder }) => [
    // Presets without a name of their own are used with the names of others.
    ...(header === name || header === undefined ? [decoder] : []),
    ...(chain === name ? [chainDecoder!] : []),
  ]);
  const found = decoders.map((decoder) => encodingOf.get(decoder)!);
  return { name, encodings: [...new Set(found)], verdicts: [] };
}
