import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type ClientMethod, createClient, mtlsClient } from '../../src/client/index.ts';
import { type TestCertificate } from '../../src/pki/testing.ts';
import { type Site, authority, credentials, doors, site } from './support.ts';

const { cert, key } = credentials;
const other = authority.issue();
const encrypted = createPrivateKey(key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
  .toString();

/** A server that answers the thumbprint of the certificate it was shown, and hangs up. */
function mirror(): Promise<Site> {
  return site({}, {}, (req, res) => {
    const shown = (req.socket as TLSSocket).getPeerX509Certificate()?.raw ?? Buffer.alloc(0);
    res.setHeader('connection', 'close').end(shown.toString('base64'));
  });
}

function clientWith(method: ClientMethod, there: Site): ReturnType<typeof createClient> {
  return createClient({
    methods: [method],
    server: { origins: [there.origin], ca: authority.cert },
  });
}

describe('mtlsClient', () => {
  const refused: Readonly<Record<string, readonly [credentials: unknown, path: string]>> = {
    'no credentials': [undefined, 'mtlsClient'],
    'an unknown option': [{ cert, key, pfx: 'x' }, 'mtlsClient.pfx'],
    'no key': [{ cert }, 'mtlsClient.key'],
    'no certificate': [{ key }, 'mtlsClient.cert'],
    'a key as certificate': [{ cert: key, key }, 'mtlsClient.cert'],
    'a certificate in DER': [{ cert: credentials.der, key }, 'mtlsClient.cert'],
    'a certificate as key': [{ cert, key: cert }, 'mtlsClient.key'],
    "another certificate's key": [{ cert, key: other.key }, 'mtlsClient.key'],
    'an encrypted key without a passphrase': [{ cert, key: encrypted }, 'mtlsClient.key'],
    'a wrong passphrase': [{ cert, key: encrypted, passphrase: 'no' }, 'mtlsClient.key'],
    'a bad certificate beside a key function': [{ cert: 'x', key: () => key }, 'mtlsClient.cert'],
    'a bad key beside a certificate function': [{ cert: () => cert, key: 'x' }, 'mtlsClient.key'],
  };
  for (const [what, [given, path]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => mtlsClient(given as never), { name: 'ConfigError', path });
    });
  }

  it('never repeats key or passphrase in its errors', () => {
    const given = { cert, key: encrypted, passphrase: 'hunter2' };
    assert.throws(
      () => mtlsClient(given),
      (error: Error) => !/hunter2|PRIVATE/.test(error.message),
    );
  });

  const accepted: Readonly<Record<string, ClientMethod>> = {
    'PEM text': mtlsClient({ cert, key }),
    'PEM bytes': mtlsClient({ cert: Buffer.from(cert), key: Buffer.from(key) }),
    'an encrypted key': mtlsClient({ cert, key: encrypted, passphrase: 'open sesame' }),
    'a function for both': mtlsClient(() => ({ cert, key })),
    'an async function for both': mtlsClient(async () => ({ cert, key })),
    'a function for each': mtlsClient({ cert: async () => cert, key: () => key }),
    'a function for one': mtlsClient({
      cert: () => cert,
      key: encrypted,
      passphrase: 'open sesame',
    }),
  };
  for (const [what, method] of Object.entries(accepted)) {
    it(`presents ${what}`, async () => {
      await using there = await mirror();
      const client = clientWith(method, there);
      assert.equal(
        await (await client.fetch(there.origin)).text(),
        credentials.der.toString('base64'),
      );
      await client.close();
    });
  }

  for (const [door, send] of Object.entries(doors)) {
    it(`asks once per connection, so that a renewed certificate is shown, by ${door}`, async () => {
      await using there = await mirror();
      const wallet: TestCertificate[] = [credentials, other];
      let asked = 0;
      const client = clientWith(
        mtlsClient(() => {
          const shown = wallet[asked++]!;
          return { cert: shown.cert, key: shown.key };
        }),
        there,
      );
      for (const { der } of wallet) {
        assert.equal(await send(client, there.origin), der.toString('base64'));
      }
      assert.equal(asked, 2);
      await client.close();
    });

    it(`opens no connection with credentials that do not fit together, by ${door}`, async () => {
      await using there = await mirror();
      const client = clientWith(mtlsClient({ cert: () => cert, key: () => other.key }), there);
      await assert.rejects(send(client, there.origin), {
        name: 'ConfigError',
        path: 'mtlsClient.key',
      });
      assert.equal(there.connections(), 0);
      await client.close();
    });
  }
});
