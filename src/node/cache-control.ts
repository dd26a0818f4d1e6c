import type { ResponseHead } from '../method.ts';

/**
 * What keeps a response out of the hands of others: `no-store` where the handler said nothing about caching,
 * else what the response depends on as well.
 *
 * @param field of the request, on which it depends; in lower case
 */
export function setCaching(field: string, head: ResponseHead): void {
  if (isKeptFromCaches(field, head)) return;
  if (forCaches.every((name) => head.field(name) === undefined)) {
    return head.setField('cache-control', 'no-store');
  }
  const vary = head.field('vary');
  head.setField('vary', vary === undefined || vary === '' ? field : `${vary}, ${field}`);
}

/** The fields that caches go by. Those of CDNs put the last two above the first. */
const forCaches = ['cache-control', 'cdn-cache-control', 'surrogate-control'] as const;

/** Whether no cache keeps a response, or only for requests with the same field. */
export function isKeptFromCaches(field: string, head: ResponseHead): boolean {
  const [control, ...others] = forCaches.map((name) => head.field(name));
  const isStored = !listed(control).includes('no-store') || others.some((one) => one !== undefined);
  const vary = listed(head.field('vary'));
  return !isStored || vary.includes('*') || vary.includes(field);
}

/** Tells whoever stands behind us, a compressing middleware say, to leave the content as it is. */
export function forbidTransforming(head: ResponseHead): void {
  const caching = head.field('cache-control') ?? '';
  if (listed(caching).includes('no-transform')) return;
  head.setField('cache-control', caching === '' ? 'no-transform' : `${caching}, no-transform`);
}

function listed(value = ''): readonly string[] {
  // What stands in quotes is no member.
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return bare.split(',').map((one) => one.trim().toLowerCase());
}
