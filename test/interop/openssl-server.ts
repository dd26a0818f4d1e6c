import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A TLS server that is not Node's: `openssl s_server`, which answers GET with a page about the connection. */
export interface OpensslServer {
  readonly origin: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function opensslServer(args: readonly string[]): Promise<OpensslServer> {
  const child = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-www', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const port = await accepting(child);
  return {
    origin: `https://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

function accepting(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const port = /ACCEPT [\d.]+:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(port);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`openssl s_server ended: ${output}`)));
  });
}
