// The parts of a target URI (RFC 9110 section 7.1), taken as they are: a URL class would put dot segments
// and percent-encoding in order, and what is signed would not be what is sent.
import { AuthError, quote } from '../../errors.ts';
import { canonicalAuthority } from '../authority.ts';

export interface TargetUri {
  readonly scheme: 'http' | 'https';
  /** In its one spelling. */
  readonly authority: string;
  /** From its slash on; a slash where there is none. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
}

/** Takes an absolute http or https URI apart. @throws AuthError `ERR_REQUEST_MALFORMED` */
export function splitUri(uri: string): TargetUri {
  // Before lower case is made, since other characters turn into plain letters by it.
  if (/[^!-~]/.test(uri)) throw malformed(uri);
  const from = uri.indexOf('://') + 3;
  const scheme = schemeOf(uri, from);
  if (scheme === undefined) throw malformed(uri);
  const hash = endOf(uri, '#', uri.length);
  const question = endOf(uri, '?', hash);
  const slash = endOf(uri, '/', question, from);
  return {
    scheme,
    authority: canonicalAuthority(uri.slice(from, slash), scheme),
    path: slash === question ? '/' : uri.slice(slash, question),
    query: uri.slice(question, hash),
  };
}

function schemeOf(uri: string, end: number): TargetUri['scheme'] | undefined {
  if (uri.startsWith('https://')) return 'https';
  const scheme = uri.slice(0, end).toLowerCase();
  if (scheme === 'https://') return 'https';
  return scheme === 'http://' ? 'http' : undefined;
}

/** Where this character stands first, before `end`; else `end`. */
function endOf(text: string, character: string, end: number, from = 0): number {
  const at = text.indexOf(character, from);
  return at < 0 || at > end ? end : at;
}

function malformed(uri: string): AuthError {
  // What stands before an @ may be a password.
  const shown = quote(uri.replace(/^.*@/s, '...@'));
  return new AuthError('ERR_REQUEST_MALFORMED', `${shown} is no absolute http or https URI`);
}
