import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import { type AddressInfo, Socket, createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { X509Certificate, randomBytes } from 'node:crypto';
import { createVerifier, mtls } from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { type TlsPeer, tlsPeerOf } from '../../src/peer/tls-peer.ts';
import { fakeMethod } from '../support/method.ts';
import { connect, sendOnce } from '../support/connection.ts';
import { assertRefused, guarded, serverCertificate } from '../support/guarded.ts';
import { alice, authority, tlsVersions } from '../support/pki.ts';

/** A server that answers nothing and keeps what `tlsPeerOf` says at each request. */
async function observed(tls: Parameters<typeof guarded>[0] = {}) {
  const peers: (TlsPeer | undefined)[] = [];
  const site = await guarded({
    ...tls,
    policy(request) {
      peers.push(tlsPeerOf(request.socket));
      return { allowAnonymous: true };
    },
  });
  return Object.assign(site, { peers });
}

describe('tlsPeerOf', () => {
  it('is undefined without TLS', () => {
    assert.equal(tlsPeerOf(new Socket()), undefined);
  });

  for (const version of tlsVersions) {
    it(`is one frozen snapshot per connection, ${version}`, async () => {
      await using site = await observed();
      const options = { cert: alice.cert, key: alice.key, maxVersion: version };
      using first = await connect(site.port, options);
      await first.send();
      await first.send();
      await sendOnce(site.port, { ...options, servername: 'LOCALHOST' });
      const [one, again, other] = site.peers;
      assert.equal(one, again);
      assert.notEqual(one, other);
      assert.equal(Object.isFrozen(one), true);
      assert.deepEqual(Buffer.from(one!.certificate!), alice.der);
      const { complaint, anchored, hearsay, serverName } = one!;
      assert.deepEqual(
        { complaint, anchored, hearsay, serverName },
        { complaint: undefined, anchored: true, hearsay: false, serverName: 'localhost' },
      );
      assert.equal(other!.serverName, 'localhost');
    });
  }

  it('has no certificate and no server name where the peer gave none', async () => {
    await using site = await observed();
    await sendOnce(site.port, { servername: '', checkServerIdentity: () => undefined });
    assert.equal(site.peers[0]!.certificate, undefined);
    assert.equal(site.peers[0]!.serverName, undefined);
  });

  it('keeps ten intermediates at most, however many the peer sends', async () => {
    let issuer = authority;
    const chain: string[] = [];
    for (let i = 0; i < 15; i++) {
      issuer = issuer.intermediate();
      chain.unshift(issuer.cert);
    }
    const leaf = issuer.issue({ dnsNames: ['deep.example'] });
    await using site = await observed();
    await sendOnce(site.port, { cert: leaf.leaf + chain.join(''), key: leaf.key });
    const { intermediates } = site.peers[0]!;
    // Node 24.21 shows none of them.
    assert.ok(intermediates.length === 10 || intermediates.length === 0, `${intermediates.length}`);
    for (const [i, der] of intermediates.entries()) {
      assert.deepEqual(Buffer.from(der), new X509Certificate(chain[i]!).raw);
    }
  });

  it('does not take a key shared beforehand for a certificate, whether or not it reads as authorized', async () => {
    const psk = Buffer.alloc(16, 7);
    const ciphers = 'PSK-AES128-GCM-SHA256';
    await using site = await guarded({
      tls: { ciphers, maxVersion: 'TLSv1.2', pskCallback: () => psk },
    });
    let authorized: boolean | undefined;
    site.server.on('secureConnection', (socket) => (authorized = socket.authorized));
    const options = {
      ciphers,
      maxVersion: 'TLSv1.2',
      checkServerIdentity: () => undefined,
    } as const;
    const answer = await sendOnce(site.port, {
      ...options,
      pskCallback: () => ({ psk, identity: 'alice' }),
    });
    // Up to Node 22 a peer without a certificate reads as authorized where it shares a key.
    assert.equal(authorized, Number.parseInt(process.versions.node) < 24);
    assertRefused(site, answer, { code: 'ERR_CREDENTIAL_MISSING' });
  });

  it('vouches for nobody behind a socket that was wrapped by hand', async () => {
    let seen: TlsPeer | undefined;
    const { cert, key } = serverCertificate;
    const plain = createTcpServer((socket) => {
      const asked = { isServer: true, requestCert: true, rejectUnauthorized: false };
      const wrapped = new TLSSocket(socket, { cert, key, ca: authority.cert, ...asked });
      wrapped
        .on('error', () => {})
        .on('secure', () => {
          seen = tlsPeerOf(wrapped);
          wrapped.destroy();
        });
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as AddressInfo;
    await assert.rejects(sendOnce(port, { cert: alice.cert, key: alice.key }));
    plain.close();
    assert.deepEqual(Buffer.from(seen!.certificate!), alice.der);
    // Node verifies there as well, and then has nobody to tell.
    assert.deepEqual([seen!.anchored, seen!.complaint], [false, 'UNVERIFIED']);
  });

  for (const version of tlsVersions) {
    it(`is hearsay still where only the certificate of the server changes, ${version}`, async () => {
      const ticketKeys = randomBytes(48);
      const verifier = createVerifier({ methods: [fakeMethod('m')] });
      await using first = await guarded({ tls: { ticketKeys } });
      await using second = await observed({ verifier, tls: { ticketKeys } });
      const shown = { cert: alice.cert, key: alice.key, maxVersion: version };
      using visit = await connect(first.port, shown);
      await visit.send();
      using stray = await connect(second.port, { ...shown, session: visit.session });
      assert.equal(stray.resumed, true);
      await stray.send();
      const fresh = authority.issue({ usage: 'serverAuth' });
      second.server.setSecureContext({ cert: fresh.cert, key: fresh.key, ca: authority.cert });
      await stray.send();
      const [before, after] = second.peers;
      assert.notEqual(before, after);
      assert.deepEqual([before!.hearsay, after!.hearsay], [true, true]);
    });
  }

  it('knows no CAs behind a socket that was wrapped by hand', async () => {
    const verifier = createVerifier({ methods: [mtls()] });
    let code: string | undefined;
    const serve: RequestListener = (request, response) => {
      void guard(verifier, request, response).then((decision) => {
        if (decision.outcome !== 'refused') return response.end();
        code = decision.error.code;
        return respond(request, response, decision.response);
      });
    };
    const http = createServer(serve);
    const { cert, key } = serverCertificate;
    const plain = createTcpServer((socket) => {
      const asked = { isServer: true, requestCert: true, rejectUnauthorized: false };
      http.emit('connection', new TLSSocket(socket, { cert, key, ca: authority.cert, ...asked }));
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as AddressInfo;
    const answer = await sendOnce(port, { cert: alice.cert, key: alice.key });
    plain.close();
    assert.deepEqual([answer.status, code], [500, 'ERR_NO_TRUST_ANCHORS']);
  });
});
