// Whoever comes through a real proxy has the identity that its certificate has over TLS.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createVerifier, mtls } from 'countersign';
import { type Guarded, guarded } from '../../support/guarded.ts';
import { sendOnce } from '../../support/connection.ts';
import { alice, authority } from '../../support/pki.ts';
import { above, deep, hostile } from './hostile-certificates.ts';
import { type ServerName, serverNames } from './servers.ts';
import { type Site, type SiteOptions, changed, siteBehind } from './site.ts';
import { thumbprintIn, visit } from './visit.ts';

/** How a proxy hands over the certificates in between, or why it cannot. */
const chains: Readonly<Record<ServerName, SiteOptions>> = {
  // It has no variable for them.
  nginx: { intermediates: above(deep) },
  haproxy: {
    statement: { chain: 'x-ssl-client-chain' },
    configure: (text) =>
      changed(
        text,
        '  default_backend',
        '  http-request set-header X-SSL-Client-Chain %[ssl_c_chain_der,base64]\n  default_backend',
      ),
  },
  apache: {
    statement: { chain: ['x-ssl-client-chain-0', 'x-ssl-client-chain-1', 'x-ssl-client-chain-2'] },
    configure: (text) =>
      changed(
        text,
        '  ProxyPreserveHost',
        [0, 1, 2]
          .map(
            (i) => `  RequestHeader set X-SSL-Client-Chain-${i} "%{SSL_CLIENT_CERT_CHAIN_${i}}s"\n`,
          )
          .join('') + '  ProxyPreserveHost',
      ),
  },
  // It has no placeholder for them.
  caddy: { intermediates: above(deep) },
};

describe('a certificate through a proxy', () => {
  let direct: Guarded;
  before(async () => {
    direct = await guarded({
      verifier: createVerifier({ methods: [mtls({ trustAnchors: authority.cert })] }),
    });
  });
  after(() => direct.close());

  for (const name of serverNames) {
    describe(name, () => {
      let site: Site;
      before(async () => {
        site = await siteBehind(name);
      });
      after(() => site[Symbol.asyncDispose]());

      for (const [what, certificate] of [['nothing unusual', alice], ...hostile] as const) {
        it(`gives a certificate with ${what} its identity`, async () => {
          const { body } = await sendOnce(direct.port, {
            cert: certificate.cert,
            key: certificate.key,
          });
          const seen = await visit(site, certificate);
          assert.equal(seen.status, 200, site.events.refused.at(-1)?.reason ?? site.output);
          const { evidence, subject } = seen.answer!.identity!;
          const expected = JSON.parse(body);
          assert.equal(subject, expected.subject);
          assert.equal(thumbprintIn(seen), certificate.x5tS256);
          assert.deepEqual(
            { ...evidence.mtls, trustAnchor: undefined },
            { ...expected.evidence.mtls, trustAnchor: undefined, source: 'proxy' },
          );
        });
      }

      it('hands the service no field about certificates, and says how the answer may be stored', async () => {
        const { answer, head } = await visit(site, alice);
        assert.doesNotMatch(answer!.fields.join('\n'), /cert|verify/i);
        assert.match(head, /^cache-control: no-store$/im);
      });

      it('is nobody without a certificate', async () => {
        assert.equal((await visit(site, undefined)).status, 403);
        assert.equal(site.events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
      });
    });

    it(`has its path through three CAs in between, ${name}`, async () => {
      await using site = await siteBehind(name, chains[name]);
      const seen = await visit(site, deep);
      assert.equal(seen.status, 200, site.events.refused.at(-1)?.reason ?? site.output);
      assert.equal(thumbprintIn(seen), deep.x5tS256);
      assert.equal(thumbprintIn(await visit(site, alice)), alice.x5tS256);
      assert.equal((await visit(site, undefined)).status, 403);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
    });
  }
});
