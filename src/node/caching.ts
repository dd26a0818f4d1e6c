import type { Exchange } from '../exchange.ts';
import type { ForwardedPeer } from '../peer/forwarded-peer.ts';
import { isKeptFromCaches, setCaching } from './cache-control.ts';
import type { NodeResponse } from './head.ts';
import type { HeadOwner } from './hook.ts';
import { hookHead } from './response-hook.ts';

/** By field. Fields are named in options, so they are few. */
const owners = new Map<string, HeadOwner>();

/**
 * Sees to it that no cache hands to one client what another was given: between the proxy and this service
 * the requests of all its clients look alike but for one field (RFC 9440 section 2.4).
 */
export function keepFromCaches(
  exchange: Exchange,
  response: NodeResponse,
  { field }: ForwardedPeer,
): void {
  let owner = owners.get(field);
  if (owner === undefined) {
    owner = { name: 'trustedProxies', holds: (head) => isKeptFromCaches(field, head) };
    owners.set(field, owner);
  }
  hookHead(owner, response, exchange, (head) => setCaching(field, head));
}
