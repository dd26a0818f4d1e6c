// Where the service lives, as far as it was told, and which requests are meant for it.
import { AuthError, quote } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { isCrossSite } from './http/cross-site.ts';
import type { Proven } from './requirement.ts';
import {
  type ServedAuthority,
  checkAuthorities,
  checkOrigins,
  serves,
} from './served-authority.ts';

export interface PlaceOptions {
  /**
   * The origins this service answers to, each with a path prefix if need be:
   * `https://api.bank.example/v1`. A request for another authority is refused with 421.
   */
  readonly authorities?: readonly string[];
  /** Origins of other sites whose pages may use evidence that browsers attach by themselves. */
  readonly origins?: readonly string[];
}

/** `PlaceOptions`, read. */
export interface Place {
  readonly authorities: readonly ServedAuthority[] | undefined;
  readonly origins: ReadonlySet<string>;
}

/** @throws ConfigError for what is no origin */
export function readPlace({ authorities, origins = [] }: PlaceOptions): Place {
  return {
    authorities:
      authorities === undefined ? undefined : checkAuthorities('authorities', authorities),
    origins: checkOrigins('origins', origins),
  };
}

/** @throws AuthError `ERR_MISDIRECTED_REQUEST`, or `ERR_REQUEST_MALFORMED` where no authority is named */
export function checkAuthority(exchange: Exchange, { authorities }: Place): void {
  // Read even where nothing compares it: a request that names two authorities is refused.
  const { authority, target } = exchange;
  // No request has a fragment (RFC 9112 section 3.2), and of two readers each would cut it another way.
  if (target.includes('#')) {
    throw new AuthError('ERR_REQUEST_MALFORMED', 'the target of the request has a fragment');
  }
  if (authorities !== undefined && !authorities.some((one) => serves(one, exchange))) {
    throw new AuthError(
      'ERR_MISDIRECTED_REQUEST',
      `${authority === undefined ? 'no authority' : quote(authority)} is not among the authorities`,
    );
  }
}

/**
 * Checks that no page of another site makes a browser send this.
 *
 * @param found the evidence; the rule is for what is ambient
 * @throws AuthError `ERR_CROSS_SITE`
 */
export function checkSite(exchange: Exchange, { origins }: Place, found: readonly Proven[]): void {
  const ambient = found.find(({ method }) => method.ambient === true);
  if (ambient !== undefined && isCrossSite(exchange, origins)) {
    throw new AuthError(
      'ERR_CROSS_SITE',
      `a page of another origin sends this with evidence of ${ambient.method.name}; list it in origins to let it`,
    );
  }
}
