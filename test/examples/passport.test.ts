// The commands of examples/passport/README.md, as a user types them.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const teller = 'spiffe://demo.example/teller';
// Without the settings of these tests.
const { TSX_TSCONFIG_PATH: _, ...env } = process.env;

describe('examples/passport', () => {
  let directory: string;
  let server: ChildProcess;
  let port: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-'));
    await countersign('init');
    await countersign('issue', 'server', '--dns', 'localhost', '--server');
    await countersign('issue', 'teller', '--spiffe', teller, '--client');
    await countersign('issue', 'janitor', '--spiffe', 'spiffe://demo.example/janitor', '--client');
    server = start();
    port = await portOf(server);
  });
  after(async () => {
    if (server.exitCode === null) {
      server.kill();
      await once(server, 'close');
    }
    await rm(directory, { recursive: true });
  });

  it('gives curl its identity as JSON', async () => {
    const { status, body } = await curl('/', ...certificate('teller'));
    assert.equal(status, 200);
    const { subject, method } = JSON.parse(body) as { subject: string; method: string };
    assert.deepEqual([subject, method], [teller, 'mtls']);
  });

  it('answers curl with 401 without a certificate', async () => {
    assert.deepEqual(await curl('/'), { status: 401, body: 'Unauthorized' });
  });

  it("lets curl pay with the teller's certificate, and not with the janitor's", async () => {
    const pay = ['-X', 'POST', '-d', 'amount=1'];
    const paid = await curl('/payments', ...certificate('teller'), ...pay);
    assert.deepEqual(paid, { status: 201, body: JSON.stringify({ paidBy: teller }) });
    const { status, body } = await curl('/payments', ...certificate('janitor'), ...pay);
    assert.equal(status, 403);
    assert.match(body, /<pre>Forbidden<\/pre>/);
  });

  function pki(file: string): string {
    return join(directory, '.countersign/pki', file);
  }

  function certificate(name: string): string[] {
    return ['--cert', pki(`${name}.pem`), '--key', pki(`${name}.key`)];
  }

  async function countersign(...args: string[]): Promise<void> {
    const cli = join(root, 'dist/src/cli/main.js');
    await run(process.execPath, [cli, 'pki', ...args], { cwd: directory });
  }

  function start(): ChildProcess {
    const tsx = join(root, 'node_modules/tsx/dist/esm/index.mjs');
    const program = join(root, 'examples/passport/server.ts');
    const args = ['--import', tsx, program, '.countersign/pki', '0'];
    return spawn(process.execPath, args, { cwd: directory, env });
  }

  /** The port in what the example says once it listens. */
  function portOf({ stdout, stderr }: ChildProcess): Promise<string> {
    return new Promise((found, failed) => {
      let output = '';
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        const [, number] = /port: (\d+)/.exec(output) ?? [];
        if (number !== undefined) found(number);
      };
      stdout!.on('data', read);
      stderr!.on('data', read);
      stdout!.on('end', () => failed(new Error(`the example does not listen: ${output}`)));
    });
  }

  async function curl(path: string, ...args: string[]) {
    const { stdout } = await run('curl', [
      ...['--silent', '--cacert', pki('ca.pem'), '--max-time', '20'],
      ...['--write-out', '\n%{http_code}', ...args],
      `https://localhost:${port}${path}`,
    ]);
    const [, body = '', status] = /^([^]*)\n(\d+)$/.exec(stdout) ?? [];
    return { status: Number(status), body };
  }
});
