// The fields in which a trusted proxy speaks, as they came: one line each, under exactly the name that was
// agreed on, and never by the side of a twin.
import { AuthError, quote } from '../errors.ts';
import type { FieldLine } from '../exchange.ts';
import type { ForwardedPeer, PresentedCertificate } from '../peer/forwarded-peer.ts';
import { atMost, maxCertificates } from './decoders/decoder.ts';
import { xfccCertificates } from './decoders/xfcc.ts';
import type { CertificateCache } from './certificate-cache.ts';
import { sameName } from './known-fields.ts';
import type { Statement } from './statement.ts';

/** All fields of one proxy together. The largest chains of real CAs take a quarter of it. */
const maxCharacters = 65_536;

/**
 * The peer that the proxy of a statement speaks for.
 *
 * @throws AuthError for what no such proxy writes
 */
export function forwardedPeer(
  statement: Statement,
  lines: readonly FieldLine[],
  cache: CertificateCache,
): ForwardedPeer {
  const { header, chain, verdict } = statement;
  const leaf = valueOf(statement, lines, header);
  const above = chain.flatMap((name) => valueOf(statement, lines, name) ?? []);
  const certificate =
    leaf === undefined
      ? undefined
      : cache.of(textOf(leaf, above), () => read(statement, leaf, above));
  if (certificate === undefined && above.length > 0) throw malformed('a chain without a leaf');
  if (verdict !== undefined) {
    checkVerdict(statement, lineOf(lines, verdict), certificate !== undefined);
  }
  return { field: header, certificate };
}

/** @throws AuthError `ERR_FIELD_TOO_LARGE` */
function textOf(leaf: string, above: readonly string[]): string {
  const text = above.length === 0 ? leaf : [leaf, ...above].join('\n');
  if (text.length <= maxCharacters) return text;
  throw new AuthError(
    'ERR_FIELD_TOO_LARGE',
    `a forwarded certificate of ${text.length} characters`,
  );
}

function read(
  { preset, hops, by }: Statement,
  leaf: string,
  above: readonly string[],
): PresentedCertificate | undefined {
  const { decoder, chainDecoder, several = false } = preset;
  const [certificate, ...behind] =
    decoder === 'xfcc'
      ? xfccCertificates(leaf, hops, by)
      : atMost(several ? maxCertificates : 1, decoder(leaf));
  if (certificate === undefined) return undefined;
  const intermediates = [...behind, ...above.flatMap((one) => chainDecoder?.(one) ?? [])];
  return { certificate, intermediates: atMost(maxCertificates, intermediates) };
}

/** What a field says; undefined where it is not there, or says that there is nothing. */
function valueOf(
  { preset, header }: Statement,
  lines: readonly FieldLine[],
  name: string,
): string | undefined {
  // Of RFC 9440 the chain is a list, and lists may come in several lines.
  const value = lineOf(lines, name, name !== header && preset.chainLines === true);
  return value === '' || value === preset.absent ? undefined : value;
}

function lineOf(lines: readonly FieldLine[], name: string, several = false): string | undefined {
  const spelling = sameName(name);
  let value: string | undefined;
  for (const [given, text] of lines) {
    if (sameName(given) !== spelling) continue;
    if (given.toLowerCase() !== name) {
      throw malformed(`${quote(given)}, which others may take for ${name}`);
    }
    if (value !== undefined && !several) throw malformed(`${name} twice`);
    value = value === undefined ? text : `${value}, ${text}`;
  }
  return value;
}

/** A good verdict proves nothing, and only a bad one counts: then the proxy knows more than we do. */
function checkVerdict(
  { preset: { words }, verdict }: Statement,
  value: string | undefined,
  isPresent: boolean,
): void {
  if (isPresent && value === undefined) {
    throw malformed(`a certificate without ${verdict}, which the proxy always sets`);
  }
  const expected = isPresent ? words.good : words.none;
  if (value === undefined || expected.includes(value)) return;
  if (!isPresent && words.good.includes(value)) {
    throw malformed(`${verdict} speaks of a certificate that is not there`);
  }
  throw new AuthError('ERR_CERTIFICATE_UNTRUSTED', `the proxy says ${quote(value)}`);
}

function malformed(what: string): AuthError {
  return new AuthError('ERR_REQUEST_MALFORMED', `of a trusted proxy: ${what}`);
}
