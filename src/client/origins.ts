// The origins a client speaks to (RFC 6454 section 4), in one spelling. Credentials go to no other.
import { isIPv6 } from 'node:net';
import { AuthError, ConfigError, quote } from '../errors.ts';

/** Origins as `URL.origin` spells them. */
export type Origins = ReadonlySet<string>;

/**
 * Reads the option `origins`.
 *
 * @throws ConfigError for anything but a list, not empty, of https origins
 */
export function readOrigins(path: string, given: unknown): Origins {
  if (!Array.isArray(given) || given.length === 0) {
    throw new ConfigError(path, "must list the servers to speak to, as ['https://api.example']");
  }
  return new Set(given.map((origin, index) => readOrigin(`${path}[${index}]`, origin)));
}

/**
 * The URL of the origin that `text` names, if it is listed.
 *
 * @throws AuthError `ERR_ORIGIN_NOT_LISTED`
 */
export function listedOrigin(origins: Origins, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !origins.has(url.origin)) {
    // The origin alone: the rest of a URL may be secret.
    const origin = url === undefined ? 'what is no URL' : quote(`${url.protocol}//${url.host}`);
    throw new AuthError('ERR_ORIGIN_NOT_LISTED', `${origin} is not among server.origins`);
  }
  return new URL(url.origin);
}

/** The text of a URL to this host, for `listedOrigin`. IPv6 addresses come without brackets. */
export function urlTo(protocol: string, host: string, port: string | number): string {
  return `${protocol}//${isIPv6(host) ? `[${host}]` : host}${port === '' ? '' : `:${port}`}`;
}

function readOrigin(path: string, given: unknown): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== 'https:') {
    throw new ConfigError(path, "must be an https origin, as 'https://api.example:8443'");
  }
  // Whatever follows the authority would look like a restriction and be none.
  if (url.href !== `${url.origin}/`) {
    throw new ConfigError(path, `must be an origin alone; write '${url.origin}'`);
  }
  // It would be another origin than the one without, and no server name (RFC 6066 section 3).
  if (url.hostname.endsWith('.')) {
    throw new ConfigError(path, 'must be without the dot at the end of the host');
  }
  return url.origin;
}
