import type { Exchange } from '../exchange.ts';
import type { ForwardedPeer } from '../peer/forwarded-peer.ts';
import { setCaching } from './cache-control.ts';
import type { NodeResponse } from './head.ts';
import { hookHead } from './response-hook.ts';

const owner = { name: 'trustedProxies' };

/**
 * Sees to it that no cache hands to one client what another was given: between the proxy and this service
 * the requests of all its clients look alike but for one field (RFC 9440 section 2.4).
 */
export function keepFromCaches(
  exchange: Exchange,
  response: NodeResponse,
  { field }: ForwardedPeer,
): void {
  hookHead(owner, response, exchange, (head) => setCaching(field, head));
}
