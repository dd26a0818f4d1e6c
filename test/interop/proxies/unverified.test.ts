// P6: proxies that ask for a certificate and let any pass. What they say of it refuses, and where they say
// nothing, or where it would please them, the path that the service builds itself does.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type TestCertificate, testAuthority } from '../../../src/pki/testing.ts';
import { alice, authority, impostor } from '../../support/pki.ts';
import { type ServerName, serverNames } from './servers.ts';
import { type Site, changed, siteBehind } from './site.ts';
import { thumbprintIn, visit } from './visit.ts';

const unverified: Readonly<Record<ServerName, (configuration: string) => string>> = {
  nginx: (text) => changed(text, 'ssl_verify_client optional', '$&_no_ca'),
  haproxy: (text) => changed(text, 'verify optional', '$& ca-ignore-err all crt-ignore-err all'),
  apache: (text) => changed(text, 'SSLVerifyClient optional', '$&_no_ca'),
  caddy: (text) => {
    const without = changed(text, /\n.*trusted_ca_cert_file.*/, '');
    return changed(without, 'verify_if_given', 'request');
  },
};

const hour = 3_600_000;
const past = { notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) };
const names = { dnsNames: ['alice.example'] };

interface Intruder {
  readonly certificate: TestCertificate;
  /** Why the service refuses it that hears no verdict. */
  readonly code: string;
  /** These servers let through what another CA issued, and nothing else that is wrong. */
  readonly stopped?: Partial<Readonly<Record<ServerName, number>>>;
}

const another = 'ERR_CERTIFICATE_UNTRUSTED';
// nginx answers 400 by itself, Apache hangs up.
const stopped = { nginx: 400, apache: 0 };
const intruders: Readonly<Record<string, Intruder>> = {
  'of a CA with the same name': {
    certificate: impostor.issue({ ...names, usage: 'clientAuth' }),
    code: 'ERR_CERTIFICATE_SIGNATURE',
  },
  'of another CA': {
    certificate: testAuthority().issue({ ...names, usage: 'clientAuth' }),
    code: another,
  },
  'signed by itself': {
    certificate: authority.issue({ ...names, selfSigned: true }),
    code: another,
  },
  'with a wrong signature': {
    certificate: authority.issue({ ...names, tampered: true }),
    code: 'ERR_CERTIFICATE_SIGNATURE',
    stopped,
  },
  'that has expired': {
    certificate: authority.issue({ ...names, ...past }),
    code: 'ERR_CERTIFICATE_EXPIRED',
    stopped,
  },
  'of a server': {
    certificate: authority.issue({ ...names, usage: 'serverAuth' }),
    code: 'ERR_CERTIFICATE_USAGE',
    stopped,
  },
};

for (const name of serverNames) {
  for (const withoutVerdict of [false, true]) {
    // Caddy has no verdict.
    if (name === 'caddy' && !withoutVerdict) continue;
    describe(`${name} that verifies nothing, its verdict ${withoutVerdict ? 'unread' : 'read'}`, () => {
      let site: Site;
      before(async () => {
        site = await siteBehind(name, { configure: unverified[name], withoutVerdict });
      });
      after(() => site[Symbol.asyncDispose]());

      it('lets Alice be Alice', async () => {
        const seen = await visit(site, alice);
        assert.equal(seen.status, 200, site.events.refused.at(-1)?.reason);
        assert.equal(thumbprintIn(seen), alice.x5tS256);
      });

      for (const [what, intruder] of Object.entries(intruders)) {
        it(`makes nobody of a certificate ${what}`, async () => {
          const earlier = site.events.refused.length;
          const { status } = await visit(site, intruder.certificate);
          const itself = intruder.stopped?.[name];
          assert.equal(status, itself ?? 403);
          const refusals = site.events.refused.slice(earlier).map(({ code }) => code);
          const code = withoutVerdict ? intruder.code : another;
          assert.deepEqual(refusals, itself === undefined ? [code] : []);
        });
      }

      it('makes nobody of no certificate', async () => {
        assert.equal((await visit(site, undefined)).status, 403);
        assert.equal(site.events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
      });
    });
  }
}
