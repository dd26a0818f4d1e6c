import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVerifier, mtls } from '../../src/index.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { connect, sendOnce } from '../support/connection.ts';
import { assertAccepted, assertRefused, guarded, serverCertificate } from '../support/guarded.ts';
import { alice, authority } from '../support/pki.ts';

const shown = { cert: alice.cert, key: alice.key };
const misdirected = { code: 'ERR_MISDIRECTED_REQUEST', status: 421 };

describe('the server name of a connection', () => {
  const hosts = [
    ['localhost', 'localhost'],
    ['localhost', 'LOCALHOST:8443'],
    ['localhost', 'localhost.'],
    ['', 'anything.example'],
  ] as const;
  for (const [servername, host] of hosts) {
    it(`lets a request for ${host} pass where ${servername || 'no name'} was asked for`, async () => {
      await using site = await guarded();
      const answer = await sendOnce(
        site.port,
        { ...shown, servername, checkServerIdentity: () => undefined },
        { headers: { host } },
      );
      assertAccepted(site, answer, 'dns:alice.example');
    });
  }

  for (const host of ['other.example', 'localhost.example', 'xlocalhost', '127.0.0.1']) {
    it(`C23: refuses a request for ${host} where localhost was asked for`, async () => {
      await using site = await guarded();
      const answer = await sendOnce(site.port, shown, { headers: { host } });
      assertRefused(site, answer, misdirected);
    });
  }

  it('C23: refuses the same wrong host each time it is asked for on one connection', async () => {
    await using site = await guarded();
    using connection = await connect(site.port, shown);
    const sent = { headers: { host: 'other.example' } };
    for (let i = 0; i < 2; i++) assertRefused(site, await connection.send(sent), misdirected);
  });

  it('C23: refuses one authority over the connection to another, though both are served', async () => {
    const verifier = createVerifier({
      methods: [mtls()],
      authorities: ['https://localhost', 'https://other.example'],
    });
    await using site = await guarded({ verifier });
    assertRefused(
      site,
      await sendOnce(site.port, shown, { headers: { host: 'other.example' } }),
      misdirected,
    );
    assertRefused(
      site,
      await sendOnce(site.port, shown, { headers: { host: 'third.example' } }),
      misdirected,
    );
    const answer = await sendOnce(site.port, shown, { headers: { host: 'localhost' } });
    assertAccepted(site, answer, 'dns:alice.example');
  });

  it('C24: gives capitals in the server name no way around the CAs of a context', async () => {
    const partners = testAuthority();
    await using site = await guarded();
    const { cert, key } = serverCertificate;
    site.server.addContext('partner.example', { cert, key, ca: partners.cert });
    const lax = { checkServerIdentity: () => undefined };
    const carol = partners.issue({ dnsNames: ['carol.example'] });
    const partner = { ...lax, servername: 'partner.example', cert: carol.cert, key: carol.key };
    const sent = { headers: { host: 'partner.example' } };
    assertAccepted(site, await sendOnce(site.port, partner, sent), 'dns:carol.example');
    const plain = await sendOnce(
      site.port,
      { ...shown, ...lax, servername: 'partner.example' },
      sent,
    );
    assertRefused(site, plain, { code: 'ERR_CERTIFICATE_UNTRUSTED', handled: 1 });
    const capitals = await sendOnce(
      site.port,
      { ...shown, ...lax, servername: 'PARTNER.example' },
      sent,
    );
    // Node 20 takes the default context, whose CA alice has; later ones take the partner's.
    const code = process.version.startsWith('v20.')
      ? 'ERR_MISDIRECTED_REQUEST'
      : 'ERR_CERTIFICATE_UNTRUSTED';
    assertRefused(site, capitals, {
      code,
      status: code === misdirected.code ? 421 : 403,
      handled: 1,
    });
  });
});

describe('a context that is added while the server runs', () => {
  it('C24: is not reached by a handshake that did not know it', async () => {
    const partners = testAuthority();
    await using site = await guarded();
    const { cert, key } = serverCertificate;
    const partner = { servername: 'partner.example', checkServerIdentity: () => undefined };
    const sent = { headers: { host: 'partner.example' } };
    using early = await connect(site.port, { ...shown, ...partner });
    site.server.addContext('partner.example', { cert, key, ca: partners.cert });
    assertRefused(site, await early.send(sent), { code: 'ERR_RESUMPTION_UNVERIFIED' });
    const carol = partners.issue({ dnsNames: ['carol.example'] });
    const late = { cert: carol.cert, key: carol.key, ...partner };
    assertAccepted(site, await sendOnce(site.port, late, sent), 'dns:carol.example');
  });
});

describe('a request of HTTP/1.0 that names no host', () => {
  const nameless = 'GET / HTTP/1.0\r\n\r\n';

  it('C23: is refused where the connection asked for one', async () => {
    await using site = await guarded();
    using connection = await connect(site.port, shown);
    assert.match(await connection.write(nameless), /^HTTP\/1\.1 421 /);
    assert.equal(site.handled.length, 0);
  });

  it('is served where the connection asked for none either', async () => {
    await using site = await guarded();
    using connection = await connect(site.port, {
      ...shown,
      servername: '',
      checkServerIdentity: () => undefined,
    });
    assert.match(await connection.write(nameless), /^HTTP\/1\.1 200 /);
  });
});

describe('the CAs of a server', () => {
  const { cert, key } = serverCertificate;
  const without = { cert, key } as { cert: string; key: string; ca?: string };

  for (const [what, peer] of Object.entries({ 'without a certificate': {}, 'with one': shown })) {
    it(`refuses everybody where the server was given none: a peer ${what}`, async () => {
      await using site = await guarded({ tls: { ...without, ca: '' } });
      const answer = await sendOnce(site.port, peer);
      assertRefused(site, answer, { code: 'ERR_NO_TRUST_ANCHORS', status: 500 });
      assert.match(site.events.refused.at(-1)?.reason ?? '', /ca/);
    });
  }

  it('are the only ones that count where the server lets Node refuse by itself', async () => {
    await using site = await guarded({ tls: { rejectUnauthorized: true, ca: authority.cert } });
    assertAccepted(site, await sendOnce(site.port, shown), 'dns:alice.example');
    const stranger = testAuthority().issue({ dnsNames: ['alice.example'] });
    await assert.rejects(sendOnce(site.port, { cert: stranger.cert, key: stranger.key }));
    assert.equal(site.handled.length, 1);
  });
});
