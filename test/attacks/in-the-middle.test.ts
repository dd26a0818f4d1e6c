// Attacks on the client: somebody stands between it and the service, with a certificate of some kind.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import { type ServerOptions, createClient, mtlsClient } from '../../src/client/index.ts';
import { type TestCertificate, testAuthority, testServer } from '../../src/pki/testing.ts';
import { alice, authority, tlsVersions } from '../support/pki.ts';

const genuine = authority.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
const sameNameOtherKey = authority.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
const elsewhere = testAuthority();

interface Row {
  readonly name: string;
  readonly shows: TestCertificate;
  readonly server?: Partial<ServerOptions>;
  readonly code: string;
}

const rows: readonly Row[] = [
  {
    name: 'M1: a certificate of a CA that the client was not told of',
    shows: elsewhere.issue({ dnsNames: ['localhost'] }),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'M2: the right name from a trusted CA, with another key than the pinned one',
    shows: sameNameOtherKey,
    server: { pins: genuine.spkiSha256 },
    code: 'ERR_PIN_MISMATCH',
  },
  {
    name: 'M4: a valid certificate of its own name',
    shows: authority.issue({ dnsNames: ['phishing.example'] }),
    code: 'ERR_CERTIFICATE_NAME',
  },
];

for (const version of tlsVersions) {
  describe(`a server in the middle, ${version}`, () => {
    for (const { name, shows, server = {}, code } of rows) {
      it(`${name}: gets no byte of a request`, async () => {
        let bytes = 0;
        await using site = await testServer(() => {}, { ...shows, maxVersion: version });
        site.server.on('secureConnection', (socket) => {
          socket.on('data', ({ length }: Buffer) => (bytes += length));
        });
        const client = createClient({
          methods: [mtlsClient(alice)],
          server: { origins: [site.origin], ca: authority.cert, ...server },
        });
        const body = 'a secret';
        await assert.rejects(client.fetch(site.origin, { method: 'POST', body }), { code });
        const outgoing = request(site.origin, { agent: client.agent, method: 'POST' });
        outgoing.end(body);
        const [error] = (await once(outgoing, 'error')) as [{ code?: string }];
        assert.equal(error.code, code);
        assert.equal(bytes, 0);
        await client.close();
      });
    }

    it('M3: a pin holds on every connection, also where a session could be resumed', async () => {
      // The genuine server first, then an impostor with the same name and the same tickets.
      const ticketKeys = randomBytes(48);
      await using site = await testServer(
        (_req, res) => res.setHeader('connection', 'close').end('ok'),
        {
          ...genuine,
          ticketKeys,
          maxVersion: version,
        },
      );
      const pinned = createClient({
        methods: [mtlsClient(alice)],
        server: { origins: [site.origin], ca: authority.cert, pins: genuine.spkiSha256 },
      });
      const response = await pinned.fetch(site.origin);
      assert.equal(await response.text(), 'ok');
      const { cert, key } = sameNameOtherKey;
      site.server.setSecureContext({ cert, key, ticketKeys });
      await assert.rejects(pinned.fetch(site.origin), { code: 'ERR_PIN_MISMATCH' });
      await pinned.close();
    });
  });
}
