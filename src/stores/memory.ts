import type { Store } from './store.ts';

export function memoryStore(): Store {
  const until = new Map<string, number>();
  const born = Date.now();
  return {
    add(key, ttl) {
      const now = Date.now();
      if ((until.get(key) ?? 0) > now) return false;
      until.set(key, now + ttl * 1000);
      return true;
    },
    put() {},
    get: () => undefined,
    take: () => undefined,
    bornAt: () => born,
  };
}
