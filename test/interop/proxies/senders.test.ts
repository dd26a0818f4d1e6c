// P1, P2: which sender is believed, also where proxies reach the service by other ways than README's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type RequestOptions, createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sendOnce } from '../../support/connection.ts';
import { alice, authority, bob, impostor } from '../../support/pki.ts';
import { type ServerName, serverNames } from './servers.ts';
import { type Backend, changed, siteBehind } from './site.ts';
import { good, thumbprintIn, visit, written } from './visit.ts';

/** What a proxy would say of Bob, said by whoever has seen his certificate. */
const fields = {
  'x-ssl-client-cert': written('nginx', bob),
  'x-ssl-client-verify': good.nginx,
};

describe('a service that trusts an address', () => {
  it('refuses the fields from another', async () => {
    await using site = await siteBehind('nginx', { statement: { addresses: ['127.0.0.2'] } });
    const { events, backendPort: port } = site;
    for (const headers of [fields, { ...fields, 'x-forwarded-for': '127.0.0.2' }]) {
      assert.equal(await statusOf({ port, headers, localAddress: '127.0.0.1' }), 403);
      assert.equal(events.refused.at(-1)?.code, 'ERR_PROXY_UNTRUSTED');
    }
    // The proxy comes from 127.0.0.1 as well.
    assert.equal((await visit(site, alice)).status, 403);
    assert.equal(events.refused.at(-1)?.code, 'ERR_PROXY_UNTRUSTED');
    assert.equal(events.accepted.length, 0);

    assert.equal(await statusOf({ port, headers: fields, localAddress: '127.0.0.2' }), 200);
    assert.equal(events.accepted[0]?.subject, 'dns:bob.example');
  });

  it('refuses the fields over a Unix socket', async () => {
    await using site = await siteBehind('nginx', { backend: overUnix(), configure: toUnix.nginx });
    assert.equal((await visit(site, alice)).status, 403);
    assert.equal(site.events.refused.at(-1)?.code, 'ERR_PROXY_UNTRUSTED');
  });
});

const toUnix = {
  nginx: (text: string) => changed(text, /http:\/\/127\.0\.0\.1:\d+/, 'http://unix:app.sock'),
  haproxy: (text: string) => changed(text, /(server app) .*/, '$1 unix@app.sock'),
};

describe('a service on a Unix socket', () => {
  const statement = { addresses: ['unix'] };
  for (const name of ['nginx', 'haproxy'] as const) {
    it(`believes ${name}`, async () => {
      const configure = toUnix[name];
      await using site = await siteBehind(name, { backend: overUnix(), configure, statement });
      const forged = [`X-SSL-Client-Cert: ${written(name, bob)}`];
      assert.equal(thumbprintIn(await visit(site, alice, forged)), alice.x5tS256);
      assert.equal((await visit(site, undefined, forged)).status, 403);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
    });
  }

  for (const name of serverNames) {
    it(`does not believe ${name} by an address`, async () => {
      await using site = await siteBehind(name, { statement });
      assert.equal((await visit(site, alice)).status, 403);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_PROXY_UNTRUSTED');
    });
  }
});

const proxyCertificate = { dnsNames: ['proxy.example'], usage: 'clientAuth' } as const;
const proxy = authority.issue(proxyCertificate);
const toTls = {
  nginx: (text: string) =>
    changed(
      changed(text, 'http://127', 'https://127'),
      /(?= *proxy_set_header Host)/,
      'proxy_ssl_certificate proxy.pem; proxy_ssl_certificate_key proxy.pem;' +
        'proxy_ssl_server_name on; proxy_ssl_name localhost;' +
        'proxy_ssl_verify on; proxy_ssl_trusted_certificate clients-ca.pem;\n',
    ),
  haproxy: (text: string) =>
    changed(
      text,
      /server app .*/,
      '$& ssl crt proxy.pem sni str(localhost) verify required ca-file clients-ca.pem',
    ),
};

describe('a service over TLS, which knows the proxy by its certificate', () => {
  const statement = { peer: { dnsName: 'proxy.example' } };
  for (const name of ['nginx', 'haproxy'] as const) {
    it(`believes ${name} and nobody else`, async () => {
      const configure = toTls[name];
      await using site = await siteBehind(name, { backend: overTls(), configure, statement });
      const { events, backendPort } = site;
      const forged = [`X-SSL-Client-Cert: ${written(name, bob)}`];
      const seen = await visit(site, alice, forged);
      assert.equal(seen.status, 200, `${events.refused.at(-1)?.reason} ${site.output}`);
      assert.equal(thumbprintIn(seen), alice.x5tS256);
      // Its own certificate is not that of the client for whom it has none.
      assert.equal((await visit(site, undefined, forged)).status, 403);
      assert.equal(events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');

      const field = { 'x-ssl-client-cert': written(name, bob), 'x-ssl-client-verify': good[name] };
      const elsewhere = impostor.issue(proxyCertificate);
      for (const [who, code] of [
        [alice, 'ERR_PROXY_UNTRUSTED'],
        [{}, 'ERR_PROXY_UNTRUSTED'],
        [elsewhere, 'ERR_CERTIFICATE_SIGNATURE'],
      ] as const) {
        const { status } = await sendOnce(backendPort, { ...who }, { headers: field });
        assert.equal(status, 403);
        assert.equal(events.refused.at(-1)?.code, code);
      }
      // Who comes without a proxy has its own identity.
      const { body } = await sendOnce(backendPort, { cert: alice.cert, key: alice.key });
      assert.equal(JSON.parse(body).identity.evidence.mtls.source, 'tls');
      assert.ok(events.accepted.every(({ subject }) => subject === 'dns:alice.example'));
    });
  }
});

/** Makes a server say where its client comes from, where it does not by itself. */
const sayingWhere: Readonly<Record<ServerName, (configuration: string) => string>> = {
  nginx: (text) =>
    changed(
      text,
      /(?= *proxy_set_header Host)/,
      'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n',
    ),
  haproxy: (text) => changed(text, /(frontend https\n)/, '$1  option forwardfor\n'),
  apache: (text) => text,
  caddy: (text) => text,
};

describe('the address of a client, in events', () => {
  for (const name of serverNames) {
    it(`is the one that ${name} has seen, whatever the client says`, async () => {
      const configure = sayingWhere[name];
      const statement = { clientAddress: 'x-forwarded-for' };
      await using site = await siteBehind(name, { configure, statement });
      const forged = ['X-Forwarded-For: 192.0.2.1, 192.0.2.2'];
      const from = { localAddress: '127.0.0.9' };
      assert.equal((await visit(site, alice, forged, from)).status, 200);
      assert.equal(site.events.accepted.at(-1)?.request.address, '127.0.0.9');
      assert.equal((await visit(site, undefined, forged, from)).status, 403);
      assert.equal(site.events.refused.at(-1)?.request.address, '127.0.0.9');
    });
  }
});

function overUnix(): Backend {
  const server = createServer();
  return {
    server,
    async listen(directory) {
      server.listen(join(directory, 'app.sock'));
      await once(server, 'listening');
    },
  };
}

function overTls(): Backend {
  const { cert, key } = authority.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
  const server = createTlsServer({ cert, key, requestCert: true, rejectUnauthorized: false });
  return {
    server,
    async listen(directory) {
      writeFileSync(join(directory, 'proxy.pem'), proxy.cert + proxy.key, { mode: 0o600 });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}

/** The status of a request that goes to the service itself. */
async function statusOf(options: RequestOptions): Promise<number | undefined> {
  const outgoing = request({ agent: false, host: '127.0.0.1', ...options }).end();
  const [incoming] = await once(outgoing, 'response');
  incoming.resume();
  return incoming.statusCode;
}
