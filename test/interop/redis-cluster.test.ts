// A Redis Cluster of three masters, one of which is killed and comes back empty.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { type RedisClient, redisStore } from '../../src/stores/redis.ts';
import { RedisServer, eventually, freePort } from '../support/redis-server.ts';

type Connect = (port: number) => Promise<RedisClient & AsyncDisposable>;

const clients: Readonly<Record<string, Connect>> = {
  async ioredis(port) {
    const client = new Cluster([{ host: '127.0.0.1', port }]);
    return Object.assign(client, { [Symbol.asyncDispose]: async () => client.disconnect() });
  },
  async 'node-redis'(port) {
    const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] });
    client.on('error', () => {});
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: async () => client.destroy() });
  },
};

async function master(): Promise<RedisServer> {
  return RedisServer.started(
    ...['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())],
    ...['--cluster-require-full-coverage', 'no', '--cluster-node-timeout', '1000'],
  );
}

for (const [name, connect] of Object.entries(clients)) {
  describe(`redisStore with a cluster of ${name}`, () => {
    it('lets nothing in twice when a master comes back empty', async () => {
      await using first = await master();
      await using second = await master();
      await using third = await master();
      const addresses = [first, second, third].map(({ port }) => `127.0.0.1:${port}`);
      execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
      await using client = await eventually(() => connect(first.port));
      const store = redisStore(client);
      const keys = Array.from({ length: 100 }, (_, i) => `nonce-${i}`);
      await eventually(async () => {
        for (const key of keys) await store.add(`warm-up-${key}`, 600);
      });
      for (const key of keys) assert.equal(await store.add(key, 600), true);
      for (const key of keys) assert.equal(await store.add(key, 600), false);
      const born = await store.bornAt();

      await second.kill();
      await delay(100);
      await second.start();
      let absent = 0;
      for (const key of keys) {
        // What has been forgotten is let in by `add`, and refused for being older than the store.
        const { again, since } = await eventually(async () => ({
          again: await store.add(key, 600),
          since: await store.bornAt(),
        }));
        if (!again) continue;
        absent++;
        assert.ok(since > born, key);
      }
      assert.ok(absent > 0 && absent < 100, `${absent} were forgotten`);
    });
  });
}
