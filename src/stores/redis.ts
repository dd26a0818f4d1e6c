import { type AuthError, ConfigError } from '../errors.ts';
import { checkOptions, checkSeconds } from '../options.ts';
import { Quota, secondAfter } from './quota.ts';
import { type RedisClient, connectionOf } from './redis-client.ts';
import { Health, connectionLost, refusalOf, within } from './redis-health.ts';
import { type Store, storeUnavailable, ttlMs } from './store.ts';

export type {
  IoredisClient,
  IoredisNode,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
} from './redis-client.ts';
export type { Store } from './store.ts';

export interface RedisStoreOptions {
  /** What all keys begin with. @defaultValue `'countersign:'` */
  readonly prefix?: string;
  /** For how many seconds an answer is waited for. @defaultValue 1 */
  readonly commandTimeout?: number;
  /** How many keys one account may have at a time through this process. @defaultValue 250,000 */
  readonly maxPerShare?: number;
  /** For tests: milliseconds since the epoch. @defaultValue the system's clock */
  readonly now?: () => number;
}

/**
 * The store that any number of processes share: a Redis from 6.2 on, by a client of ioredis or node-redis, which
 * you make, connect and close. One command for each verb, and each of one key.
 *
 * Redis must have the `maxmemory-policy` `noeviction`. Until it has, and whenever it is not connected, all is
 * refused. After a restart or a failover, whatever was made before is refused, also where Redis has kept
 * its data: the last of them are never on the disk yet. That a replica took over, or that somebody
 * emptied a Redis which goes on running, is seen within some seconds.
 *
 * How much all accounts have together is up to Redis' `maxmemory`.
 *
 * @throws ConfigError
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  const {
    prefix = 'countersign:',
    commandTimeout = 1,
    maxPerShare = 250_000,
    now = Date.now,
  } = checkOptions('redisStore', options, ['prefix', 'commandTimeout', 'maxPerShare', 'now']);
  if (typeof prefix !== 'string' || prefix === '') {
    throw new ConfigError('redisStore.prefix', 'must be text, such as "my-service:"');
  }
  if (!Number.isInteger(maxPerShare) || maxPerShare < 1) {
    throw new ConfigError('redisStore.maxPerShare', 'must be a whole number above 0');
  }
  if (typeof now !== 'function') {
    throw new ConfigError('redisStore.now', 'must be a function; leave it out for the real clock');
  }
  const timeoutMs = checkSeconds('redisStore.commandTimeout', commandTimeout) * 1000;
  const connection = connectionOf(client);
  const health = new Health(connection, { prefix, timeoutMs, now });
  const quota = new Quota(Number.POSITIVE_INFINITY, maxPerShare);

  const answerTo = async (words: readonly string[]): Promise<unknown> => {
    const { epoch } = await health.fitness();
    const answer = await connection.send(words);
    // A client sends again what it has no answer to. The new connection may be to a Redis that has forgotten.
    if (epoch !== health.epoch) throw connectionLost();
    return answer;
  };

  const ask = async (...words: readonly string[]): Promise<unknown> => {
    try {
      return await within(timeoutMs, answerTo(words));
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal.code !== 'ERR_STORE_FULL') health.doubt();
      throw refusal;
    }
  };

  return {
    async add(key, ttl, share) {
      const life = ttlMs(ttl);
      quota.check(share, Math.floor(now() / 1000));
      const absent = isDone(
        await ask('SET', `${prefix}once:${key}`, '1', 'NX', 'PX', String(life)),
      );
      // Only now: who sends again what somebody else has sent must not fill that one's share.
      if (absent) quota.count(share, secondAfter(now() + life));
      return absent;
    },
    async put(key, value, ttl) {
      const life = String(ttlMs(ttl));
      if (!isDone(await ask('SET', `${prefix}value:${key}`, value, 'PX', life))) {
        throw strange();
      }
    },
    get: async (key) => textOf(await ask('GET', `${prefix}value:${key}`)),
    take: async (key) => textOf(await ask('GETDEL', `${prefix}value:${key}`)),
    bornAt: async () => (await within(timeoutMs, health.fitness())).born,
  };
}

function isDone(answer: unknown): boolean {
  if (answer === 'OK') return true;
  if (answer === null) return false;
  throw strange();
}

function textOf(answer: unknown): string | undefined {
  if (typeof answer === 'string') return answer;
  if (answer === null) return undefined;
  throw strange();
}

function strange(): AuthError {
  return storeUnavailable('the Redis client gives answers of a kind that is not understood');
}
