import type { ResponseHead } from '../method.ts';

/**
 * What keeps a response out of the hands of others: `no-store` where the handler said nothing about caching,
 * else what the response depends on as well.
 *
 * @param field of the request, on which it depends; in lower case
 */
export function setCaching(field: string, head: ResponseHead): void {
  const caching = head.field('cache-control');
  if (caching === undefined) return head.setField('cache-control', 'no-store');
  if (listed(caching).includes('no-store')) return;
  const vary = head.field('vary');
  const known = listed(vary ?? '');
  if (known.includes('*') || known.includes(field)) return;
  head.setField('vary', vary === undefined || vary === '' ? field : `${vary}, ${field}`);
}

/** Tells whoever stands behind us, a compressing middleware say, to leave the content as it is. */
export function forbidTransforming(head: ResponseHead): void {
  const caching = head.field('cache-control') ?? '';
  if (listed(caching).includes('no-transform')) return;
  head.setField('cache-control', caching === '' ? 'no-transform' : `${caching}, no-transform`);
}

function listed(value: string): readonly string[] {
  return value.split(',').map((one) => one.trim().toLowerCase());
}
