import type { Exchange } from './exchange.ts';

interface Entry {
  readonly owner: object;
  readonly value: unknown;
}

/**
 * What `owner` remembers of a request; made on first sight.
 *
 * Kept with the request, and few remember anything, so a list is searched sooner than a map is made. A map of
 * all requests would be worse still: collecting its garbage costs more than all the rest of a verified one.
 */
export function remembered<T>({ memory }: Exchange, owner: object, make: () => T): T {
  for (const entry of memory as Entry[]) if (entry.owner === owner) return entry.value as T;
  const value = make();
  memory.push({ owner, value } satisfies Entry);
  return value;
}
