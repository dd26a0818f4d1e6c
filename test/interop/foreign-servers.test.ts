// Our client calls `openssl s_server`, which asks for its certificate and prints what it saw.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, type ServerOptions, createClient, mtlsClient } from 'countersign/client';
import { type TestCertificate, testAuthority } from 'countersign/testing';
import { type OpensslServer, opensslServer } from './openssl-server.ts';

const ca = testAuthority();
const api = 'spiffe://bank.example/api';
const credentials = ca.issue({ spiffeId: 'spiffe://bank.example/teller', usage: 'clientAuth' });
const genuine = ca.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
const shown: Readonly<Record<string, TestCertificate>> = {
  genuine,
  rsa: ca.issue({ dnsNames: ['localhost'], usage: 'serverAuth', keyType: 'rsa-2048' }),
  workload: ca.issue({ spiffeId: api, usage: 'serverAuth' }),
  elsewhere: ca.issue({ dnsNames: ['elsewhere.example'] }),
  expired: ca.issue({ dnsNames: ['localhost'], notAfter: new Date(Date.now() - 1000) }),
  other: testAuthority().issue({ dnsNames: ['localhost'] }),
  clientOnly: ca.issue({ dnsNames: ['localhost'], usage: 'clientAuth' }),
};

interface Case {
  readonly shows: string;
  readonly server?: Partial<ServerOptions>;
  readonly refused?: string;
}

const cases: readonly Case[] = [
  { shows: 'genuine' },
  { shows: 'rsa' },
  { shows: 'genuine', server: { pins: genuine.spkiSha256 } },
  { shows: 'workload', server: { spiffeId: api } },
  { shows: 'rsa', server: { pins: genuine.spkiSha256 }, refused: 'ERR_PIN_MISMATCH' },
  { shows: 'genuine', server: { spiffeId: api }, refused: 'ERR_CERTIFICATE_NAME' },
  { shows: 'elsewhere', refused: 'ERR_CERTIFICATE_NAME' },
  { shows: 'expired', refused: 'ERR_CERTIFICATE_EXPIRED' },
  { shows: 'other', refused: 'ERR_CERTIFICATE_UNTRUSTED' },
  { shows: 'clientOnly', refused: 'ERR_CERTIFICATE_USAGE' },
];

for (const version of ['1_2', '1_3']) {
  describe(`our client against openssl s_server, TLS ${version.replace('_', '.')}`, () => {
    let directory: string;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'countersign-'));
      await writeFile(join(directory, 'ca.pem'), ca.cert);
    });
    after(() => rm(directory, { recursive: true }));

    for (const { shows, server = {}, refused } of cases) {
      const condition = Object.keys(server).map((name) => `, expecting its ${name}`);
      it(`${refused === undefined ? 'confirms' : 'refuses'} ${shows}${condition.join('')}`, async () => {
        await using peer = await serve(shows);
        const client = createClient({
          methods: [mtlsClient(credentials)],
          server: { origins: [peer.origin], ca: ca.cert, ...server },
        });
        for (const ask of [byFetch, byAgent]) {
          if (refused === undefined) {
            // The page tells which client certificate the server saw.
            assert.match(
              await ask(client, peer.origin),
              /Client certificate\n[^]*spiffe:\/\/bank\.example\/teller/,
            );
          } else {
            await assert.rejects(ask(client, peer.origin), { name: 'AuthError', code: refused });
          }
        }
        await client.close();
      });
    }

    async function serve(name: string): Promise<OpensslServer> {
      const { cert, key } = shown[name]!;
      const certFile = join(directory, `${name}.pem`);
      const keyFile = join(directory, `${name}.key`);
      await writeFile(certFile, cert);
      await writeFile(keyFile, key);
      const caFile = join(directory, 'ca.pem');
      return opensslServer([
        ...['-cert', certFile, '-key', keyFile, '-CAfile', caFile, '-Verify', '1'],
        ...['-verify_return_error', `-tls${version}`],
      ]);
    }
  });
}

async function byFetch({ fetch }: Client, origin: string): Promise<string> {
  return (await fetch(`${origin}/`)).text();
}

function byAgent({ agent }: Client, origin: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${origin}/`, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text)).on('error', reject);
    });
    outgoing.on('error', reject).end();
  });
}
