// A ticket outlives everything that TLS checked when it was given out.
import assert from 'node:assert/strict';
import { constants, randomBytes } from 'node:crypto';
import { afterEach, describe, it, mock } from 'node:test';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { testAuthority } from '../../src/pki/testing.ts';
import { connect, sendOnce } from '../support/connection.ts';
import {
  type Guarded,
  assertAccepted,
  assertProblem,
  assertRefused,
  guarded,
  serverCertificate,
} from '../support/guarded.ts';
import { alice, authority, day, tlsVersions } from '../support/pki.ts';

const { cert, key } = serverCertificate;
const subject = 'dns:alice.example';

for (const version of tlsVersions) {
  describe(`a resumed session, ${version}`, () => {
    const shown = { cert: alice.cert, key: alice.key };
    const only = { minVersion: version, maxVersion: version } as const;
    afterEach(() => mock.restoreAll());

    /** Shakes hands in full with a genuine certificate, and takes the session along. */
    async function sessionOf(site: Guarded, options: ConnectionOptions = shown): Promise<Buffer> {
      using connection = await connect(site.port, { ...only, ...options });
      await connection.send();
      return connection.session;
    }

    it('passes where this server has seen its leaf in a full handshake', async () => {
      await using site = await guarded();
      using again = await connect(site.port, { ...only, ...shown, session: await sessionOf(site) });
      assert.equal(again.resumed, true);
      assertAccepted(site, await again.send(), subject);
    });

    it('C19: refuses one without a certificate, even where it reads as authorized', async () => {
      await using site = await guarded();
      using again = await connect(site.port, { ...only, session: await sessionOf(site, {}) });
      assert.equal(again.resumed, true);
      assertRefused(site, await again.send(), { code: 'ERR_CREDENTIAL_MISSING' });
    });

    it('C20: refuses one whose certificate has ended since, also on a kept connection', async () => {
      await using site = await guarded();
      using kept = await connect(site.port, { ...only, ...shown });
      assertAccepted(site, await kept.send(), subject);
      const { session } = kept;
      const later = Date.now() + 2 * day;
      mock.method(Date, 'now', () => later);
      assertRefused(site, await kept.send(), { code: 'ERR_CERTIFICATE_EXPIRED', handled: 1 });
      using again = await connect(site.port, { ...only, ...shown, session });
      assert.equal(again.resumed, true);
      assertRefused(site, await again.send(), { code: 'ERR_CERTIFICATE_EXPIRED', handled: 1 });
    });

    it('C20: refuses it also where a handler has set the dates of its identity', async () => {
      const later = Date.now() + 2 * day;
      await using site = await guarded({
        handler(_request, response, identity) {
          identity?.evidence.mtls?.notAfter.setTime(later + day);
          response.end();
        },
      });
      using kept = await connect(site.port, { ...only, ...shown });
      assert.equal((await kept.send()).status, 200);
      mock.method(Date, 'now', () => later);
      assertRefused(site, await kept.send(), { code: 'ERR_CREDENTIAL_EXPIRED', handled: 1 });
    });

    it('C5: refuses a kept connection whose certificate is not valid any more by our clock', async () => {
      await using site = await guarded();
      using kept = await connect(site.port, { ...only, ...shown });
      assertAccepted(site, await kept.send(), subject);
      const earlier = Date.now() - 2 * day;
      mock.method(Date, 'now', () => earlier);
      assertRefused(site, await kept.send(), { code: 'ERR_CERTIFICATE_NOT_YET_VALID', handled: 1 });
    });

    const changes = {
      'C21: a CRL was given': () => ({ cert, key, ca: authority.cert, crl: authority.crl().pem }),
      'C22: its CA was taken away': () => ({ cert, key, ca: testAuthority().cert }),
    };
    for (const [what, changed] of Object.entries(changes)) {
      it(`${what}: neither the kept connection nor the ticket counts any more`, async () => {
        const ticketKeys = randomBytes(48);
        await using site = await guarded({ tls: { ticketKeys } });
        using kept = await connect(site.port, { ...only, ...shown });
        assertAccepted(site, await kept.send(), subject);
        const { session } = kept;
        site.server.setSecureContext({ ...changed(), ticketKeys });
        // Another connection is the first to come, so that nothing has noticed the change before it.
        using again = await connect(site.port, { ...only, ...shown, session });
        const answer = await again.send();
        if (again.resumed) {
          assertRefused(site, answer, { code: 'ERR_RESUMPTION_UNVERIFIED', handled: 1 });
          assert.equal(answer.headers.connection, 'close');
        }
        const still = await kept.send();
        assertProblem(still, 403);
        assert.equal(site.decisions.at(-1)?.outcome, 'refused');
      });
    }

    it('C22: a full handshake after a change of CAs is judged by the new ones', async () => {
      await using site = await guarded();
      assertAccepted(site, await sendOnce(site.port, { ...only, ...shown }), subject);
      const other = testAuthority();
      site.server.setSecureContext({ cert, key, ca: other.cert });
      const refused = await sendOnce(site.port, { ...only, ...shown });
      assertRefused(site, refused, { code: 'ERR_CERTIFICATE_UNTRUSTED', handled: 1 });
      const fresh = other.issue({ dnsNames: ['carol.example'] });
      const welcome = await sendOnce(site.port, { ...only, cert: fresh.cert, key: fresh.key });
      assertAccepted(site, welcome, 'dns:carol.example');
    });

    it('C22: a new server certificate under the same CAs disturbs nobody', async () => {
      await using site = await guarded();
      using kept = await connect(site.port, { ...only, ...shown });
      assertAccepted(site, await kept.send(), subject);
      const fresh = authority.issue({ usage: 'serverAuth' });
      site.server.setSecureContext({ cert: fresh.cert, key: fresh.key, ca: authority.cert });
      assertAccepted(site, await kept.send(), subject);
    });

    it('refuses a ticket of another server with the same keys, then a full handshake passes', async () => {
      const tls = { ticketKeys: randomBytes(48) };
      await using first = await guarded({ tls });
      await using second = await guarded({ tls });
      const session = await sessionOf(first);
      using stray = await connect(second.port, { ...only, ...shown, session });
      assert.equal(stray.resumed, true);
      const answer = await stray.send();
      const event = second.events.refused.at(-1);
      assert.equal(event?.code, 'ERR_RESUMPTION_UNVERIFIED');
      assertProblem(answer, 403);
      assert.equal(answer.headers.connection, 'close');
      // The ticket is worth nothing any more, so the peer is not refused for ever.
      using again = await connect(second.port, { ...only, ...shown, session });
      assert.equal(again.resumed, false);
      assertAccepted(second, await again.send(), subject);
    });

    if (version === 'TLSv1.2') {
      it('takes none at its word that handlers of the application keep beside an SNICallback', async () => {
        const sessions = new Map<string, Buffer>();
        const context = createSecureContext({ cert, key, ca: authority.cert });
        await using site = await guarded({
          tls: {
            SNICallback: (_name, done) => done(null, context),
            // A session without a ticket: `forgetTickets` does not reach it.
            secureOptions: constants.SSL_OP_NO_TICKET,
          },
        });
        site.server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
          sessions.set(id.toString('hex'), data);
          done();
        });
        site.server.on('resumeSession', (id: Buffer, done: (e: null, data: unknown) => void) =>
          done(null, sessions.get(id.toString('hex')) ?? null),
        );
        const session = await sessionOf(site);
        using again = await connect(site.port, { ...only, ...shown, session });
        assert.equal(again.resumed, true);
        assertRefused(site, await again.send(), { code: 'ERR_RESUMPTION_UNVERIFIED', handled: 1 });
      });
    }

    it('takes no resumed session at its word where an SNICallback chooses the context', async () => {
      const context = createSecureContext({ cert, key, ca: authority.cert });
      await using site = await guarded({
        tls: { SNICallback: (_name, done) => done(null, context) },
      });
      const session = await sessionOf(site);
      using again = await connect(site.port, { ...only, ...shown, session });
      const answer = await again.send();
      if (again.resumed) {
        assertRefused(site, answer, { code: 'ERR_RESUMPTION_UNVERIFIED', handled: 1 });
      } else {
        assertAccepted(site, answer, subject);
      }
    });
  });
}
