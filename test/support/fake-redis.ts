// A Redis of one process, and clients of the shapes that there are, which do what makes the real ones
// dangerous: they keep what they are told without a connection, and send again what had no answer.
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { RedisClient } from '../../src/stores/redis.ts';

export class FakeServer {
  readonly now: () => number;
  readonly heard: (readonly string[])[] = [];
  /** What is told by INFO. */
  info: Record<string, string> = {
    redis_version: '6.2.0',
    maxmemory_policy: 'noeviction',
    run_id: randomBytes(20).toString('hex'),
  };
  /** In place of each answer but those to INFO. */
  says: (() => unknown) | undefined;
  /** Hears, and neither does nor says anything. */
  silent = false;
  readonly data = new Map<string, { readonly value: string; readonly until: number }>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** Its process ends and another one begins; with its data, where it writes to disk. */
  restart({ keeps }: { readonly keeps: boolean }): void {
    this.info = { ...this.info, run_id: randomBytes(20).toString('hex') };
    if (!keeps) this.data.clear();
  }

  answer(words: readonly string[]): unknown {
    this.heard.push(words);
    const [verb, key = '', value = '', ...rest] = words;
    if (verb === 'INFO') {
      const lines = Object.entries(this.info).map(([name, text]) => `${name}:${text}\r\n`);
      return `# All\r\n${lines.join('')}`;
    }
    if (this.says !== undefined && !key.includes('born:')) return this.says();
    const found = this.data.get(key);
    const live = found !== undefined && found.until > this.now() ? found : undefined;
    switch (verb) {
      case 'SET': {
        if (rest[0] === 'NX' && live !== undefined) return null;
        if (rest.at(-2) !== 'PX') throw new Error('ERR syntax error');
        this.data.set(key, { value, until: this.now() + Number(rest.at(-1)) });
        return 'OK';
      }
      case 'GET':
        return live?.value ?? null;
      case 'GETDEL':
        this.data.delete(key);
        return live?.value ?? null;
      default:
        throw new Error(`ERR unknown command '${verb}', with args beginning with: '${key}'`);
    }
  }
}

interface Told {
  readonly words: readonly string[];
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** What the shapes have in common. */
export class FakeConnection extends EventEmitter {
  readonly server: FakeServer;
  isReady = true;
  status = 'ready';
  /** What waits for the next connection. */
  waiting: Told[] = [];
  #unanswered: Told[] = [];

  constructor(server: FakeServer) {
    super();
    this.server = server;
  }

  tell(words: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const told = { words, resolve, reject };
      if (this.isReady) this.#send(told);
      else this.waiting.push(told);
    });
  }

  /** @param event which of those that a client emits then */
  lose(event = 'close'): void {
    this.isReady = false;
    this.status = 'reconnecting';
    this.waiting.push(...this.#unanswered);
    this.#unanswered = [];
    this.emit(event);
  }

  connect(): void {
    this.isReady = true;
    this.status = 'ready';
    this.emit('ready');
    for (const told of this.waiting.splice(0)) this.#send(told);
  }

  #send(told: Told): void {
    if (this.server.silent) return void this.#unanswered.push(told);
    setImmediate(() => {
      try {
        told.resolve(this.server.answer(told.words));
      } catch (error) {
        told.reject(error);
      }
    });
  }
}

class Ioredis extends FakeConnection {
  call(command: string, ...words: string[]): Promise<unknown> {
    return this.tell([command, ...words]);
  }

  sendCommand(command: { readonly name: string }): never {
    throw new Error(`${command.name} is none of its commands`);
  }
}

class NodeRedis extends FakeConnection {
  sendCommand(words: string[]): Promise<unknown> {
    return this.tell(words);
  }
}

class IoredisCluster extends Ioredis {
  readonly #masters: readonly Ioredis[];

  constructor(servers: readonly FakeServer[]) {
    super(servers[0]!);
    this.#masters = servers.map((server) => new Ioredis(server));
  }

  nodes(_role: 'master'): readonly Ioredis[] {
    return this.#masters;
  }
}

class NodeRedisCluster extends FakeConnection {
  readonly masters: readonly { readonly client: NodeRedis }[];

  constructor(servers: readonly FakeServer[]) {
    super(servers[0]!);
    this.masters = servers.map((server) => ({ client: new NodeRedis(server) }));
  }

  get isOpen(): boolean {
    return this.isReady;
  }

  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    words: string[],
  ): Promise<unknown> {
    if (isReadonly !== false || firstKey !== words[1])
      throw new Error('not to the master of this key');
    return this.tell(words);
  }

  async nodeClient({ client }: { readonly client: NodeRedis }): Promise<NodeRedis> {
    return client;
  }
}

type Fake = FakeConnection & RedisClient;

/** Clients of each shape, of as many servers as it has room for. */
export const shapes: Readonly<Record<string, (servers: readonly FakeServer[]) => Fake>> = {
  ioredis: ([server]) => new Ioredis(server!),
  'node-redis': ([server]) => new NodeRedis(server!),
  'a cluster of ioredis': (servers) => new IoredisCluster(servers),
  'a cluster of node-redis': (servers) => new NodeRedisCluster(servers),
};
