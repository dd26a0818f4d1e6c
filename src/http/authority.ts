// The authority a request names (RFC 9110 sections 4.2.3 and 7.2), in one spelling, so that two equal
// authorities are two equal strings.
import { AuthError, quote } from '../errors.ts';

const defaultPort = { http: ':80', https: ':443' } as const;
const registeredName = /^(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+$/i;
const ipLiteral = /^\[[0-9a-f:.]+\]$/i;

/**
 * Host and port in lower case, without the scheme's default port and without a trailing dot.
 *
 * @throws AuthError `ERR_REQUEST_MALFORMED` for text that is no authority; user information is none
 */
export function canonicalAuthority(text: string, scheme: 'http' | 'https'): string {
  if (text !== last.text || scheme !== last.scheme)
    last = { text, scheme, canonical: canonicalOf(text, scheme) };
  return last.canonical;
}

// A service has few names, and mostly hears the same one again.
let last = { text: '', scheme: '', canonical: '' };

function canonicalOf(text: string, scheme: 'http' | 'https'): string {
  const match = /^(\[[^\]]*\]|[^:]*)(:\d{0,5})?$/.exec(text);
  const host = match?.[1]?.replace(/\.$/, '') ?? '';
  // Before lower case is made: the Kelvin sign would turn into a plain k.
  if (!registeredName.test(host) && !ipLiteral.test(host)) {
    // What stands before an @ may be a password.
    const shown = quote(text.replace(/^.*@/s, '...@'));
    throw new AuthError('ERR_REQUEST_MALFORMED', `${shown} is no authority`);
  }
  const port = match?.[2] ?? '';
  const name = host.toLowerCase();
  return port === ':' || port === defaultPort[scheme] ? name : name + port;
}
