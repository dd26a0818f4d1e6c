// The CAs or CRLs of a running server change. What the attacker has: a certificate that was good until
// then, and everything that began before: a connection, a ticket, half of a handshake.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { type SecureContextOptions, createSecureContext } from 'node:tls';
import { testAuthority } from '../../src/pki/testing.ts';
import { connect, sendOnce } from '../support/connection.ts';
import {
  type Guarded,
  assertAccepted,
  assertRefused,
  guarded,
  serverCertificate,
} from '../support/guarded.ts';
import { alice, authority, tlsVersions } from '../support/pki.ts';

const { cert, key } = serverCertificate;
const revoking = testAuthority();
const mallory = revoking.issue({ dnsNames: ['mallory.example'] });
const dave = revoking.issue({ dnsNames: ['dave.example'] });
revoking.revoke(mallory);

const before = { cert, key, ca: revoking.cert };
const changes: Readonly<Record<string, readonly [SecureContextOptions, code: string]>> = {
  'C21: after revocation': [{ ...before, crl: revoking.crl().pem }, 'ERR_CERTIFICATE_REVOKED'],
  'C22: after its CA went': [{ cert, key, ca: testAuthority().cert }, 'ERR_CERTIFICATE_UNTRUSTED'],
};
const unverified = { code: 'ERR_RESUMPTION_UNVERIFIED' };

for (const version of tlsVersions) {
  const only = { minVersion: version, maxVersion: version } as const;
  const shown = { ...only, cert: mallory.cert, key: mallory.key };

  describe(`a certificate that is good no more, ${version}`, () => {
    for (const [what, [after, code]] of Object.entries(changes)) {
      for (const visited of [true, false]) {
        it(`${what}, by a handshake begun before (${visited ? 'a busy' : 'a new'} server)`, async () => {
          await using site = await guarded({ tls: before });
          if (visited)
            assertAccepted(site, await sendOnce(site.port, shown), 'dns:mallory.example');
          const handled = site.handled.length;
          const accepted = once(site.server, 'connection');
          const socket = connectTcp(site.port, '127.0.0.1');
          await accepted;
          site.server.setSecureContext(after);
          using slow = await connect(site.port, { ...shown, socket });
          assertRefused(site, await slow.send(), { ...unverified, handled });
          assertRefused(site, await sendOnce(site.port, shown), { code, handled });
        });
      }

      it(`${what}, on a kept connection`, async () => {
        await using site = await guarded({ tls: before });
        using kept = await connect(site.port, shown);
        assertAccepted(site, await kept.send(), 'dns:mallory.example');
        site.server.setSecureContext(after);
        const answer = await kept.send();
        assertRefused(site, answer, { ...unverified, handled: 1 });
        assert.equal(answer.headers.connection, 'close');
        assertRefused(site, await sendOnce(site.port, shown), { code, handled: 1 });
      });

      it(`${what}, by its ticket, then in full`, async () => {
        const ticketKeys = randomBytes(48);
        await using site = await guarded({ tls: { ...before, ticketKeys } });
        using kept = await connect(site.port, shown);
        assertAccepted(site, await kept.send(), 'dns:mallory.example');
        site.server.setSecureContext({ ...after, ticketKeys });
        using again = await connect(site.port, { ...shown, session: kept.session });
        assert.equal(again.resumed, true);
        assertRefused(site, await again.send(), { ...unverified, handled: 1 });
        assertRefused(site, await sendOnce(site.port, shown), { code, handled: 1 });
      });
    }

    it('C22: on a kept connection, by a list of CAs that is changed in place', async () => {
      const ca = [testAuthority().cert, revoking.cert];
      await using site = await guarded({ tls: { ...before, ca } });
      using kept = await connect(site.port, shown);
      assertAccepted(site, await kept.send(), 'dns:mallory.example');
      ca.pop();
      site.server.setSecureContext({ cert, key, ca });
      assertRefused(site, await kept.send(), { ...unverified, handled: 1 });
    });

    it('C21: on a kept connection, by CRLs that were one text, of which Node may read the first', async () => {
      const crls = [testAuthority().crl().pem, revoking.crl().pem];
      const clean = testAuthority();
      const carol = clean.issue({ dnsNames: ['carol.example'] });
      const ca = [clean.cert];
      crls.unshift(clean.crl().pem);
      await using site = await guarded({ tls: { cert, key, ca, crl: crls.join('') } });
      using kept = await connect(site.port, { ...only, cert: carol.cert, key: carol.key });
      assertAccepted(site, await kept.send(), 'dns:carol.example');
      site.server.setSecureContext({ cert, key, ca, crl: crls });
      assertRefused(site, await kept.send(), { ...unverified, handled: 1 });
    });

    it('C22: on a kept connection, by a PKCS#12 file that brought its CA', async () => {
      const ca = testAuthority().cert;
      const passphrase = 'in transit';
      const bringing = (...cas: string[]) => ({ ca, pfx: pkcs12(cas, passphrase), passphrase });
      await using site = await guarded({
        tls: { cert: undefined, key: undefined, ...bringing(revoking.cert) },
      });
      using kept = await connect(site.port, shown);
      assertAccepted(site, await kept.send(), 'dns:mallory.example');
      site.server.setSecureContext(bringing());
      assertRefused(site, await kept.send(), { ...unverified, handled: 1 });
    });

    it('C22: on a kept connection, where a context is replaced', async () => {
      await using site = await guarded();
      site.server.addContext('localhost', before);
      using kept = await connect(site.port, shown);
      assertAccepted(site, await kept.send(), 'dns:mallory.example');
      site.server.addContext('localhost', createSecureContext({ cert, key, ca: alice.cert }));
      assertRefused(site, await kept.send(), { ...unverified, handled: 1 });
    });

    it('C22: where the server is left without any CA', async () => {
      await using site = await guarded({ tls: before });
      using kept = await connect(site.port, shown);
      assertAccepted(site, await kept.send(), 'dns:mallory.example');
      site.server.setSecureContext({ cert, key });
      const none = { code: 'ERR_NO_TRUST_ANCHORS', status: 500, handled: 1 };
      assertRefused(site, await kept.send(), none);
      assertRefused(site, await sendOnce(site.port, shown), none);
    });
  });

  describe(`a certificate that is still good, ${version}`, () => {
    const agent = () => new Agent({ ...only, ca: authority.cert, cert: dave.cert, key: dave.key });
    const [after] = changes['C21: after revocation']!;

    // Node's Agent resumes whenever it can, and takes a ticket even from a handshake that was refused.
    it('C21: is refused once by its ticket and then welcome, for good', async () => {
      const ticketKeys = randomBytes(48);
      await using site = await guarded({ tls: { ...before, ticketKeys } });
      const one = agent();
      assert.deepEqual(await statuses(site, one, 2), [200, 200]);
      site.server.setSecureContext({ ...after, ticketKeys });
      assert.deepEqual(await statuses(site, one, 4), [403, 200, 200, 200]);
    });

    it('C21: is refused once on its kept connection and then welcome, for good', async () => {
      await using site = await guarded({ tls: before });
      using kept = await connect(site.port, { ...only, cert: dave.cert, key: dave.key });
      assertAccepted(site, await kept.send(), 'dns:dave.example');
      site.server.setSecureContext(after);
      assertRefused(site, await kept.send(), { ...unverified, handled: 1 });
      assert.deepEqual(await statuses(site, agent(), 3), [200, 200, 200]);
    });

    it('C21: is not refused again by an old ticket, once its kept connection was', async () => {
      const ticketKeys = randomBytes(48);
      await using site = await guarded({ tls: { ...before, ticketKeys } });
      const visit = { ...only, cert: dave.cert, key: dave.key };
      using kept = await connect(site.port, visit);
      assertAccepted(site, await kept.send(), 'dns:dave.example');
      site.server.setSecureContext({ ...after, ticketKeys });
      assertRefused(site, await kept.send(), { ...unverified, handled: 1 });
      using again = await connect(site.port, { ...visit, session: kept.session });
      assert.equal(again.resumed, false);
      assertAccepted(site, await again.send(), 'dns:dave.example');
    });

    it('passes by a handshake that began before the server got a new certificate', async () => {
      await using site = await guarded({ tls: before });
      const visit = { ...only, cert: dave.cert, key: dave.key };
      assertAccepted(site, await sendOnce(site.port, visit), 'dns:dave.example');
      const accepted = once(site.server, 'connection');
      const socket = connectTcp(site.port, '127.0.0.1');
      await accepted;
      const fresh = authority.issue({ usage: 'serverAuth' });
      site.server.setSecureContext({ ...before, cert: fresh.cert, key: fresh.key });
      using slow = await connect(site.port, { ...visit, socket });
      assertAccepted(site, await slow.send(), 'dns:dave.example');
    });

    it('passes at another process with the same ticket keys, after one refusal', async () => {
      const tls = { ...before, ticketKeys: randomBytes(48) };
      await using first = await guarded({ tls });
      await using second = await guarded({ tls });
      using kept = await connect(first.port, { ...only, cert: dave.cert, key: dave.key });
      await kept.send();
      const { session } = kept;
      const visit = { ...only, cert: dave.cert, key: dave.key, session };
      assertRefused(second, await sendOnce(second.port, visit), unverified);
      assertAccepted(second, await sendOnce(second.port, visit), 'dns:dave.example');
    });
  });
}

/** The server's certificate and key with these CAs beside them, as one file. */
function pkcs12(cas: readonly string[], passphrase: string): Buffer {
  const input = [key, cert, ...cas].join('');
  return execFileSync('openssl', ['pkcs12', '-export', '-passout', `pass:${passphrase}`], {
    input,
  });
}

/** What a client gets that opens a connection for each request and resumes where it can. */
async function statuses(site: Guarded, agent: Agent, requests: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < requests; i++) {
    const [response] = await once(get({ agent, port: site.port, host: 'localhost' }), 'response');
    await once(response.resume(), 'close');
    found.push(response.statusCode);
  }
  return found;
}
