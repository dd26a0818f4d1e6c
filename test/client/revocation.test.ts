import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { createClient, mtlsClient, type ServerOptions } from '../../src/client/index.ts';
import {
  type TestAuthority,
  type TestCertificate,
  testAuthority,
  testServer,
} from '../../src/pki/testing.ts';
import { directoryFor } from '../support/files.ts';
import { authError } from '../support/errors.ts';
import { alice } from '../support/pki.ts';

type Staple = (request: (response: Buffer | null) => void) => void;

/** A server whose certificate `ca` issued, and a client that asks whether it was revoked. */
async function pair(
  ca: TestAuthority,
  staple: Staple,
  revocation: ServerOptions['revocation'],
  ocspUris: readonly string[] = [],
  certificate?: TestCertificate,
) {
  let requests = 0;
  const usage = 'serverAuth';
  const server = certificate ?? ca.issue(ocspUris.length === 0 ? { usage } : { usage, ocspUris });
  const running = await testServer((_request, response) => {
    requests++;
    response.end('hello');
  }, server);
  running.server.on('OCSPRequest', (_certificate, _issuer, callback) =>
    staple((response) => callback(null, response)),
  );
  const client = createClient({
    methods: [mtlsClient({ cert: alice.cert, key: alice.key })],
    server: {
      origins: [running.origin],
      ca: ca.cert,
      ...(revocation === undefined ? {} : { revocation }),
    },
  });
  return {
    server,
    fetch: async () => (await client.fetch(`${running.origin}/`)).text(),
    requests: () => requests,
    hangUp: () => running.server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      await client.close();
      await running.close();
    },
  };
}

describe('the revocation of a server', () => {
  it('is read from what the server staples', async () => {
    const ca = testAuthority();
    let response: Buffer | null = null;
    await using both = await pair(ca, (answer) => answer(response), 'require');
    response = ca.ocsp(both.server);
    assert.equal(await both.fetch(), 'hello');
  });

  it('refuses a server whose staple says revoked, before it learns of the request', async () => {
    const ca = testAuthority();
    let response: Buffer | null = null;
    await using both = await pair(ca, (answer) => answer(response), 'prefer');
    ca.revoke(both.server);
    response = ca.ocsp(both.server);
    await assert.rejects(both.fetch(), authError('ERR_CERTIFICATE_REVOKED', /revoked/));
    assert.equal(both.requests(), 0);
  });

  const useless: readonly (readonly [
    name: string,
    staple: (server: TestCertificate) => Buffer | null,
  ])[] = [
    ['nothing', () => null],
    ['what is no response', () => Buffer.from('good')],
    ["another CA's word", (server) => testAuthority().ocsp(server)],
  ];
  for (const [name, staple] of useless) {
    it(`is unknown where the server staples ${name}`, async () => {
      const ca = testAuthority();
      let response: Buffer | null = null;
      await using both = await pair(ca, (answer) => answer(response), 'require');
      response = staple(both.server);
      await assert.rejects(both.fetch(), authError('ERR_REVOCATION_UNKNOWN', /unknown/));
      assert.equal(both.requests(), 0);
    });
  }

  it('goes by a list that names the server, whatever it staples', async (context) => {
    const ca = testAuthority();
    const crls = join(directoryFor(context), 'list.crl');
    writeFileSync(crls, ca.crl().der);
    let response: Buffer | null = null;
    await using good = await pair(ca, (answer) => answer(response), { mode: 'require', crls });
    response = ca.ocsp(good.server);
    assert.equal(await good.fetch(), 'hello');
    ca.revoke(good.server);
    writeFileSync(crls, ca.crl().der);
    await using bad = await pair(
      ca,
      (answer) => answer(response),
      { mode: 'require', crls },
      [],
      good.server,
    );
    await assert.rejects(bad.fetch(), authError('ERR_CERTIFICATE_REVOKED'));
    assert.equal(bad.requests(), 0);
  });

  it('is asked along the path that the server sends', async () => {
    const nothing: Staple = (answer) => answer(null);
    const root = testAuthority();
    const server = root.intermediate().issue({ usage: 'serverAuth' });
    await using both = await pair(root, nothing, 'prefer', [], server);
    assert.equal(await both.fetch(), 'hello');
  });

  it('is not asked unless that was said', async () => {
    let asked = false;
    const staple: Staple = (answer) => {
      asked = true;
      answer(null);
    };
    await using both = await pair(testAuthority(), staple, undefined);
    assert.equal(await both.fetch(), 'hello');
    assert.equal(asked, false);
  });

  describe('that has to be asked for', () => {
    /** A responder that answers when it is told to. */
    async function responder(context: TestContext) {
      let answer: (bytes: Buffer) => void = () => undefined;
      let heard: () => void = () => undefined;
      const asked = new Promise<void>((resolve) => (heard = resolve));
      const server = createServer((request, response) => {
        request.resume();
        answer = (bytes) => response.end(bytes);
        heard();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      context.after(() => server.close().closeAllConnections());
      const { port } = server.address() as AddressInfo;
      return { url: `http://127.0.0.1:${port}/`, asked, answer: (bytes: Buffer) => answer(bytes) };
    }
    const revocation = { mode: 'require', insecureAllowPrivateAddresses: true } as const;
    const nothing: Staple = (answer) => answer(null);

    it('is waited for before anything of the request leaves', async (context) => {
      const ca = testAuthority();
      const { url, asked, answer } = await responder(context);
      await using both = await pair(ca, nothing, revocation, [url]);
      const answered = both.fetch();
      await asked;
      assert.equal(both.requests(), 0);
      answer(ca.ocsp(both.server));
      assert.equal(await answered, 'hello');
    });

    it('refuses the server when it comes and is bad', async (context) => {
      const ca = testAuthority();
      const { url, asked, answer } = await responder(context);
      await using both = await pair(ca, nothing, revocation, [url]);
      const answered = both.fetch();
      await asked;
      ca.revoke(both.server);
      answer(ca.ocsp(both.server));
      await assert.rejects(answered, authError('ERR_CERTIFICATE_REVOKED'));
      assert.equal(both.requests(), 0);
    });

    it('is given up when the server hangs up meanwhile', async (context) => {
      const ca = testAuthority();
      const { url, asked } = await responder(context);
      await using both = await pair(ca, nothing, revocation, [url]);
      const answered = both.fetch();
      await asked;
      both.hangUp();
      await assert.rejects(answered, /fetch failed|hung up|ECONNRESET/);
    });

    it('is not undone by an older answer that the server staples', async (context) => {
      const ca = testAuthority();
      const { url, asked, answer } = await responder(context);
      let staple: Buffer | null = null;
      await using both = await pair(ca, (give) => give(staple), revocation, [url]);
      staple = ca.ocsp(both.server);
      const old = staple;
      staple = null;
      const answered = both.fetch();
      await asked;
      ca.revoke(both.server);
      answer(ca.ocsp(both.server));
      await assert.rejects(answered, authError('ERR_CERTIFICATE_REVOKED'));
      staple = old;
      await assert.rejects(both.fetch(), authError('ERR_CERTIFICATE_REVOKED'));
    });
  });
});
