import type { Exchange } from '../exchange.ts';
import type { ResponseHead } from '../method.ts';
import type { ForwardedPeer } from '../peer/forwarded-peer.ts';
import { type NodeResponse, hookHead } from './response-hook.ts';

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

/** `no-store` where the handler said nothing about caching, else what the response depends on as well. */
function setCaching(field: string, head: ResponseHead): void {
  const caching = head.field('cache-control');
  if (caching === undefined) return head.setField('cache-control', 'no-store');
  if (listed(caching).includes('no-store')) return;
  const vary = head.field('vary');
  const known = listed(vary ?? '');
  if (known.includes('*') || known.includes(field)) return;
  head.setField('vary', vary === undefined || vary === '' ? field : `${vary}, ${field}`);
}

function listed(value: string): readonly string[] {
  return value.split(',').map((one) => one.trim().toLowerCase());
}
