// The commands of examples/koa/README.md, as a user types them.
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
const problem = { status: 403, title: 'Forbidden' };
// Without the settings of these tests.
const { TSX_TSCONFIG_PATH: _, ...env } = process.env;

describe('examples/koa', () => {
  let directory: string;
  let server: ChildProcess;
  let port: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-'));
    await countersign('init');
    await countersign('issue', 'server', '--dns', 'localhost', '--server');
    await countersign('issue', 'teller', '--spiffe', teller, '--client');
    await countersign('issue', 'janitor', '--spiffe', 'spiffe://demo.example/janitor', '--client');
    [server, port] = await start();
  });
  after(async () => {
    server.kill();
    await once(server, 'close');
    await rm(directory, { recursive: true });
  });

  it('gives curl its identity as JSON', async () => {
    const { status, type, body } = await curl('/', ...certificate('teller'));
    assert.equal(status, 200);
    assert.match(type, /^application\/json/);
    assert.equal((body as { subject: string }).subject, teller);
  });

  it('gives curl a problem document without a certificate', async () => {
    assert.deepEqual(await curl('/'), {
      status: 403,
      type: 'application/problem+json',
      body: problem,
    });
  });

  it("lets curl pay with the teller's certificate, and not with the janitor's", async () => {
    const pay = ['-X', 'POST', '-d', 'amount=1'];
    const paid = await curl('/payments', ...certificate('teller'), ...pay);
    assert.deepEqual([paid.status, paid.body], [201, { paidBy: teller }]);
    const refused = await curl('/payments', ...certificate('janitor'), ...pay);
    assert.deepEqual([refused.status, refused.body], [403, problem]);
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

  async function start(): Promise<[ChildProcess, string]> {
    const tsx = join(root, 'node_modules/tsx/dist/esm/index.mjs');
    const args = ['--import', tsx, join(root, 'examples/koa/server.ts'), '.countersign/pki', '0'];
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      const found = /port: (\d+)/.exec(output)?.[1];
      if (found !== undefined) return [child, found];
    }
    throw new Error(`the example does not listen: ${output}`);
  }

  async function curl(path: string, ...args: string[]) {
    const { stdout } = await run('curl', [
      ...['--silent', '--cacert', pki('ca.pem'), '--max-time', '20'],
      ...['--write-out', '\n%{http_code} %{content_type}', ...args],
      `https://localhost:${port}${path}`,
    ]);
    const [, text = '', status, type = ''] = /^([^]*)\n(\d+) (.*)$/.exec(stdout) ?? [];
    const body: unknown = type.includes('json') ? JSON.parse(text) : undefined;
    return { status: Number(status), type, body };
  }
});
