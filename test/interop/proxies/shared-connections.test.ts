// Proxies send the requests of several clients over one connection: the identity is that of a request.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Connection, connect } from '../../support/connection.ts';
import { alice, bob } from '../../support/pki.ts';
import { type ServerName, serverNames } from './servers.ts';
import { type Answer, changed, siteBehind } from './site.ts';

/** Makes a server keep its connections to the service, and where it can have no more than one. */
const oneConnection: Readonly<Record<ServerName, (configuration: string) => string>> = {
  nginx: (text) => {
    const [, address = ''] = /proxy_pass http:\/\/([^;]+)/.exec(text) ?? [];
    const upstream = `upstream app { server ${address}; keepalive 8; keepalive_requests 10000; }`;
    const lasting = 'proxy_http_version 1.1; proxy_set_header Connection "";';
    return upstream + changed(text, `http://${address};`, `http://app; ${lasting}`);
  },
  haproxy: (text) => changed(text, /(?<=\nbackend app\n)(.*)/, '  http-reuse always\n$1 maxconn 1'),
  // One of each of its processes, of which there is one here.
  apache: (text) => changed(text, /(ProxyPass .*)/, '$1 max=1'),
  caddy: (text) =>
    changed(
      text,
      /(?=\n\t\theader_up -)/,
      '\n\t\ttransport http {\n\t\t\tmax_conns_per_host 1\n\t\t}',
    ),
};

const rounds = 40;

describe('a connection to the service that clients share', () => {
  for (const name of serverNames) {
    it(`shows each of them its own identity, behind ${name}`, async () => {
      await using site = await siteBehind(name, { configure: oneConnection[name] });
      const clients = await Promise.all(
        [alice, bob, undefined, alice, undefined, bob].map(async (who) => {
          const credentials = who === undefined ? {} : { cert: who.cert, key: who.key };
          const connection = await connect(site.port, credentials);
          return { connection, expected: who?.x5tS256 ?? 403 };
        }),
      );
      try {
        const wrong: unknown[] = [];
        const ask = async ({ connection, expected }: (typeof clients)[number]): Promise<void> => {
          const seen = await thumbprintOver(connection);
          if (seen !== expected) wrong.push({ seen, expected });
        };
        // One after the other first.
        for (let i = 0; i < rounds; i++) await ask(clients[i % clients.length]!);
        assert.equal(site.connections, 1);
        await Promise.all(
          clients.map(async (client) => {
            for (let i = 0; i < rounds; i++) await ask(client);
          }),
        );
        assert.deepEqual(wrong, []);
        assert.ok(site.connections <= (name === 'nginx' ? 8 : 2), `${site.connections}`);
      } finally {
        for (const { connection } of clients) connection[Symbol.dispose]();
      }
    });
  }
});

async function thumbprintOver(connection: Connection): Promise<unknown> {
  const { status, body } = await connection.send();
  if (status !== 200) return status;
  return (JSON.parse(body) as Answer).identity?.evidence.mtls?.x5tS256;
}
