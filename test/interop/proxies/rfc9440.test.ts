// RFC 9440 from servers that can be told to write it. nginx cannot: it has the certificate as PEM only, and
// nothing that takes the armour off.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrustedProxy } from 'countersign';
import { alice, authority, bob } from '../../support/pki.ts';
import { deep } from './hostile-certificates.ts';
import { type SiteOptions, changed, siteBehind } from './site.ts';
import { thumbprintIn, visit } from './visit.ts';

const statement: Partial<TrustedProxy> = { preset: 'rfc9440', header: 'client-cert' };
const options: SiteOptions = { statement, withoutVerdict: true };

/** `Client-Cert` as a server writes it in every request. */
const written = {
  haproxy: (text: string) =>
    changed(
      changed(
        text,
        /set-header X-SSL-Client-Cert .*/,
        'set-header Client-Cert :%[ssl_c_der,base64]:',
      ),
      /.*X-SSL-Client-Verify.*\n/,
      '  http-request del-header client-cert-chain\n',
    ),
  caddy: (text: string) =>
    changed(
      text,
      /header_up X-SSL-Client-Cert (.*)/,
      'header_up -Client-Cert-Chain\n\t\theader_up Client-Cert :$1:',
    ),
};

describe('Client-Cert of RFC 9440', () => {
  for (const name of ['haproxy', 'caddy'] as const) {
    it(`is Alice's identity, and nobody's but hers, from ${name}`, async () => {
      await using site = await siteBehind(name, { ...options, configure: written[name] });
      const forged = [
        `Client-Cert: :${bob.der.toString('base64')}:`,
        `Client-Cert-Chain: :${bob.der.toString('base64')}:`,
      ];
      for (const lines of [[], forged]) {
        const seen = await visit(site, alice, lines);
        assert.equal(seen.status, 200, site.events.refused.at(-1)?.reason);
        assert.equal(thumbprintIn(seen), alice.x5tS256);
      }
      // Where there is no certificate, HAProxy writes `::`, and Caddy 2.6 the name of the placeholder.
      assert.equal((await visit(site, undefined, forged)).status, name === 'caddy' ? 400 : 403);
      const code = name === 'caddy' ? 'ERR_CERTIFICATE_MALFORMED' : 'ERR_CREDENTIAL_MISSING';
      assert.equal(site.events.refused.at(-1)?.code, code);
      assert.ok(site.events.accepted.every(({ subject }) => subject === 'dns:alice.example'));
    });
  }

  it('comes with a chain from haproxy, where one CA is in between', async () => {
    const chain = 'http-request set-header Client-Cert-Chain :%[ssl_c_chain_der,base64]:';
    const configure = (text: string): string =>
      changed(written.haproxy(text), /.*del-header client-cert-chain/, `  ${chain}`);
    await using site = await siteBehind('haproxy', { ...options, configure });
    const carol = authority.intermediate().issue({ dnsNames: ['carol.example'] });
    for (const who of [carol, alice]) {
      assert.equal(thumbprintIn(await visit(site, who)), who.x5tS256);
    }
    // The DER of several stands in one item, which is no certificate and so no help.
    assert.equal((await visit(site, deep)).status, 403);
    assert.equal(site.events.refused.at(-1)?.code, 'ERR_CERTIFICATE_UNTRUSTED');
  });
});
