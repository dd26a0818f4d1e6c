import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import tls from 'node:tls';
import { askForStaple, stapledResponse } from '../../src/client/stapled-response.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { ocspStatus } from '../../src/x509/ocsp/status.ts';
import { authority, tlsVersions } from '../support/pki.ts';

const leaf = authority.issue();

/** What a client has from a server that staples this, or null for nothing, or does not know how. */
async function connect(
  t: TestContext,
  version: tls.SecureVersion,
  staple: Buffer | null | undefined,
) {
  const server = tls.createServer({ cert: leaf.cert, key: leaf.key });
  if (staple !== undefined) {
    server.on('OCSPRequest', (_certificate, _issuer, answer) => answer(null, staple));
  }
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = tls.connect({
    port,
    ca: authority.cert,
    minVersion: version,
    maxVersion: version,
    ...askForStaple,
  });
  const stapled = stapledResponse(socket);
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  assert.equal(socket.authorized, true);
  return stapled();
}

describe('stapledResponse', () => {
  for (const version of tlsVersions) {
    it(`is what the server stapled, in ${version}`, async (t) => {
      const response = await connect(t, version, authority.ocsp(leaf));
      const status = ocspStatus(response!, {
        certificate: readCertificate(leaf.der),
        issuer: readCertificate(authority.der),
        at: new Date(),
      });
      assert.equal(status.status, 'good');
    });

    it(`is nothing where the server staples nothing, in ${version}`, async (t) => {
      assert.equal(await connect(t, version, null), undefined);
      assert.equal(await connect(t, version, undefined), undefined);
    });
  }
});
