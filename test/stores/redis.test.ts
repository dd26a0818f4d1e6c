import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { type RedisClient, type RedisStoreOptions, redisStore } from '../../src/stores/redis.ts';
import { authError, configError } from '../support/errors.ts';
import { recordEvents } from '../support/events.ts';
import { FakeServer, shapes } from '../support/fake-redis.ts';
import { minutes, until } from '../support/files.ts';
import { type Store, spend } from '../../src/stores/store.ts';
import { storeContract } from './contract.ts';

const down = authError('ERR_STORE_UNAVAILABLE');

function scene(shape = 'ioredis', options: RedisStoreOptions = {}) {
  let time = 1_800_000_000_250;
  const now = () => time;
  const server = new FakeServer(now);
  const other = new FakeServer(now);
  const client = shapes[shape]!([server, other]);
  const make = () => redisStore(client, { now, ...options });
  let made: Store | undefined;
  return {
    now,
    server,
    other,
    client,
    make,
    get store() {
      return (made ??= make());
    },
    pass: (seconds: number) => void (time += seconds * 1000),
  };
}

/** What was told to a server, without what it is asked on each connection. */
function verbs({ heard }: FakeServer): string[] {
  return heard
    .map((words) => words.join(' '))
    .filter((words) => words !== 'INFO' && !words.includes(':born:'));
}

for (const shape of Object.keys(shapes)) {
  storeContract(`redisStore with ${shape}`, () => scene(shape));

  describe(`redisStore with ${shape}`, () => {
    it('says one command for each verb, about one key', async () => {
      const { store, server } = scene(shape, { prefix: 'mine:' });
      await store.add('a', 60, 'alice');
      await store.put('b', 'x', 1.5);
      await store.get('b');
      await store.take('b');
      await store.bornAt();
      assert.deepEqual(verbs(server), [
        'SET mine:once:a 1 NX PX 60000',
        'SET mine:value:b x PX 1500',
        'GET mine:value:b',
        'GETDEL mine:value:b',
      ]);
      assert.ok(server.heard.every((words) => words.length < 2 || words[1]!.startsWith('mine:')));
    });

    it('asks first whether Redis is fit, also where nothing is to be remembered yet', async () => {
      const { server, make } = scene(shape);
      make();
      await until(() => server.heard.length >= 3);
      assert.deepEqual(
        server.heard.map(([verb]) => verb),
        ['INFO', 'SET', 'GET'],
      );
    });

    it('is as old for everybody, and after a new connection to the same server', async () => {
      const { store, make, pass, client } = scene(shape);
      const born = await store.bornAt();
      pass(100);
      assert.equal(await make().bornAt(), born);
      client.lose();
      client.connect();
      assert.equal(await store.bornAt(), born);
    });

    for (const keeps of [false, true]) {
      it(`is born anew with a server that was started again ${keeps ? 'from disk' : 'empty'}`, async () => {
        const { store, pass, now, client, server } = scene(shape);
        const created = now();
        const message = { key: 'a', created: created + 1, ttl: 120, share: 'k' };
        assert.equal(await spend(store, message), 'first');
        pass(10);
        client.lose();
        server.restart({ keeps });
        client.connect();
        assert.equal(await store.bornAt(), now());
        // From the disk it may have come without the last keys.
        server.data.delete('countersign:once:a');
        assert.equal(await spend(store, message), 'unknown');
        const after = { ...message, key: 'b', created: now() + 1 };
        assert.equal(await spend(store, after), 'first');
      });
    }

    it('does not believe an answer that comes over another connection than it was asked on', async () => {
      const { store, client, server } = scene(shape);
      assert.equal(await store.add('a', 60), true);
      server.silent = true;
      const replay = store.add('a', 60);
      await until(() => server.heard.length > 0);
      await new Promise((resolve) => setImmediate(resolve));
      client.lose();
      server.restart({ keeps: false });
      server.silent = false;
      // Sent again by the client, to a server that knows of nothing.
      client.connect();
      await assert.rejects(async () => replay, down);
      assert.equal(server.data.get('countersign:once:a')?.value, '1');
    });

    it('refuses at once where there is no connection, and leaves nothing with the client', async () => {
      const { store, client } = scene(shape);
      await store.add('a', 60);
      for (const event of ['error', 'close', 'end', 'reconnecting']) {
        client.lose(event);
        await assert.rejects(async () => store.add('b', 60), /ERR_STORE|Redis is not connected/);
        await assert.rejects(async () => store.get('b'), down);
        await assert.rejects(async () => store.bornAt(), down);
        assert.deepEqual(client.waiting, []);
        client.connect();
        assert.equal(await store.add(`after ${event}`, 60), true);
      }
    });
  });
}

describe('redisStore', () => {
  it('waits for a first connection, and then answers', async () => {
    const { client, make, server } = scene();
    client.isReady = false;
    client.status = 'connecting';
    const answer = make().add('a', 60);
    await new Promise((resolve) => setImmediate(resolve));
    client.connect();
    assert.equal(await answer, true);
    assert.equal(server.heard[0]![0], 'INFO');
  });

  it('refuses after `commandTimeout` where Redis does not answer, then at once, and recovers', async (t) => {
    const clock = minutes(t);
    const { store, server } = scene('ioredis', { commandTimeout: 0.02 });
    assert.equal(await store.add('a', 60), true);
    server.silent = true;
    await assert.rejects(async () => store.add('b', 60), /not answered within 0.02 s/);
    await assert.rejects(async () => store.add('b', 60), down);
    const heard = server.heard.length;
    server.silent = false;
    await assert.rejects(async () => store.add('b', 60), down);
    assert.equal(server.heard.length, heard);
    clock.pass();
    assert.equal(await store.add('b', 60), true);
    assert.equal(await store.add('a', 60), false);
  });

  it('never forgets `commandTimeout` while it finds out about Redis', async () => {
    const { make, server } = scene('ioredis', { commandTimeout: 0.02 });
    server.silent = true;
    await assert.rejects(async () => make().bornAt(), /not answered within 0.02 s/);
  });

  for (const policy of ['allkeys-lru', 'volatile-ttl', undefined]) {
    it(`refuses everything while the maxmemory-policy is ${policy}`, async (t) => {
      const clock = minutes(t);
      using events = recordEvents();
      const { server, client, make } = scene();
      client.isReady = false;
      const { maxmemory_policy: right, ...info } = server.info;
      server.info = policy === undefined ? info : { ...info, maxmemory_policy: policy };
      const store = make();
      client.connect();
      await until(() => events.store.length > 0);
      const [{ store: name, error }] = events.store as [(typeof events.store)[0]];
      assert.equal(name, 'redis');
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /maxmemory-policy of Redis is .*set it to noeviction/);
      for (const use of [
        () => store.add('a', 60),
        () => store.put('a', 'x', 60),
        () => store.get('a'),
        () => store.take('a'),
        () => store.bornAt(),
      ]) {
        await assert.rejects(async () => use(), authError('ERR_STORE_UNAVAILABLE', /noeviction/));
        clock.pass();
      }
      assert.deepEqual(verbs(server), []);
      server.info['maxmemory_policy'] = right!;
      assert.equal(await store.add('a', 60), true);
      assert.deepEqual(
        events.store.map((event) => event.error instanceof Error),
        [true, false],
      );
    });
  }

  it('asks a new connection at once, whatever the one before was', async () => {
    const { server, client, store } = scene();
    server.info['maxmemory_policy'] = 'allkeys-lru';
    await assert.rejects(async () => store.add('a', 60), down);
    client.lose();
    server.info['maxmemory_policy'] = 'noeviction';
    client.connect();
    assert.equal(await store.add('a', 60), true);
  });

  it('does not hold against a connection that the one before never answered', async () => {
    const { server, client, make } = scene('ioredis', { commandTimeout: 0.02 });
    server.silent = true;
    const store = make();
    await new Promise((resolve) => setImmediate(resolve));
    client.lose();
    client.waiting = [];
    server.silent = false;
    client.connect();
    assert.equal(await store.add('a', 60), true);
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.equal(await store.add('b', 60), true);
  });

  for (const [name, change, message] of [
    ['is older than 6.2', { redis_version: '6.0.16' }, /older than 6\.2/],
    ['does not tell its version', { redis_version: '' }, /older than 6\.2/],
    ['does not tell its run', { run_id: '' }, /run_id/],
  ] as const) {
    it(`refuses a Redis that ${name}`, async () => {
      const { server, store } = scene();
      Object.assign(server.info, change);
      await assert.rejects(
        async () => store.add('a', 60),
        authError('ERR_STORE_UNAVAILABLE', message),
      );
    });
  }

  for (const version of ['6.2.0', '7.0.15', '10.1.2']) {
    it(`takes Redis ${version}`, async () => {
      const { server, store } = scene();
      Object.assign(server.info, { redis_version: version });
      assert.equal(await store.add('a', 60), true);
    });
  }

  it('sees within a minute that a server was emptied, or exchanged behind a proxy', async (t) => {
    const clock = minutes(t);
    const { server, store, pass, now } = scene();
    await store.add('a', 60);
    pass(10);
    server.data.clear();
    clock.pass();
    await store.add('b', 60);
    await until(() => server.heard.filter(([verb]) => verb === 'INFO').length >= 2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(await store.bornAt(), now());
    pass(10);
    server.restart({ keeps: true });
    clock.pass();
    await store.get('b');
    await until(() => server.heard.filter(([verb]) => verb === 'INFO').length >= 3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(await store.bornAt(), now());
  });

  for (const [answer, code, message] of [
    ["OOM command not allowed when used memory > 'maxmemory'.", 'ERR_STORE_FULL', /no more memory/],
    ['READONLY You cannot write', 'ERR_STORE_UNAVAILABLE', /answered with READONLY/],
    ['NOPERM no permissions to run secret', 'ERR_STORE_UNAVAILABLE', /does not permit a command/],
    ['ERR unknown command, args: secret', 'ERR_STORE_UNAVAILABLE', /answered with ERR$/],
    ['Connection is closed, secret', 'ERR_STORE_UNAVAILABLE', /does not answer$/],
  ] as const) {
    it(`refuses with ${code} where Redis says ${answer.split(' ')[0]}, and repeats nothing of it`, async () => {
      const { server, store } = scene();
      server.says = () => {
        throw Object.assign(new Error(answer), { command: { args: ['secret'] } });
      };
      const error: unknown = await Promise.resolve(store.add('secret', 60)).catch(
        (thrown: unknown) => thrown,
      );
      authError(code, message)(error);
      assert.ok(error instanceof Error);
      assert.equal(error.cause, undefined);
      assert.doesNotMatch(error.message, /secret/);
    });
  }

  it('tells the code of an error of the network', async () => {
    const { server, store } = scene();
    server.says = () => {
      throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    };
    await assert.rejects(async () => store.add('a', 60), /does not answer: "ECONNREFUSED"/);
  });

  it('refuses answers of any other kind, as in a transaction or as bytes', async () => {
    for (const answer of ['QUEUED', Buffer.from('OK'), undefined, 1, true, []]) {
      const { server, store } = scene();
      server.says = () => answer;
      await assert.rejects(async () => store.add('a', 60), down, String(answer));
      await assert.rejects(async () => store.put('a', 'x', 60), down, String(answer));
      if (typeof answer === 'string') continue;
      await assert.rejects(async () => store.get('a'), down, String(answer));
      await assert.rejects(async () => store.take('a'), down, String(answer));
    }
  });

  it('refuses where the birth cannot be read', async () => {
    for (const born of ['', 'soon', '1e400', '-']) {
      const { server, store } = scene();
      await store.bornAt();
      const key = [...server.data.keys()].find((name) => name.includes(':born:'))!;
      server.data.set(key, { value: born === '' ? 'NaN' : born, until: Infinity });
      const fresh = redisStore(shapes['ioredis']!([server]));
      await assert.rejects(async () => fresh.add('a', 60), /since when it remembers/);
    }
  });

  it('lets no account have more than its share, and does not count what was there', async () => {
    const { store, pass } = scene('ioredis', { maxPerShare: 2 });
    assert.equal(await store.add('a', 60, 'alice'), true);
    for (let i = 0; i < 5; i++) assert.equal(await store.add('a', 60, 'alice'), false);
    assert.equal(await store.add('b', 60, 'alice'), true);
    await assert.rejects(async () => store.add('c', 60, 'alice'), authError('ERR_STORE_FULL'));
    assert.equal(await store.add('c', 60, 'bob'), true);
    pass(61.5);
    assert.equal(await store.add('d', 60, 'alice'), true);
  });

  for (const shape of ['a cluster of ioredis', 'a cluster of node-redis']) {
    it(`looks at each server of ${shape}`, async (t: TestContext) => {
      const clock = minutes(t);
      const { other, store, client, pass, now } = scene(shape);
      await store.bornAt();
      pass(10);
      other.restart({ keeps: false });
      client.emit(shape.endsWith('ioredis') ? '-node' : 'node-disconnect');
      assert.equal(await store.bornAt(), now());
      other.info['maxmemory_policy'] = 'allkeys-lfu';
      client.emit(shape.endsWith('ioredis') ? '+node' : 'node-error');
      clock.pass();
      await assert.rejects(async () => store.add('a', 60), /noeviction/);
    });
  }

  for (const client of [undefined, null, 5, {}, { on() {} }, { call() {} }, { get() {} }]) {
    it(`refuses ${JSON.stringify(client)} with ${Object.keys(client ?? {}).join()} as a client`, () => {
      assert.throws(
        () => redisStore(client as unknown as RedisClient),
        configError('redisStore.client', /ioredis/),
      );
    });
  }

  for (const [options, path] of [
    [{ prefix: '' }, 'redisStore.prefix'],
    [{ prefix: 5 }, 'redisStore.prefix'],
    [{ prefix: undefined }, 'redisStore.prefix'],
    [{ commandTimeout: 0 }, 'redisStore.commandTimeout'],
    [{ maxPerShare: 0.5 }, 'redisStore.maxPerShare'],
    [{ maxPerShare: 0 }, 'redisStore.maxPerShare'],
    [{ now: 5 }, 'redisStore.now'],
    [{ perfix: 'a:' }, 'redisStore.perfix'],
  ] as const) {
    it(`refuses the options ${JSON.stringify(options)}`, () => {
      const { make } = scene('ioredis', options as unknown as RedisStoreOptions);
      assert.throws(make, configError(path));
    });
  }
});
