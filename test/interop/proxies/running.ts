// Programs that run beside the tests: started in the foreground, waited for, and stopped by their id.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** What it has written so far, on both of its outputs. */
  readonly output: string;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it runs; its output goes to a file in there, since not every server can open a pipe again. */
  readonly directory: string;
  /** The port of 127.0.0.1 on which it will listen. */
  readonly port: number;
}

const patienceMs = 10_000;

/** @throws Error with the program's output where it ends, or accepts no connection in time */
export async function start({ command, args, directory, port }: Program): Promise<Running> {
  if (await accepts(port)) throw new Error(`${command}: another program has port ${port}`);
  const log = join(directory, `${port}.log`);
  const output = openSync(log, 'w');
  const child = spawn(command, args, {
    cwd: directory,
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory },
    stdio: ['ignore', output, output],
  });
  let failure: unknown;
  child.once('error', (error) => (failure = error));
  closeSync(output);
  const forget = stopWithUs(child);

  const running: Running = {
    get pid() {
      return child.pid!;
    },
    get output() {
      return readFileSync(log, 'utf8');
    },
    async [Symbol.asyncDispose]() {
      await stop(child);
      forget();
    },
  };
  const deadline = Date.now() + patienceMs;
  while (!(await accepts(port))) {
    const ended = failure !== undefined || hasEnded(child);
    if (ended || Date.now() > deadline) {
      await running[Symbol.asyncDispose]();
      const what = ended ? 'has ended' : 'accepts no connection';
      throw new Error(`${command} ${what}: ${running.output}`, { cause: failure });
    }
    await setTimeout(20);
  }
  return running;
}

/** A run of tests that is broken off, as one that takes too long is, takes its servers along. */
function stopWithUs(child: ChildProcess): () => void {
  const kill = (): void => void child.kill('SIGTERM');
  const end = (): void => process.exit(1);
  process.once('exit', kill).once('SIGTERM', end).once('SIGINT', end);
  return () => {
    process.removeListener('exit', kill);
    process.removeListener('SIGTERM', end).removeListener('SIGINT', end);
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  // Connections that are kept alive may make a server linger.
  const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), 1_000);
  await ended;
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * A port that a configuration can name before its server runs. It lies below those that systems give to
 * whoever asks for any, so that nobody gets it in between.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 30_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}
