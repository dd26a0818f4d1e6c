// TLS 1.2 lets a client shake hands again on a live connection, and show another certificate then.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testServer } from '../../src/pki/testing.ts';
import { type Connection, connect } from '../support/connection.ts';
import { assertAccepted, guarded, serverCertificate } from '../support/guarded.ts';
import { alice } from '../support/pki.ts';

const options = { cert: alice.cert, key: alice.key, maxVersion: 'TLSv1.2' } as const;

describe('renegotiation under TLS 1.2', () => {
  it('works with a server that nobody guards, so that the tests below mean something', async () => {
    const { cert, key } = serverCertificate;
    await using site = await testServer((_req, res) => res.end('anything'), { cert, key });
    using connection = await connect(site.port, options);
    assert.equal(await renegotiate(connection), true);
  });

  it('C26: does not, once a connection has been looked at', async () => {
    await using site = await guarded();
    using connection = await connect(site.port, options);
    assertAccepted(site, await connection.send(), 'dns:alice.example');
    assert.equal(await renegotiate(connection), false);
    assert.equal(site.handled.length, 1);
  });

  it('C26: does not, even before the first request, from the second connection on', async () => {
    await using site = await guarded();
    using first = await connect(site.port, options);
    assertAccepted(site, await first.send(), 'dns:alice.example');
    using second = await connect(site.port, options);
    assert.equal(await renegotiate(second), false);
    assert.equal(site.handled.length, 1);
  });
});

/** Whether a second handshake comes about. A server may refuse by saying nothing at all. */
function renegotiate({ socket }: Connection): Promise<boolean> {
  return new Promise((resolve) => {
    const no = (): void => resolve(false);
    socket.once('error', no).once('close', no).setTimeout(1000, no);
    socket.renegotiate({}, (error) => resolve(error === null));
  });
}
