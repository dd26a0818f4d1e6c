// The redis-server of the system, one process for each test, on a port of loopback and in a directory of its
// own. Nothing of it is left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((server) => server.kill('SIGKILL')));
// As the test runner ends a file that takes too long.
process.once('SIGTERM', () => process.exit(1));

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  /** @param settings as of its command line: `--appendonly yes` */
  static async started(...settings: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    this.#process = spawn(
      'redis-server',
      [
        ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory],
        ...['--daemonize', 'no', '--save', ''],
        ...this.#settings,
      ],
      { stdio: 'ignore' },
    );
    running.add(this.#process);
    const failed = once(this.#process, 'error').then(([error]) => Promise.reject(error as Error));
    await Promise.race([failed, this.#listening()]);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process!.kill(signal);
  }

  /** As when the power fails. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#process!;
    if (exitCode !== null || signalCode !== null) return;
    this.signal('SIGKILL');
    await once(this.#process!, 'exit');
    running.delete(this.#process!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true });
  }

  async #listening(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      const socket = connect(this.port, '127.0.0.1');
      const answered = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (answered) return;
      await delay(10);
    }
    throw new Error('redis-server does not listen');
  }
}

/** Asks again until there is an answer, for what recovers by itself. */
export async function eventually<T>(ask: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(20);
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
