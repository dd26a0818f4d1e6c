import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, it } from 'node:test';
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from 'node:tls';
import type { ServerOptions } from '../../src/client/index.ts';
import { confirmServer } from '../../src/client/confirm-server.ts';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { authority, clientOf, doors, site } from './support.ts';

interface Row {
  readonly name: string;
  readonly issue?: IssueOptions;
  readonly server?: Partial<ServerOptions>;
  /** Under which host the server is called. */
  readonly host?: string;
  /** The code of the refusal; none where the server is accepted. */
  readonly code?: string;
}

const day = 86_400_000;
const id = 'spiffe://bank.example/payments/api';
const other = testAuthority();
const rsa = authority.issue({ keyType: 'rsa-2048' }).keyPair;

const rows: readonly Row[] = [
  { name: 'accepts a certificate for the host of the URL' },
  { name: 'accepts the host in another case', host: 'LOCALHOST' },
  { name: 'accepts an IP address', host: '127.0.0.1' },
  {
    name: 'refuses an IP address that is only among the DNS names',
    host: '127.0.0.1',
    issue: { dnsNames: ['127.0.0.1'], ips: [] },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses another CA (M1)',
    server: { ca: other.cert },
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  { name: 'accepts one of several CAs', server: { ca: [other.cert, authority.cert] } },
  {
    name: 'refuses a private CA where only public ones are trusted',
    server: { ca: 'system' },
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'refuses a self-signed certificate',
    issue: { selfSigned: true },
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'refuses a certificate that has expired',
    issue: { notAfter: new Date(Date.now() - day) },
    code: 'ERR_CERTIFICATE_EXPIRED',
  },
  {
    name: 'refuses a certificate that is not valid yet',
    issue: { notBefore: new Date(Date.now() + day) },
    code: 'ERR_CERTIFICATE_NOT_YET_VALID',
  },
  {
    name: "refuses a client's certificate as a server's",
    issue: { usage: 'clientAuth' },
    code: 'ERR_CERTIFICATE_USAGE',
  },
  {
    name: "accepts a server's certificate that is none for clients",
    issue: { usage: 'serverAuth' },
  },
  { name: 'accepts a certificate that restricts no usage', issue: { usage: null, keyUsage: null } },
  {
    name: 'refuses a key that may not sign a handshake',
    issue: { keyPair: rsa, keyUsage: ['keyEncipherment'] },
    code: 'ERR_CERTIFICATE_USAGE',
  },
  {
    name: 'refuses a certificate for any extended usage but none in particular',
    issue: { usage: '2.5.29.37.0' },
    code: 'ERR_CERTIFICATE_USAGE',
  },
  {
    name: 'refuses a name that is only the common name (C15)',
    issue: { subject: 'localhost', dnsNames: [] },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses another name',
    issue: { dnsNames: ['other.example'] },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'takes `name` in place of the host',
    issue: { dnsNames: ['api.example'] },
    server: { name: 'API.example.' },
  },
  {
    name: 'refuses the host where `name` is another',
    server: { name: 'api.example' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'takes an address as `name`',
    issue: { ips: ['10.1.2.3'] },
    server: { name: '10.1.2.3' },
  },
  {
    name: 'takes an IPv6 address as `name`, in any spelling',
    issue: { ips: ['2001:db8::1'] },
    server: { name: '[2001:DB8:0::1]' },
  },
  {
    name: 'accepts a wildcard for one label',
    issue: { dnsNames: ['*.api.example'] },
    server: { name: 'eu.api.example' },
  },
  {
    name: 'refuses a wildcard for two labels (C17)',
    issue: { dnsNames: ['*.api.example'] },
    server: { name: 'a.eu.api.example' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses a wildcard for no label',
    issue: { dnsNames: ['*.api.example'] },
    server: { name: 'api.example' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'takes a SPIFFE ID in place of the host',
    issue: { dnsNames: [], spiffeId: id },
    server: { spiffeId: id },
  },
  {
    name: 'takes any one of several SPIFFE IDs',
    issue: { spiffeId: id },
    server: { spiffeId: ['spiffe://bank.example/other', id] },
  },
  {
    name: 'takes a SPIFFE ID below a pattern',
    issue: { spiffeId: id },
    server: { spiffeId: 'spiffe://bank.example/*' },
  },
  {
    name: 'refuses a SPIFFE ID beside a pattern',
    issue: { spiffeId: 'spiffe://bank.example/payments-evil/api' },
    server: { spiffeId: 'spiffe://bank.example/payments/*' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses the SPIFFE ID that a pattern begins with',
    issue: { spiffeId: 'spiffe://bank.example/payments' },
    server: { spiffeId: 'spiffe://bank.example/payments/*' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses another trust domain',
    issue: { spiffeId: 'spiffe://evil.example/payments/api' },
    server: { spiffeId: id },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses a longer SPIFFE ID where the exact one is asked for',
    issue: { spiffeId: `${id}/v2` },
    server: { spiffeId: id },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses a certificate without a SPIFFE ID',
    server: { spiffeId: id },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'asks for the name as well where both are given',
    issue: { spiffeId: id, dnsNames: ['other.example'] },
    server: { spiffeId: id, name: 'api.example' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'asks for the SPIFFE ID as well where both are given',
    issue: { spiffeId: `${id}/v2`, dnsNames: ['api.example'] },
    server: { spiffeId: id, name: 'api.example' },
    code: 'ERR_CERTIFICATE_NAME',
  },
  {
    name: 'refuses a key that is not pinned (M2)',
    server: { pins: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' },
    code: 'ERR_PIN_MISMATCH',
  },
];

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

for (const version of versions) {
  for (const [door, send] of Object.entries(doors)) {
    describe(`the server's certificate, by ${door} over ${version}`, () => {
      for (const { name, issue, server, host = 'localhost', code } of rows) {
        it(name, async () => {
          await using there = await site(issue, { minVersion: version, maxVersion: version });
          const origin = `https://${host}:${there.port}`;
          const client = clientOf(origin, server);
          const answer = send(client, `${origin}/secret`);
          if (code === undefined) assert.equal(await answer, 'hello');
          else await assert.rejects(answer, { name: 'AuthError', code });
          assert.equal(there.requests.length, code === undefined ? 1 : 0);
          await client.close();
        });
      }

      it('accepts a pinned key in each spelling', async () => {
        const leaf = authority.issue();
        await using there = await site({}, { ...leaf, minVersion: version, maxVersion: version });
        const bytes = Buffer.from(leaf.spkiSha256, 'base64url');
        const spellings = [
          leaf.spkiSha256,
          bytes.toString('base64'),
          `sha256//${bytes.toString('base64')}`,
        ];
        for (const pins of [...spellings, ['A'.repeat(43), ...spellings]]) {
          const client = clientOf(there.origin, { pins });
          assert.equal(await send(client, there.origin), 'hello');
          await client.close();
        }
      });

      it('checks pins on the second connection too, which other clients would resume (M3)', async () => {
        const keys = { ticketKeys: Buffer.alloc(48, 7), minVersion: version, maxVersion: version };
        const good = authority.issue();
        await using there = await site({}, { ...good, ...keys }, (_req, res) => {
          res.setHeader('connection', 'close').end('hello');
        });
        const client = clientOf(there.origin, { pins: good.spkiSha256 });
        assert.equal(await send(client, there.origin), 'hello');
        const imposter = authority.issue();
        there.server.setSecureContext({ cert: imposter.cert, key: imposter.key, ...keys });
        await assert.rejects(send(client, there.origin), { code: 'ERR_PIN_MISMATCH' });
        await client.close();
      });
    });
  }
}

describe('confirmServer', () => {
  const expected = { name: undefined, spiffeIds: undefined, pins: undefined };
  const open: TLSSocket[] = [];
  after(() => open.forEach((socket) => socket.destroy()));

  async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ...options });
    open.push(socket);
    await once(socket, 'secureConnect');
    return socket;
  }

  it('answers who the server is', async () => {
    const leaf = authority.issue();
    await using there = await site({}, leaf);
    const socket = await handshake(there.port, { ca: authority.cert });
    const evidence = confirmServer(socket, 'localhost', expected);
    assert.equal(evidence.subject, 'dns:localhost');
    assert.equal(evidence.x5tS256, leaf.x5tS256);
  });

  for (const version of versions) {
    it(`refuses a resumed session over ${version}`, async () => {
      await using there = await site({}, { minVersion: version, maxVersion: version });
      const trust = { ca: authority.cert };
      const first = connectTls({
        port: there.port,
        host: '127.0.0.1',
        servername: 'localhost',
        ...trust,
      });
      open.push(first);
      const [session] = (await once(first, 'session')) as [Buffer];
      const second = await handshake(there.port, { ...trust, session });
      assert.equal(second.isSessionReused(), true);
      assert.throws(() => confirmServer(second, 'localhost', expected), {
        code: 'ERR_RESUMPTION_UNVERIFIED',
      });
    });
  }

  it('refuses a certificate that OpenSSL did not vouch for', async () => {
    await using there = await site();
    const socket = await handshake(there.port, { rejectUnauthorized: false });
    assert.throws(() => confirmServer(socket, 'localhost', expected), {
      code: 'ERR_CERTIFICATE_UNTRUSTED',
      message: /vouch/,
    });
  });
});
