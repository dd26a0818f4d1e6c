// Where revocation is published, as certificates and CRLs have it (RFC 5280 sections 4.2.1.13 and 5.2.5).
import { DerReader, type Element, context, malformed, namedBits, tag } from './der.ts';
import { listOf, readLocation, readMembers } from './extensions.ts';
import type { GeneralName } from './general-names.ts';
import { canonicalRdn } from './name-match.ts';

/** One place where revocation is published. */
export interface DistributionPoint {
  /** The full name, or the issuer's name with one more part; undefined where only `crlIssuer` is given. */
  readonly name: DistributionPointName | undefined;
  /** Bits of ReasonFlags; undefined means all reasons. */
  readonly reasons: readonly number[] | undefined;
  readonly crlIssuer: readonly GeneralName[] | undefined;
}

export type DistributionPointName =
  | { readonly fullName: readonly GeneralName[] }
  /** The DER of the RelativeDistinguishedName, as a SET. */
  | { readonly relativeName: Uint8Array };

export function readDistributionPoints(value: Uint8Array): readonly DistributionPoint[] {
  return listOf(value, (list) => {
    const reader = list.enter(tag.sequence);
    const name = reader.optional(context(0, true));
    const reasons = reader.optional(context(1, false));
    const crlIssuer = reader.optional(context(2, true));
    reader.end();
    // RFC 5280 section 4.2.1.13: reasons alone name no place.
    if (name === undefined && crlIssuer === undefined) {
      throw malformed('a distribution point without a name');
    }
    return {
      name: name === undefined ? undefined : readDistributionPointName(name),
      reasons: reasons === undefined ? undefined : namedBits(reasons),
      crlIssuer: crlIssuer === undefined ? undefined : readMembers(crlIssuer.content, readLocation),
    };
  });
}

/** The choice behind `[0]` of a distribution point, in certificates and in CRLs. */
export function readDistributionPointName({ content }: Element): DistributionPointName {
  const reader = new DerReader(content);
  const choice = reader.next();
  reader.end();
  if (choice.tag === context(0, true)) {
    return { fullName: readMembers(choice.content, readLocation) };
  }
  if (choice.tag !== context(1, true)) throw malformed('a distribution point of no known kind');
  const relativeName = Uint8Array.from(choice.whole);
  relativeName[0] = tag.set;
  // Whoever compares names later relies on it that they can be compared.
  canonicalRdn(relativeName);
  return { relativeName };
}
