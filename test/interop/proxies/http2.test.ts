// Over HTTP/2 the requests of a client come side by side, and the names of fields in lower case only.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Http2Connection } from '../../support/http2.ts';
import { alice, bob } from '../../support/pki.ts';
import { type ServerName, serverNames } from './servers.ts';
import { type Answer, type Site, changed, siteBehind } from './site.ts';
import { good, written } from './visit.ts';

const overHttp2: Readonly<Record<ServerName, (configuration: string) => string>> = {
  nginx: (text) => changed(text, /(listen .*) ssl/, '$1 ssl http2'),
  haproxy: (text) => changed(text, /(bind .*)/, '$1 alpn h2'),
  apache: (text) =>
    `LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so\n` +
    changed(text, /(?=.*SSLEngine)/, '  Protocols h2\n'),
  caddy: (text) => text,
};

for (const name of serverNames) {
  describe(`over HTTP/2, through ${name}`, () => {
    let site: Site;
    before(async () => {
      site = await siteBehind(name, { configure: overHttp2[name] });
    });
    after(() => site[Symbol.asyncDispose]());

    const value = written(name, bob);
    const forgeries = {
      nothing: {},
      'the field': { 'x-ssl-client-cert': value, 'x-ssl-client-verify': good[name] },
      'the field twice': { 'x-ssl-client-cert': [value, value] },
      underscores: { x_ssl_client_cert: value, 'x_ssl-client_cert': value },
    };
    for (const [what, headers] of Object.entries(forgeries)) {
      // Other spellings pass these two, and the service refuses them.
      const passes = what === 'underscores' && (name === 'apache' || name === 'caddy');

      it(`leaves Alice Alice and nobody nobody who send ${what}`, async () => {
        using hers = new Http2Connection(site.port, { cert: alice.cert, key: alice.key });
        using anonymous = new Http2Connection(site.port);
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            const [answer, refusal] = await Promise.all([
              hers.send(headers),
              anonymous.send(headers),
            ]);
            assert.equal(refusal.status, passes ? 400 : 403);
            assert.equal(answer.status, passes ? 400 : 200);
            if (passes) return;
            const { identity } = JSON.parse(answer.body) as Answer;
            assert.equal(identity?.evidence.mtls?.x5tS256, alice.x5tS256);
          }),
        );
      });
    }
  });
}
