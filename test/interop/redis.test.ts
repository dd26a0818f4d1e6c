import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { redisStore } from '../../src/stores/redis.ts';
import { storeContract } from '../stores/contract.ts';
import { authError } from '../support/errors.ts';
import { type Client, clients } from '../support/redis-clients.ts';
import { RedisServer, eventually } from '../support/redis-server.ts';

const down = authError('ERR_STORE_UNAVAILABLE');

for (const [name, connect] of Object.entries(clients)) {
  let shared: { readonly server: RedisServer; readonly client: Client };
  let scenes = 0;
  before(async () => {
    const server = await RedisServer.started();
    shared = { server, client: await connect(server.port) };
  });
  after(async () => {
    await shared.client[Symbol.asyncDispose]();
    await shared.server[Symbol.asyncDispose]();
  });

  storeContract(`redisStore with ${name} on a real Redis`, () => {
    const prefix = `scene-${scenes++}:`;
    return {
      store: redisStore(shared.client, { prefix }),
      now: Date.now,
      /** Redis has no clock that could be set; so every key is made to end sooner. */
      async pass(seconds) {
        const admin = new Redis(shared.server.port, '127.0.0.1');
        for (const key of await admin.keys(`${prefix}*`)) {
          const left = (await admin.pttl(key)) - seconds * 1000;
          await (left > 0 ? admin.pexpire(key, Math.ceil(left)) : admin.del(key));
        }
        admin.disconnect();
      },
    };
  });

  describe(`redisStore with ${name} on a real Redis`, () => {
    it('refuses another maxmemory-policy, until it is mended', async () => {
      await using server = await RedisServer.started('--maxmemory-policy', 'allkeys-lru');
      await using client = await connect(server.port);
      const store = redisStore(client);
      await assert.rejects(
        async () => store.add('a', 60),
        authError('ERR_STORE_UNAVAILABLE', /noeviction/),
      );
      const admin = new Redis(server.port, '127.0.0.1');
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      admin.disconnect();
      assert.equal(await eventually(() => store.add('a', 60)), true);
    });

    it('needs four commands and its own keys, and neither CONFIG nor any other', async () => {
      await using server = await RedisServer.started();
      const admin = new Redis(server.port, '127.0.0.1');
      const [username, password] = ['app', 'of-this-test'];
      const rights = ['on', `>${password}`, 'resetkeys', '~countersign:*', '-@all'];
      const verbs = ['+set', '+get', '+getdel'];
      await admin.acl('SETUSER', username, ...rights, ...verbs, '+info');
      await admin.acl('SETUSER', 'blind', ...rights, ...verbs);
      admin.disconnect();
      await using client = await connect(server.port, { username, password });
      const store = redisStore(client);
      assert.equal(await eventually(() => store.add('a', 60)), true);
      assert.equal(await store.add('a', 60), false);
      await store.put('a', 'x', 60);
      assert.equal(await store.get('a'), 'x');
      assert.equal(await store.take('a'), 'x');
      // Without INFO nobody can say whether it forgets.
      await using blind = await connect(server.port, { username: 'blind', password });
      const unknown = redisStore(blind);
      await assert.rejects(
        async () => unknown.add('b', 60),
        authError('ERR_STORE_UNAVAILABLE', /does not permit a command/),
      );
    });

    it('refuses for want of memory, and goes on saying what was spent', async () => {
      await using server = await RedisServer.started('--maxmemory', '3mb');
      await using client = await connect(server.port);
      const store = redisStore(client);
      const spent: string[] = [];
      await assert.rejects(
        async () => {
          for (let i = 0; i < 100_000; i += 200) {
            const keys = Array.from({ length: 200 }, (_, n) => `nonce-${i + n}-${'x'.repeat(50)}`);
            const answers = await Promise.all(keys.map(async (key) => store.add(key, 600)));
            assert.ok(answers.every(Boolean));
            spent.push(...keys);
          }
        },
        authError('ERR_STORE_FULL', /no more memory/),
      );
      assert.ok(spent.length > 0);
      // Redis says that it is out of memory before it looks at the key: refused either way.
      await assert.rejects(async () => store.add(spent[0]!, 600), authError('ERR_STORE_FULL'));
      await store.bornAt();
    });

    it('refuses a Redis that hangs, within a second and then at once, and recovers', async () => {
      await using server = await RedisServer.started();
      await using client = await connect(server.port);
      const store = redisStore(client, { commandTimeout: 0.3 });
      assert.equal(await eventually(() => store.add('a', 60)), true);
      server.signal('SIGSTOP');
      try {
        for (let i = 0; i < 2; i++) {
          const start = performance.now();
          await assert.rejects(async () => store.add('b', 60), down);
          assert.ok(performance.now() - start < 600);
        }
        const start = performance.now();
        await assert.rejects(async () => store.add('b', 60), down);
        assert.ok(performance.now() - start < 50);
      } finally {
        server.signal('SIGCONT');
      }
      assert.equal(await eventually(() => store.add('a', 60)), false);
    });
  });
}
