import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient, mtlsClient, type ServerOptions } from '../../src/client/index.ts';
import {
  type TestAuthority,
  type TestCertificate,
  testAuthority,
  testServer,
} from '../../src/pki/testing.ts';
import { authError } from '../support/errors.ts';
import { alice } from '../support/pki.ts';

type Staple = (request: (response: Buffer | null) => void) => void;

/** A server whose certificate `ca` issued, and a client that asks whether it was revoked. */
async function pair(ca: TestAuthority, staple: Staple, revocation: ServerOptions['revocation']) {
  let requests = 0;
  const server = ca.issue({ usage: 'serverAuth' });
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
});
