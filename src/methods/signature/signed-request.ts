// A request as its signature looks at it.
import { AuthError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import type { RequestMessage } from '../../http/message-signatures/message.ts';
import { targetUri } from '../../http/request-target.ts';
import { type Coverable, requestCoverage, requestTag, singletons } from './coverage.ts';

/**
 * Whether a signature of ours may be among those of the request: others have other tags, and are not ours
 * to judge. A tag can be spelt in one way only, so a look at the text is enough.
 */
export function hasSignature(exchange: Exchange): boolean {
  return exchange.field('signature-input')?.includes(`tag="${requestTag}"`) === true;
}

/** @throws AuthError `ERR_REQUEST_MALFORMED` for a request that nothing can be signed of */
export function requestMessage(exchange: Exchange): RequestMessage {
  const { method, target } = exchange;
  const url = targetUri(exchange);
  if (url === undefined) {
    throw new AuthError('ERR_REQUEST_MALFORMED', 'a signed request whose target has no URI');
  }
  return { method, url, target, headers: (name) => exchange.fieldLines(name) };
}

/** What the signature of this request must cover. @throws AuthError for a field that comes twice and may not */
export function requiredCoverage(exchange: Exchange): readonly string[] {
  for (const name of singletons) {
    if (exchange.field(name) === undefined || exchange.fieldLines(name).length < 2) continue;
    throw new AuthError('ERR_REQUEST_MALFORMED', `a signed request has ${name} twice`);
  }
  const coverable: Coverable = { has: (name) => exchange.field(name) !== undefined };
  return requestCoverage(coverable, !exchange.content.isEmpty);
}
