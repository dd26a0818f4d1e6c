// curl and `openssl s_client` call the Express example.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type TestServer, testAuthority, testServer } from 'countersign/testing';
import { createApp } from '../../examples/express/server.ts';

const run = promisify(execFile);
const ca = testAuthority();
const teller = 'spiffe://demo.example/teller';
const problem = { status: 403, title: 'Forbidden' };

for (const version of ['1.2', '1.3']) {
  describe(`foreign clients over TLS ${version}`, () => {
    let directory: string;
    let service: TestServer;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'countersign-'));
      const tls = { ...ca.issue({ dnsNames: ['localhost'] }), ca: ca.cert };
      service = await testServer(createApp(), {
        ...tls,
        minVersion: `TLSv${version}` as 'TLSv1.2',
        maxVersion: `TLSv${version}` as 'TLSv1.2',
      });
      const good = ca.issue({ spiffeId: teller, usage: 'clientAuth' });
      const rsa = ca.issue({ spiffeId: teller, usage: 'clientAuth', keyType: 'rsa-2048' });
      const janitor = ca.issue({ spiffeId: 'spiffe://demo.example/janitor' });
      const other = testAuthority().issue({ spiffeId: teller });
      const expired = ca.issue({ spiffeId: teller, notAfter: new Date(Date.now() - 1000) });
      await writeFile(join(directory, 'ca.pem'), ca.cert);
      for (const [name, { cert, key }] of Object.entries({ good, rsa, janitor, other, expired })) {
        await writeFile(join(directory, `${name}.pem`), cert);
        await writeFile(join(directory, `${name}.key`), key);
      }
    });
    after(async () => {
      await service.close();
      await rm(directory, { recursive: true });
    });

    for (const key of ['good', 'rsa']) {
      it(`gives curl its identity as JSON (${key} key)`, async () => {
        const { status, type, body } = await curl('/', ...certificate(key));
        assert.equal(status, 200);
        assert.match(type, /^application\/json/);
        assert.equal((body as { subject: string }).subject, teller);
      });
    }

    for (const key of ['other', 'expired']) {
      it(`gives curl a problem document for a certificate that is ${key}`, async () => {
        const { status, type, body } = await curl('/', ...certificate(key));
        assert.deepEqual([status, type, body], [403, 'application/problem+json', problem]);
      });
    }

    it('gives curl a problem document without a certificate', async () => {
      const { status, type, body } = await curl('/');
      assert.deepEqual([status, type, body], [403, 'application/problem+json', problem]);
    });

    it("lets curl pay with the teller's certificate, and not with the janitor's", async () => {
      const pay = ['-X', 'POST', '-d', 'amount=1'];
      const paid = await curl('/payments', ...certificate('good'), ...pay);
      assert.deepEqual([paid.status, paid.body], [201, { paidBy: teller }]);
      const refused = await curl('/payments', ...certificate('janitor'), ...pay);
      assert.deepEqual([refused.status, refused.body], [403, problem]);
    });

    it('gives openssl s_client its identity', async () => {
      const answer = await sClient('-cert', file('good.pem'), '-key', file('good.key'));
      assert.match(answer, /^HTTP\/1\.1 200 /m);
      assert.match(answer, /"subject":"spiffe:\/\/demo\.example\/teller"/);
    });

    it('lets openssl s_client see a refusal without a certificate', async () => {
      const answer = await sClient();
      assert.match(answer, /^HTTP\/1\.1 403 /m);
      assert.doesNotMatch(answer, /"subject"/);
    });

    function file(name: string): string {
      return join(directory, name);
    }

    function certificate(name: string): string[] {
      return ['--cert', file(`${name}.pem`), '--key', file(`${name}.key`)];
    }

    async function curl(path: string, ...args: string[]) {
      const { stdout } = await run('curl', [
        ...['--silent', '--cacert', file('ca.pem'), '--max-time', '20'],
        ...['--write-out', '\n%{http_code} %{content_type}', ...args, `${service.origin}${path}`],
      ]);
      const [, text = '', status, type = ''] = /^([^]*)\n(\d+) (.*)$/.exec(stdout) ?? [];
      const body: unknown = type.includes('json') ? JSON.parse(text) : undefined;
      return { status: Number(status), type, body };
    }

    function sClient(...args: string[]): Promise<string> {
      const child = spawn('openssl', [
        ...['s_client', '-quiet', '-ign_eof', '-connect', `127.0.0.1:${service.port}`],
        ...['-servername', 'localhost', '-CAfile', file('ca.pem'), '-verify_return_error', ...args],
      ]);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stdin.end(
        `GET / HTTP/1.1\r\nHost: localhost:${service.port}\r\nConnection: close\r\n\r\n`,
      );
      return new Promise((resolve) => child.on('close', () => resolve(output)));
    }
  });
}
