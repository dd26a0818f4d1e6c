// Two names on one port, each with CAs of its own. What the attacker has: a genuine certificate from the
// CA of one name. What must happen: it is worth nothing at the other, however the connection was made.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { testAuthority } from '../../src/pki/testing.ts';
import { connect, sendOnce } from '../support/connection.ts';
import {
  type Guarded,
  assertAccepted,
  assertProblem,
  guarded,
  serverCertificate,
} from '../support/guarded.ts';
import { alice, tlsVersions } from '../support/pki.ts';

const partners = testAuthority();
const carol = partners.issue({ dnsNames: ['carol.example'] });
const { cert, key } = serverCertificate;
const forPartners = { cert, key, ca: partners.cert };

const setups: Readonly<Record<string, () => Promise<Guarded>>> = {
  async addContext() {
    const site = await guarded();
    site.server.addContext('partner.example', forPartners);
    return site;
  },
  SNICallback() {
    const context = createSecureContext(forPartners);
    return guarded({
      tls: {
        SNICallback: (name, done) => done(null, name === 'partner.example' ? context : undefined),
      },
    });
  },
};

const staff = { name: 'localhost', shows: { cert: alice.cert, key: alice.key } };
const partner = { name: 'partner.example', shows: { cert: carol.cert, key: carol.key } };

for (const version of tlsVersions) {
  for (const [how, setup] of Object.entries(setups)) {
    describe(`a name with CAs of its own by ${how}, ${version}`, () => {
      const only = {
        minVersion: version,
        maxVersion: version,
        checkServerIdentity: () => undefined,
      };
      const to = (servername: string, more: ConnectionOptions) => ({
        ...only,
        ...more,
        servername,
      });

      it('lets each peer pass at its own name', async () => {
        await using site = await setup();
        for (const { name, shows } of [staff, partner]) {
          const answer = await sendOnce(site.port, to(name, shows), { headers: { host: name } });
          assertAccepted(site, answer, `dns:${shows === staff.shows ? 'alice' : 'carol'}.example`);
        }
      });

      for (const [from, target] of [
        [staff, partner],
        [partner, staff],
      ] as const) {
        const spellings = [
          from.name,
          target.name,
          target.name.toUpperCase(),
          `${target.name}.`,
          `${target.name}..`,
          '',
        ];
        for (const servername of spellings) {
          it(`C23, C24: ${from.name} to ${target.name}, asking for "${servername}"`, async () => {
            await using site = await setup();
            const sent = { headers: { host: target.name } };
            assertRefused(site, await sendOnce(site.port, to(servername, from.shows), sent));
          });

          it(`C22, C23: ${from.name} to ${target.name}, resuming as "${servername}"`, async () => {
            await using site = await setup();
            using genuine = await connect(site.port, to(from.name, from.shows));
            await genuine.send({ headers: { host: from.name } });
            const resumed = to(servername, { ...from.shows, session: genuine.session });
            const answer = await sendOnce(site.port, resumed, { headers: { host: target.name } });
            assertRefused(site, answer, 1);
          });
        }
      }

      it('lets a peer that resumes pass again and again', async () => {
        await using site = await setup();
        for (const { name, shows } of [staff, partner]) {
          let session: Buffer | undefined;
          for (let i = 0; i < 4; i++) {
            using next = await connect(
              site.port,
              to(name, { ...shows, ...(session && { session }) }),
            );
            const answer = await next.send({ headers: { host: name } });
            assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
            session = next.resumed ? session : next.session;
          }
        }
      });
    });
  }
}

describe('a connection without a server name', () => {
  const shows = { ...staff.shows, servername: '', checkServerIdentity: () => undefined };

  it('speaks to an address', async () => {
    for (const setup of Object.values(setups)) {
      await using site = await setup();
      for (const host of ['127.0.0.1', '127.0.0.1:8443', '[::1]:8443']) {
        assertAccepted(
          site,
          await sendOnce(site.port, shows, { headers: { host } }),
          'dns:alice.example',
        );
      }
    }
  });

  it('C23: stops speaking to a name that gets CAs of its own', async () => {
    await using site = await guarded();
    using kept = await connect(site.port, shows);
    const sent = { headers: { host: 'partner.example' } };
    assertAccepted(site, await kept.send(sent), 'dns:alice.example');
    site.server.addContext('partner.example', forPartners);
    assertRefused(site, await kept.send(sent), 1);
  });
});

const codes = ['ERR_MISDIRECTED_REQUEST', 'ERR_CERTIFICATE_UNTRUSTED', 'ERR_RESUMPTION_UNVERIFIED'];

// Which of them it is depends on how far this version of Node and of TLS lets the attacker come.
function assertRefused(site: Guarded, answer: Parameters<typeof assertProblem>[0], handled = 0) {
  const event = site.events.refused.at(-1);
  assert.ok(event !== undefined && codes.includes(event.code), event?.code ?? 'not refused');
  assertProblem(answer, event.status);
  assert.equal(site.handled.length, handled, 'the handler must not run');
}
