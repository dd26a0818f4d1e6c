import type { Exchange } from '../exchange.ts';
import type { ResponseHead } from '../method.ts';
import type { ForwardedPeer } from '../peer/forwarded-peer.ts';
import { type HeadOwner, type NodeResponse, hookHead } from './response-hook.ts';

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
    owner = { name: 'trustedProxies', holds: (head) => isKept(field, head) };
    owners.set(field, owner);
  }
  hookHead(owner, response, exchange, (head) => keep(field, head));
}

/** `no-store` where the handler said nothing about caching, else what the response depends on as well. */
function keep(field: string, head: ResponseHead): void {
  if (isKept(field, head)) return;
  if (forCaches.every((name) => head.field(name) === undefined)) {
    return head.setField('cache-control', 'no-store');
  }
  const vary = head.field('vary');
  head.setField('vary', vary === undefined || vary === '' ? field : `${vary}, ${field}`);
}

/** The fields that caches go by. Those of CDNs put the last two above the first. */
const forCaches = ['cache-control', 'cdn-cache-control', 'surrogate-control'] as const;

function isKept(field: string, head: ResponseHead): boolean {
  const [control, ...others] = forCaches.map((name) => head.field(name));
  const isStored = !listed(control).includes('no-store') || others.some((one) => one !== undefined);
  const vary = listed(head.field('vary'));
  return !isStored || vary.includes('*') || vary.includes(field);
}

function listed(value = ''): readonly string[] {
  // What stands in quotes is no member.
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return bare.split(',').map((one) => one.trim().toLowerCase());
}
