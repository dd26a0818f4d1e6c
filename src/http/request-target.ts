// What the request line and Host say of the resource that is meant (RFC 9112 sections 3.2 and 3.3).
import { AuthError } from '../errors.ts';
import { canonicalAuthority } from './authority.ts';

/**
 * The authority that a request names, in its one spelling; undefined where it names none.
 *
 * @param hosts every Host line, or the one `:authority` of HTTP/2
 * @throws AuthError `ERR_REQUEST_MALFORMED` where it names several, or none that is one: each of two
 * readers along the way could then take another for it
 */
export function effectiveAuthority(
  target: string,
  hosts: readonly string[],
  scheme: 'http' | 'https',
): string | undefined {
  if (hosts.length > 1) throw severalAuthorities();
  const [host] = hosts;
  const named = host === undefined ? undefined : canonicalAuthority(host, scheme);
  if (target.startsWith('/')) return named;
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target);
  if (absolute === null) return named;
  const authority = canonicalAuthority(absolute[1]!, scheme);
  if (named !== undefined && named !== authority) throw severalAuthorities();
  return authority;
}

function severalAuthorities(): AuthError {
  return new AuthError('ERR_REQUEST_MALFORMED', 'the request names more than one authority');
}
