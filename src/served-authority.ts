import { AuthError, ConfigError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { canonicalAuthority } from './http/authority.ts';

/** One origin this service answers to, with the path it is mounted at. */
export interface ServedAuthority {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  /** Without a trailing slash; empty for the whole origin. */
  readonly path: string;
}

// A URL parser takes a backslash for a slash, and some servers decode before they resolve.
const dotSegment = /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i;

/** Whether the request names this authority and a path below its own. */
export function serves({ scheme, authority, path }: ServedAuthority, exchange: Exchange): boolean {
  const named = exchange.authority;
  if (named === undefined) return false;
  // A proxy may have ended TLS, so the default port is that of the scheme the user wrote.
  if (named !== authority && !isSamePort(named, authority, scheme)) return false;
  const target = exchange.target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (path === '') return true;
  // Whoever resolves dot segments behind us would leave the prefix that was checked here.
  if (dotSegment.test(target)) return false;
  return target === path || target.startsWith(`${path}/`);
}

/** @throws ConfigError for what is no origin with an optional path */
export function checkAuthorities(
  path: string,
  urls: readonly string[],
): readonly ServedAuthority[] {
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new ConfigError(path, 'must be a list of origins, such as ["https://api.bank.example"]');
  }
  return urls.map((url, i) => {
    const parsed = parse(`${path}[${i}]`, url);
    return { ...parsed, path: parsed.path.replace(/\/$/, '') };
  });
}

/** @throws ConfigError for what is no origin */
export function checkOrigins(path: string, urls: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(urls)) throw new ConfigError(path, 'must be a list of origins');
  return new Set(
    urls.map((url, i) => {
      const { scheme, authority } = checkOrigin(`${path}[${i}]`, url);
      return `${scheme}://${authority}`;
    }),
  );
}

/** @throws ConfigError for what is no origin */
export function checkOrigin(path: string, url: unknown): ServedAuthority {
  const origin = parse(path, url);
  if (origin.path !== '') throw new ConfigError(path, 'must be an origin, without a path');
  return origin;
}

function parse(path: string, url: unknown): ServedAuthority {
  const match = typeof url === 'string' ? /^(https?):\/\/([^/?#]+)(\/[^?#]*)?$/.exec(url) : null;
  if (match === null) {
    throw new ConfigError(
      path,
      'must be an origin with its scheme, such as https://api.bank.example',
    );
  }
  const scheme = match[1] as 'http' | 'https';
  try {
    return { scheme, authority: canonicalAuthority(match[2]!, scheme), path: match[3] ?? '' };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw new ConfigError(path, `${error.message}; write host and port only`);
  }
}

function isSamePort(named: string, authority: string, scheme: 'http' | 'https'): boolean {
  return (
    named.endsWith(scheme === 'https' ? ':443' : ':80') &&
    canonicalAuthority(named, scheme) === authority
  );
}
