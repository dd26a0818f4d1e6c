// What the request line and Host say of the resource that is meant (RFC 9112 sections 3.2 and 3.3).
import { AuthError } from '../errors.ts';
import { canonicalAuthority } from './authority.ts';

/**
 * The authority that a request names, in its one spelling; undefined where it names none.
 *
 * @param hosts every Host line
 * @param pseudo the `:authority` of HTTP/2, where there is one (RFC 9113 section 8.3.1)
 * @throws AuthError `ERR_REQUEST_MALFORMED` where it names several, or none that is one: each of two
 * readers along the way could then take another for it
 */
export function effectiveAuthority(
  target: string,
  hosts: readonly string[],
  scheme: 'http' | 'https',
  pseudo?: string,
): string | undefined {
  if (hosts.length > 1) throw severalAuthorities();
  let named: string | undefined;
  for (const text of [hosts[0], pseudo, absoluteAuthority(target)]) {
    if (text === undefined) continue;
    const authority = canonicalAuthority(text, scheme);
    if (named !== undefined && named !== authority) throw severalAuthorities();
    named = authority;
  }
  return named;
}

function absoluteAuthority(target: string): string | undefined {
  if (target.startsWith('/')) return undefined;
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
}

function severalAuthorities(): AuthError {
  return new AuthError('ERR_REQUEST_MALFORMED', 'the request names more than one authority');
}

/** The parts of a request that say what it is for. */
export interface Targeted {
  readonly target: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string | undefined;
}

/**
 * The target URI (RFC 9110 section 7.1), with every character of path and query as it came; undefined where the
 * request names no authority, or nothing that has a URI.
 */
export function targetUri({ target, scheme, authority }: Targeted): string | undefined {
  if (authority === undefined) return undefined;
  const origin = `${scheme}://${authority}`;
  if (target.startsWith('/')) return origin + target;
  // Of the service itself: `OPTIONS *` (RFC 9112 section 3.2.4).
  if (target === '*') return origin;
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(target) ?? [];
  return rest === undefined ? undefined : origin + rest;
}
