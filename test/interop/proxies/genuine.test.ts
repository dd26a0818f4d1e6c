// Whoever comes through a real proxy has the identity that its certificate has over TLS.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createVerifier, mtls } from 'countersign';
import { type Guarded, guarded } from '../../support/guarded.ts';
import { sendOnce } from '../../support/connection.ts';
import { alice, authority } from '../../support/pki.ts';
import { chains } from './chains.ts';
import { deep, hostile } from './hostile-certificates.ts';
import { serverNames } from './servers.ts';
import { type Site, siteBehind } from './site.ts';
import { thumbprintIn, visit } from './visit.ts';

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
