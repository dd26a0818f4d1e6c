// RFC 9440 section 2.4: what one client was given must not be another's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type TrustedProxy, createVerifier, mtls } from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { behindProxy } from '../support/behind-proxy.ts';
import { pemUrl } from '../support/forwarded.ts';
import { alice, authority } from '../support/pki.ts';

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
    [{ 'cdn-cache-control': 'max-age=60' }, undefined, 'x-ssl-client-cert'],
    [{ 'cache-control': 'no-store', 'surrogate-control': 'a' }, 'no-store', 'x-ssl-client-cert'],
    [{ 'cache-control': 'x="a, no-store, b"' }, 'x="a, no-store, b"', 'x-ssl-client-cert'],
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

describe('a response whose head others change as it leaves', () => {
  const verifier = createVerifier({
    methods: [mtls({ trustAnchors: authority.cert })],
    trustedProxies,
  });

  /** A middleware that stands before the guard, as compression does, and what it does to heads. */
  async function changed(change: (response: ServerResponse) => void): Promise<Response> {
    const server = createServer((request, response) => {
      const { writeHead } = response;
      response.writeHead = (...args: readonly unknown[]) => {
        change(response);
        return writeHead.apply(response, args as [number]);
      };
      void guard(verifier, request, response).then((decision) => {
        if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
        response.setHeader('cache-control', 'max-age=60');
        response.end('x');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const headers = { 'x-ssl-client-cert': pemUrl(alice.der), connection: 'close' };
      const { port } = server.address() as AddressInfo;
      return await fetch(`http://127.0.0.1:${port}/`, { headers });
    } finally {
      server.close();
    }
  }

  it('leaves where that is still kept from caches', async () => {
    const answer = await changed((response) => {
      response.setHeader('x-time', '1');
      response.setHeader('vary', `${String(response.getHeader('vary'))}, Accept-Encoding`);
    });
    assert.equal(answer.headers.get('vary'), 'x-ssl-client-cert, Accept-Encoding');
  });

  it('does not where it is not', async () => {
    await assert.rejects(changed((response) => response.setHeader('vary', 'Accept-Encoding')));
  });
});
