// An example as its README says to run it, and curl beside it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
// Without the settings of these tests.
const { TSX_TSCONFIG_PATH: _, ...env } = process.env;

/** What stands for the words of a command where nothing is installed. */
const words: Readonly<Record<string, readonly string[]>> = {
  node: [process.execPath],
  tsx: [join(root, 'node_modules/tsx/dist/esm/index.mjs')],
  'npx countersign': [process.execPath, join(root, 'dist/src/cli/main.js')],
  'npx tsx': [process.execPath, join(root, 'node_modules/tsx/dist/cli.mjs')],
};

export interface CurlAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** A running example. `await using` ends it. */
export interface Example {
  /** Sends a request, with the certificate of this name, if any. */
  curl(path: string, name?: string, ...args: string[]): Promise<CurlAnswer>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Types the commands of `examples/<name>/README.md` up to curl, in an empty directory. */
export async function example(name: string): Promise<Example> {
  const readme = readFileSync(join(root, 'examples', name, 'README.md'), 'utf8');
  const commands = /^```sh\n([^]*?)^```$/m.exec(readme)![1]!.trim().split('\n');
  const program = commands.find((command) => command.includes('server.ts'))!;
  const pki = commands.slice(0, commands.indexOf(program));
  // One that no README needs: of somebody who may not pay.
  pki.push(pki.at(-1)!.replaceAll('teller', 'janitor'));

  const directory = await mkdtemp(join(tmpdir(), 'countersign-'));
  for (const command of pki) {
    const [file, ...args] = spelledOut(command);
    await run(file!, args, { cwd: directory });
  }
  const [file, ...args] = [...spelledOut(program), '.countersign/pki', '0'];
  const server = spawn(file, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await portOf(server);

  return {
    async curl(path, certificate, ...more) {
      const pem = (of: string): string => join(directory, '.countersign/pki', of);
      const { stdout } = await run('curl', [
        ...['--silent', '--cacert', pem('ca.pem'), '--max-time', '20'],
        ...(certificate === undefined
          ? []
          : ['--cert', pem(`${certificate}.pem`), '--key', pem(`${certificate}.key`)]),
        ...['--write-out', '\n%{http_code} %{content_type}', ...more],
        `https://localhost:${port}${path}`,
      ]);
      const [, text = '', status, type = ''] = /^([^]*)\n(\d+) (.*)$/.exec(stdout) ?? [];
      return { status: Number(status), type, text };
    },
    async [Symbol.asyncDispose]() {
      server.kill();
      await once(server, 'close');
      await rm(directory, { recursive: true });
    },
  };
}

function spelledOut(command: string): string[] {
  return command
    .replace(/ #.*$/, '')
    .match(/npx \S+|\S+/g)!
    .flatMap((word) => words[word] ?? (word.startsWith('examples/') ? join(root, word) : word));
}

/** The port in what an example says once it listens. */
async function portOf({ stdout }: ChildProcess): Promise<string> {
  let output = '';
  for await (const chunk of stdout!.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    const [, found] = /port: (\d+)/.exec(output) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error(`the example does not listen: ${output}`);
}
