// A request as its signature looks at it.
import type { Exchange } from '../../exchange.ts';
import type { RequestMessage } from '../../http/message-signatures/message.ts';
import { type Coverable, requestCoverage, requestTag } from './coverage.ts';

/**
 * Whether a signature of ours may be among those of the request: others have other tags, and are not ours
 * to judge. A tag can be spelt in one way only, so a look at the text is enough.
 */
export function hasSignature(exchange: Exchange): boolean {
  return exchange.field('signature-input')?.includes(`tag="${requestTag}"`) === true;
}

/** @param exchange one whose authority is known */
export function requestMessage(exchange: Exchange): RequestMessage {
  const { method, scheme, authority = '', target } = exchange;
  const path = target.startsWith('/')
    ? target
    : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return {
    method,
    url: `${scheme}://${authority}${path}`,
    target,
    headers: (name) => exchange.fieldLines(name),
  };
}

/** What the signature of this request must cover. */
export function requiredCoverage(exchange: Exchange): readonly string[] {
  const coverable: Coverable = { has: (name) => exchange.field(name) !== undefined };
  return requestCoverage(coverable, !exchange.content.isEmpty);
}
