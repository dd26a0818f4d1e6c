// The fields in which a trusted proxy speaks, as they came: one line each, under exactly the name that was
// agreed on, and never by the side of a twin.
import { AuthError, quote } from '../errors.ts';
import type { ForwardedPeer, PresentedCertificate } from '../peer/forwarded-peer.ts';
import { atMost, maxCertificates } from './decoders/decoder.ts';
import { xfccCertificates } from './decoders/xfcc.ts';
import type { CertificateCache } from './certificate-cache.ts';
import type { Field, Statement } from './statement.ts';

/** A line that a trusted proxy sent. */
export interface Claim {
  /** As it came. */
  readonly name: string;
  readonly spelling: string;
  readonly value: string;
}

/** Whether a line is of this field, or of a twin of it. */
export function isOf({ spelling }: Field, claim: Claim): boolean {
  return claim.spelling === spelling;
}

/** All fields of one proxy together. The largest chains of real CAs take a quarter of it. */
const maxCharacters = 65_536;

/**
 * The peer that the proxy of a statement speaks for.
 *
 * @throws AuthError for what no such proxy writes
 */
export function forwardedPeer(
  statement: Statement,
  claims: readonly Claim[],
  cache: CertificateCache,
): ForwardedPeer {
  const { header, chain, verdict } = statement;
  const leaf = valueOf(statement, claims, header);
  const above = chain.flatMap((field) => valueOf(statement, claims, field) ?? []);
  const certificate =
    leaf === undefined
      ? undefined
      : cache.of(textOf(leaf, above), () => read(statement, leaf, above));
  if (certificate === undefined && above.length > 0) throw malformed('a chain without a leaf');
  if (verdict !== undefined) {
    checkVerdict(statement, verdict, lineOf(claims, verdict), certificate !== undefined);
  }
  return { field: header.name, certificate };
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
  claims: readonly Claim[],
  field: Field,
): string | undefined {
  // Of RFC 9440 the chain is a list, and lists may come in several lines.
  const value = lineOf(claims, field, field !== header && preset.chainLines === true);
  return value === '' || value === preset.absent ? undefined : value;
}

function lineOf(claims: readonly Claim[], field: Field, several = false): string | undefined {
  let value: string | undefined;
  for (const claim of claims) {
    if (!isOf(field, claim)) continue;
    if (claim.name.toLowerCase() !== field.name) {
      throw malformed(`${quote(claim.name)}, which others may take for ${field.name}`);
    }
    if (value !== undefined && !several) throw malformed(`${field.name} twice`);
    value = value === undefined ? claim.value : `${value}, ${claim.value}`;
  }
  return value;
}

/** A good verdict proves nothing, and only a bad one counts: then the proxy knows more than we do. */
function checkVerdict(
  { preset: { words } }: Statement,
  { name }: Field,
  value: string | undefined,
  isPresent: boolean,
): void {
  if (isPresent && value === undefined) {
    throw malformed(`a certificate without ${name}, which the proxy always sets`);
  }
  const expected = isPresent ? words.good : words.none;
  if (value === undefined || expected.includes(value)) return;
  if (!isPresent && words.good.includes(value)) {
    throw malformed(`${name} speaks of a certificate that is not there`);
  }
  throw new AuthError('ERR_CERTIFICATE_UNTRUSTED', `the proxy says ${quote(value)}`);
}

function malformed(what: string): AuthError {
  return new AuthError('ERR_REQUEST_MALFORMED', `of a trusted proxy: ${what}`);
}
