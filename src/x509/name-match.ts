// Whether two distinguished names are the same (RFC 5280 section 7.1). Their DER may differ: another
// string type, other capitals, other spaces. So each is brought into one form, and the forms are compared.
import { DerReader, type Element, ascii, oidOf, tag } from './der.ts';
import { stringOf } from './distinguished-name.ts';

/** A name in the one form that all of its spellings share, one entry per RDN, most general first. */
export type CanonicalName = readonly string[];

// RFC 5280 appendix A.1 ends most attributes at 64 characters. Normalizing costs the square of the length
// where somebody means it to: a quarter of a megabyte takes seconds.
const maxTextBytes = 1_024;

/** Separates the RDNs of a name in one string. No canonical RDN holds it. */
const separator = '\u0000';

// The names of certificates are asked for at every step of every path that is tried.
const known = new WeakMap<Uint8Array, CanonicalName>();

/** The canonical form of a Name in DER. @throws AuthError `ERR_CERTIFICATE_MALFORMED` */
export function canonicalName(name: Uint8Array): CanonicalName {
  const before = known.get(name);
  if (before !== undefined) return before;
  const reader = DerReader.only(name, tag.sequence);
  const parts: string[] = [];
  while (!reader.done) parts.push(canonicalRdn(reader.next(tag.set).whole));
  known.set(name, parts);
  return parts;
}

/** The canonical form of one RelativeDistinguishedName, a SET in DER. */
export function canonicalRdn(rdn: Uint8Array): string {
  const set = DerReader.only(rdn, tag.set);
  const attributes: string[] = [];
  do {
    const pair = set.enter(tag.sequence);
    const type = oidOf(pair.next(tag.oid));
    attributes.push(`${type}=${canonicalValue(pair.next())}`);
    pair.end();
  } while (!set.done);
  return attributes.sort().join('+');
}

/** One string for a name, as a key of maps: equal exactly where the names are. */
export function nameKey(name: Uint8Array): string {
  return canonicalName(name).join(separator);
}

/** The `nameKey` of a name with one RDN more (RFC 5280 section 4.2.1.13, nameRelativeToCRLIssuer). */
export function nameKeyWith(name: Uint8Array, rdn: Uint8Array): string {
  return [...canonicalName(name), canonicalRdn(rdn)].join(separator);
}

/** Whether two Names in DER are the same name. */
export function isSameName(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0 || nameKey(a) === nameKey(b);
}

/** Whether `name` is `base` or lies below it. */
export function isWithin(name: CanonicalName, base: CanonicalName): boolean {
  return base.every((part, i) => part === name[i]);
}

/** The same, and also where a part that cannot be compared might be the one that `base` has there. */
export function mayBeWithin(name: CanonicalName, base: CanonicalName): boolean {
  return (
    base.length <= name.length &&
    base.every((part, i) => part === name[i] || isOpaque(part) || isOpaque(name[i]!))
  );
}

/** Whether an RDN holds a value that is compared byte by byte: nothing else leaves a `#` unescaped. */
function isOpaque(rdn: string): boolean {
  return rdn.includes('=#');
}

// RFC 4518, as far as certificates use it: fold case, and spaces at the ends and between words mean
// nothing. What is no text of a known character set is compared byte by byte, tag included. `+`, `=`
// and the separator are escaped, so that no value reads as two.
function canonicalValue(value: Element): string {
  const text = textOf(value);
  if (text === undefined) return `#${Buffer.from(value.whole).toString('hex')}`;
  const folded = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/^ | $/g, '');
  return folded.replace(/[+=#\\]/g, '\\$&');
}

function textOf(value: Element): string | undefined {
  if (value.content.length > maxTextBytes) return undefined;
  try {
    // T.61 outside ASCII means different things to different people.
    return value.tag === tag.teletexString ? ascii(value.content) : stringOf(value);
  } catch {
    // Bytes that are not in the character set they claim. Names are compared before anything is trusted,
    // where nobody waits for an error.
    return undefined;
  }
}
