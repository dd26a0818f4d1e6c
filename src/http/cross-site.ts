// Whether a browser sends a request on behalf of another origin's page. Evidence that browsers attach by
// themselves (a certificate, a cookie) says who the peer is, never that the peer meant this request.

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The parts of a request that tell (Fetch standard, `Sec-Fetch-Site`; RFC 6454 section 7). */
export interface SentBySite {
  readonly method: string;
  readonly upgrade: boolean;
  readonly scheme: 'http' | 'https';
  readonly authority: string | undefined;
  field(name: 'origin' | 'sec-fetch-site'): string | undefined;
}

/**
 * Whether the request changes something and says that it comes from an origin not among `origins`.
 *
 * A request that says nothing is taken for no browser's; both fields are out of a page's reach.
 */
export function isCrossSite(request: SentBySite, origins: ReadonlySet<string>): boolean {
  const { method, upgrade, scheme, authority } = request;
  if (safeMethods.has(method) && !upgrade) return false;
  const origin = request.field('origin')?.toLowerCase();
  if (origin !== undefined && origins.has(origin)) return false;
  if (origin !== undefined && origin !== `${scheme}://${authority ?? ''}`) return true;
  const site = request.field('sec-fetch-site');
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
