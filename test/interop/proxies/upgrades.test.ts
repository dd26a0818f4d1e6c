// WebSockets through proxies, which hand `Upgrade` on, each in its own way.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { createVerifier, mtls } from 'countersign';
import { guardUpgrade } from 'countersign/node';
import { alice, authority, bob } from '../../support/pki.ts';
import { type ServerName, serverNames, servers } from './servers.ts';
import { type Backend, changed, siteBehind } from './site.ts';
import { visit, written } from './visit.ts';

/** Makes a server hand `Upgrade` on where it does not by itself. */
const handingOn: Readonly<Record<ServerName, (configuration: string) => string>> = {
  nginx: (text) =>
    changed(
      text,
      /(?= *proxy_set_header Host)/,
      'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;' +
        'proxy_set_header Connection $http_connection;\n',
    ),
  haproxy: (text) => text,
  apache: (text) => changed(text, /(ProxyPass .*)/, '$1 upgrade=websocket'),
  caddy: (text) => text,
};

describe('a WebSocket through a proxy', () => {
  for (const name of serverNames) {
    it(`is its client's, behind ${name}`, async () => {
      const verifier = createVerifier({
        methods: [mtls({ trustAnchors: authority.cert })],
        trustedProxies: [{ ...servers[name].statement, addresses: ['127.0.0.1'] }],
      });
      const backend = upgrading(async (request, socket) => {
        const decision = await guardUpgrade(verifier, request, socket);
        if (decision.outcome !== 'accepted') return;
        const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade'];
        const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
        socket.end(
          [...head, 'Upgrade: websocket', accept, '', ''].join('\r\n') + decision.identity?.subject,
        );
      });
      await using site = await siteBehind(name, { backend, configure: handingOn[name] });
      const lines = [
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        `X-SSL-Client-Cert: ${written(name, bob)}`,
      ];
      const options = { connection: 'Upgrade, close' };
      const seen = await visit(site, alice, lines, options);
      assert.equal(seen.status, 101, site.events.refused.at(-1)?.reason);
      assert.equal(seen.body, 'dns:alice.example');
      assert.equal((await visit(site, undefined, lines, options)).status, 403);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
    });
  }
});

function upgrading(greet: (request: IncomingMessage, socket: Duplex) => Promise<void>): Backend {
  const server = createServer().on('upgrade', (request, socket) => void greet(request, socket));
  return {
    server,
    async listen() {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}
