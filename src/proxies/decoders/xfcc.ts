// Envoy's `x-forwarded-client-cert`: elements of key and value, one for each proxy that spoke TLS with a
// client certificate, the nearest one last. Names in it are never used: they are what stands in the
// certificate, or a lie. Nor may they stand in the way: Envoy writes URI and DNS names as the client's
// certificate has them, unquoted, and a name with a comma in it makes elements of its own.
import { createHash } from 'node:crypto';
import { quote } from '../../errors.ts';
import { undecodable } from './decoder.ts';
import { decodePem } from './pem-url.ts';

const keys = ['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns'] as const;

export type XfccKey = (typeof keys)[number];

/** What one proxy says, in the order in which it says it. */
export type XfccElement = readonly (readonly [key: XfccKey, value: string])[];

/** Names, of which a certificate may have several. */
const repeatable: ReadonlySet<string> = new Set<XfccKey>(['by', 'uri', 'dns']);
/** Proxies between a client and a service. Real paths have three. */
const maxElements = 16;
const maxPairs = 200;

// A value is quoted, with the quotes in it escaped, or has none of the characters that would need it.
const pair = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\\s]*))(?=[,;]|$)/y;

/** Reads the whole field. @throws AuthError for a key that is unknown or given twice, and for stray text */
export function parseXfcc(value: string): readonly XfccElement[] {
  const elements: (readonly [XfccKey, string])[][] = [[]];
  let pairs = 0;
  let at = 0;
  for (;;) {
    pair.lastIndex = at;
    const match = pair.exec(value);
    if (match === null || ++pairs > maxPairs) throw undecodable('text that is no XFCC');
    const [text, name, quoted, bare] = match;
    const element = elements.at(-1)!;
    element.push([keyOf(name!, element), quoted?.replace(/\\"/g, '"') ?? bare!]);
    at += text.length;
    if (at === value.length) return elements;
    if (value[at++] === ',') elements.push([]);
    if (elements.length > maxElements) throw undecodable('more proxies than there can be');
  }
}

/**
 * The certificate that the outermost of `hops` proxies saw, and what came with it.
 *
 * @param by what this proxy must call itself; undefined for whatever it likes
 * @returns an empty list where fewer proxies speak: that one saw no certificate
 * @throws AuthError also for more elements than hops: some are the client's, who may write them himself, or
 * let a name in his certificate make them
 */
export function xfccCertificates(
  value: string,
  hops: number,
  by: readonly string[] | undefined,
): readonly Uint8Array[] {
  const elements = parseXfcc(value);
  if (elements.length > hops) throw undecodable('more elements of XFCC than trusted proxies');
  const element = elements.at(-hops);
  if (element === undefined) return [];
  if (by !== undefined && !valuesOf(element, 'by').some((name) => by.includes(name))) {
    throw undecodable('an XFCC element of another proxy');
  }
  const [cert] = valuesOf(element, 'cert').map(decodePem);
  const [chain] = valuesOf(element, 'chain').map(decodePem);
  const leaf = cert ?? chain?.slice(0, 1);
  if (leaf?.length !== 1) {
    throw undecodable('an XFCC element without Cert; let the proxy set it (cert: true)');
  }
  const [der] = leaf;
  // Every proxy writes it, and whatever else a name of the certificate has put into the element, it says
  // which certificate this is.
  const [hash] = valuesOf(element, 'hash');
  const sum = createHash('sha256').update(der!).digest('hex');
  if (hash?.toLowerCase() !== sum) {
    throw undecodable("a Hash in XFCC that is another certificate's");
  }
  // The chain begins with the leaf.
  if (chain !== undefined && Buffer.compare(chain[0]!, der!) !== 0) {
    throw undecodable("a Chain in XFCC that is another certificate's");
  }
  return [der!, ...(chain?.slice(1) ?? [])];
}

function keyOf(name: string, element: XfccElement): XfccKey {
  const key = name.toLowerCase() as XfccKey;
  if (!keys.includes(key)) throw undecodable(`${quote(name)} in XFCC, which is unknown`);
  if (!repeatable.has(key) && element.some(([known]) => known === key)) {
    throw undecodable(`${quote(name)} twice in XFCC`);
  }
  return key;
}

function valuesOf(element: XfccElement, key: XfccKey): readonly string[] {
  return element.filter(([known]) => known === key).map(([, value]) => value);
}
