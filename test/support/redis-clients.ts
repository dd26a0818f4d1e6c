// The two clients that there are, made as their own manuals show.
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { RedisClient } from '../../src/stores/redis.ts';

export type Client = RedisClient & AsyncDisposable;

export interface Login {
  readonly username: string;
  readonly password: string;
}

export const clients: Readonly<
  Record<string, (port: number, login?: Login) => Client | Promise<Client>>
> = {
  ioredis(port, login = {} as Login) {
    const client = new Redis({ host: '127.0.0.1', port, ...login });
    // One client here has the stores of many tests.
    client.setMaxListeners(0);
    return Object.assign(client, {
      [Symbol.asyncDispose]: async () => client.disconnect(),
    });
  },
  async 'node-redis'(port, login) {
    const client = createClient({ socket: { host: '127.0.0.1', port }, ...login });
    // A store listens to errors as well, but not yet.
    client.on('error', () => {});
    client.setMaxListeners(0);
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: async () => client.destroy() });
  },
};
