// Whether a browser sends a request on behalf of another origin's page. Evidence that browsers attach by
// themselves (a certificate, a cookie) says who the peer is, never that the peer meant this request.

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The parts of a request that tell (Fetch standard, `Sec-Fetch-Site`; RFC 6454 section 7). */
export interface SiteClaim {
  readonly method: string;
  readonly upgrade: boolean;
  /** The request's own origin, `https://api.bank.example`. */
  readonly ownOrigin: string;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
}

/**
 * Whether the request changes something and says that it comes from an origin not among `origins`.
 *
 * A request that says nothing is taken for no browser's; both fields are out of a page's reach.
 */
export function isCrossSite(claim: SiteClaim, origins: ReadonlySet<string>): boolean {
  const { method, upgrade, ownOrigin, secFetchSite } = claim;
  if (safeMethods.has(method) && !upgrade) return false;
  const origin = claim.origin?.toLowerCase();
  if (origin !== undefined && origins.has(origin)) return false;
  if (origin !== undefined && origin !== ownOrigin) return true;
  return secFetchSite !== undefined && secFetchSite !== 'same-origin' && secFetchSite !== 'none';
}
