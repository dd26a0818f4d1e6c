// The clients of Redis, by their shape: none is a dependency. Each is told commands as lists of words, because
// their methods for single commands differ in order, in options and from version to version.
import { ConfigError } from '../errors.ts';

/** What is used of a client of ioredis: `new Redis()` or `new Cluster()`. */
export interface IoredisClient {
  call(command: string, ...words: string[]): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  readonly status: string;
  /** Of a cluster. */
  nodes?(role: 'master'): readonly IoredisNode[];
}

export interface IoredisNode {
  call(command: string, ...words: string[]): Promise<unknown>;
}

/** What is used of a client of node-redis: `createClient()`. */
export interface NodeRedisClient {
  sendCommand(words: string[]): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  readonly isReady: boolean;
}

/** What is used of `createCluster()` of node-redis. */
export interface NodeRedisCluster {
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    words: string[],
  ): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  readonly isOpen: boolean;
  readonly masters: readonly unknown[];
  nodeClient(node: never): unknown;
}

export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

export type Send = (words: readonly string[]) => Promise<unknown>;

/** A client as the store uses it. */
export interface Connection {
  readonly send: Send;
  /** Each server that holds a part of the keys. */
  servers(): Promise<readonly Send[]>;
  /** Whether a command would go out, and not wait for a connection. */
  isReady(): boolean;
  /** Calls back when a connection is ready, before any answer comes from it. */
  onReady(listener: () => void): void;
  /** Calls back when a connection is lost, or may be, before there is another one. */
  onLost(listener: () => void): void;
}

// As each of the clients calls them. node-redis ends the process where nobody listens to `error`.
const ready = ['ready', 'node-ready'];
const lost = [
  ...['error', 'close', 'end', 'reconnecting', 'disconnect'],
  ...['+node', '-node', 'node error'],
  ...['node-error', 'node-disconnect', 'node-reconnecting'],
];

/** @throws ConfigError for what is no client */
export function connectionOf(client: RedisClient): Connection {
  const connection = isObject(client) && 'on' in client ? spokenTo(client) : undefined;
  if (connection === undefined) {
    throw new ConfigError(
      'redisStore.client',
      'must be a client of ioredis (`new Redis()`) or of node-redis (`createClient()`)',
    );
  }
  const listen = (events: readonly string[], listener: () => void): void => {
    for (const event of events) client.on(event, listener);
  };
  return {
    ...connection,
    onReady: (listener) => listen(ready, listener),
    onLost: (listener) => listen(lost, listener),
  };
}

function spokenTo(
  client: RedisClient,
): Pick<Connection, 'send' | 'servers' | 'isReady'> | undefined {
  // First, because ioredis has a `sendCommand` of another kind.
  if ('call' in client) {
    const send = sendBy(client);
    return {
      send,
      servers: async () => client.nodes?.('master').map(sendBy) ?? [send],
      isReady: () => client.status === 'ready',
    };
  }
  if ('nodeClient' in client) {
    return {
      // Never to a replica, which may not have heard yet.
      send: (words) => client.sendCommand(words[1], false, [...words]),
      servers: async () => {
        const nodes = await Promise.all(
          client.masters.map((node) => client.nodeClient(node as never)),
        );
        return nodes.map((node) => (words) => (node as NodeRedisClient).sendCommand([...words]));
      },
      isReady: () => client.isOpen,
    };
  }
  if ('sendCommand' in client) {
    const send: Send = (words) => client.sendCommand([...words]);
    return { send, servers: async () => [send], isReady: () => client.isReady };
  }
  return undefined;
}

function sendBy(client: IoredisNode): Send {
  return ([command, ...words]) => client.call(command!, ...words);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
