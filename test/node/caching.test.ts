// RFC 9440 section 2.4: what one client was given must not be another's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrustedProxy } from '../../src/index.ts';
import { behindProxy } from '../support/behind-proxy.ts';
import { pemUrl } from '../support/forwarded.ts';
import { alice } from '../support/pki.ts';

const trustedProxies: TrustedProxy[] = [{ preset: 'nginx', addresses: ['127.0.0.1'] }];

describe('a response to a client behind a trusted proxy', () => {
  for (const [headers, cacheControl, vary] of [
    [{}, 'no-store', undefined],
    [{ 'cache-control': 'no-store' }, 'no-store', undefined],
    [{ 'cache-control': 'private, No-Store' }, 'private, No-Store', undefined],
    [{ 'cache-control': 'max-age=60' }, 'max-age=60', 'x-ssl-client-cert'],
    [{ 'cache-control': 'max-age=60', vary: '' }, 'max-age=60', 'x-ssl-client-cert'],
    [{ 'cache-control': 'max-age=60', vary: 'Accept' }, 'max-age=60', 'Accept, x-ssl-client-cert'],
    [
      { 'cache-control': 'max-age=60', vary: 'X-SSL-Client-Cert' },
      'max-age=60',
      'X-SSL-Client-Cert',
    ],
    [{ 'cache-control': 'max-age=60', vary: '*' }, 'max-age=60', '*'],
    [{ vary: 'Accept' }, 'no-store', 'Accept'],
  ] as const) {
    it(`is kept from caches: ${JSON.stringify(headers)}`, async () => {
      await using site = await behindProxy({
        trustedProxies,
        headers,
        policy: { allowAnonymous: true },
      });
      // Nobody's answer is nobody else's either.
      for (const lines of [[['X-SSL-Client-Cert', pemUrl(alice.der)] as const], []]) {
        const answer = await site.send(lines);
        assert.equal(answer.status, 200);
        assert.deepEqual(
          [answer.headers['cache-control'], answer.headers.vary],
          [cacheControl, vary],
        );
      }
    });
  }

  it('is left alone where no proxy has sent the request', async () => {
    await using site = await behindProxy({ trustedProxies, policy: { allowAnonymous: true } });
    const { headers } = await site.send([], { localAddress: '127.0.0.2' });
    assert.equal(headers['cache-control'], undefined);
  });
});
