// What the attacker has: a key, and some certificate for it. What must happen: 403, whatever the policy
// says of anonymous peers, for evidence that is there and bad is never taken for absent.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVerifier, mtls } from '../../src/index.ts';
import { type ConnectOptions, sendOnce } from '../support/connection.ts';
import { assertAccepted, assertRefused, guarded } from '../support/guarded.ts';
import { alice, authority, day, impostor, tlsVersions } from '../support/pki.ts';

interface Row {
  readonly name: string;
  readonly shows: () => ConnectOptions;
  readonly code: string;
}

const names = { dnsNames: ['alice.example'] };
const soon = new Date(Date.now() + day);
const ago = new Date(Date.now() - day);

const rows: readonly Row[] = [
  {
    name: 'C2: refuses a self-signed certificate with the right names',
    shows: () => authority.issue({ ...names, selfSigned: true }),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C3: refuses the right names from a CA of the same name',
    shows: () => impostor.issue(names),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C3: refuses the right names under an issuer that never signed them',
    shows: () => authority.issue({ ...names, signWith: impostor.keyPair.privateKey }),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C3: refuses a certificate whose signature was tampered with',
    shows: () => authority.issue({ ...names, tampered: true }),
    code: 'ERR_CERTIFICATE_UNTRUSTED',
  },
  {
    name: 'C4: refuses an expired certificate',
    shows: () => authority.issue({ ...names, notAfter: ago }),
    code: 'ERR_CERTIFICATE_EXPIRED',
  },
  {
    name: 'C5: refuses a certificate that is not valid yet',
    shows: () => authority.issue({ ...names, notBefore: soon }),
    code: 'ERR_CERTIFICATE_NOT_YET_VALID',
  },
  {
    name: "C6: refuses a server's certificate as a client's",
    shows: () => authority.issue({ ...names, usage: 'serverAuth' }),
    code: 'ERR_CERTIFICATE_USAGE',
  },
  {
    name: 'C6: refuses a certificate for any usage but none in particular',
    shows: () => authority.issue({ ...names, usage: 'any' }),
    code: 'ERR_CERTIFICATE_USAGE',
  },
  {
    name: 'C6: refuses a key that may not sign a handshake',
    shows: () => authority.issue({ ...names, keyUsage: ['keyAgreement'] }),
    code: 'ERR_CERTIFICATE_USAGE',
  },
];

function assertReset(error: unknown): undefined {
  assert.equal((error as { code?: string }).code, 'ECONNRESET');
}

for (const version of tlsVersions) {
  describe(`a certificate on the socket, ${version}`, () => {
    const only = { minVersion: version, maxVersion: version } as const;

    it('C1: refuses a peer without a certificate', async () => {
      await using site = await guarded();
      assertRefused(site, await sendOnce(site.port, only), { code: 'ERR_CREDENTIAL_MISSING' });
      const genuine = await sendOnce(site.port, { ...only, cert: alice.cert, key: alice.key });
      assertAccepted(site, genuine, 'dns:alice.example');
    });

    for (const { name, shows, code } of rows) {
      it(name, async () => {
        const { cert, key } = shows();
        for (const allowAnonymous of [false, true]) {
          const verifier = createVerifier({ methods: [mtls()], policy: { allowAnonymous } });
          await using site = await guarded({ verifier });
          const answer = await sendOnce(site.port, { ...only, cert, key }).catch(assertReset);
          // Under TLS 1.2 Node itself hangs up on a signature that is wrong.
          if (answer === undefined) assert.equal(site.handled.length, 0);
          else assertRefused(site, answer, { code });
          const genuine = await sendOnce(site.port, { ...only, cert: alice.cert, key: alice.key });
          assertAccepted(site, genuine, 'dns:alice.example');
        }
      });
    }
  });
}
