// A resumed session shows no certificate: what a proxy then hands over is that of the session's beginning.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from '../../support/connection.ts';
import { alice, bob, tlsVersions } from '../../support/pki.ts';
import { chains } from './chains.ts';
import { deep } from './hostile-certificates.ts';
import { serverNames } from './servers.ts';
import { type Answer, type Site, siteBehind } from './site.ts';

for (const name of serverNames) {
  describe(`a TLS session that is resumed, in front of ${name}`, () => {
    let site: Site;
    before(async () => {
      site = await siteBehind(name);
    });
    after(() => site[Symbol.asyncDispose]());

    for (const version of tlsVersions) {
      for (const [whose, first] of [
        ["Alice's", alice],
        ["nobody's", undefined],
      ] as const) {
        for (const [by, then] of [
          ['Alice', alice],
          ['Bob', bob],
          ['nobody', undefined],
        ] as const) {
          it(`stays ${whose} where ${by} has it, ${version}`, async () => {
            const tls = { minVersion: version, maxVersion: version };
            const credentials = (who = then) =>
              who === undefined ? {} : { cert: who.cert, key: who.key };
            using begun = await connect(site.port, {
              ...tls,
              ...(first === undefined ? {} : credentials(first)),
            });
            const answer = await begun.send();
            assert.equal(answer.status, first === undefined ? 403 : 200);
            const { session } = begun;

            using resumed = await connect(site.port, { ...tls, ...credentials(), session });
            const { status, body } = await resumed.send();
            const seen =
              status === 200
                ? (JSON.parse(body) as Answer).identity?.evidence.mtls?.x5tS256
                : status;
            assert.ok(resumed.resumed);
            assert.equal(seen, first?.x5tS256 ?? 403);
          });
        }
      }
    }
  });
}

// On a resumed session, HAProxy and Apache know the leaf and nothing above it.
for (const name of ['haproxy', 'apache'] as const) {
  it(`has the path of a session that is resumed in front of ${name}`, async () => {
    await using site = await siteBehind(name, chains[name]);
    const credentials = { cert: deep.cert, key: deep.key };
    using begun = await connect(site.port, credentials);
    assert.equal((await begun.send()).status, 200);
    using resumed = await connect(site.port, { session: begun.session });
    const { status } = await resumed.send();
    assert.ok(resumed.resumed);
    // The service remembers the certificates that made up a good path.
    assert.equal(status, 200, site.events.refused.at(-1)?.reason);
    assert.equal(site.events.accepted.at(-1)?.subject, 'dns:deep.example');
  });
}
