import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange, TrustedProxy } from '../../src/index.ts';
import { createVerifier, mtls } from '../../src/index.ts';
import { type Line, behindProxy } from '../support/behind-proxy.ts';
import { fakeExchange } from '../support/exchange.ts';
import { pemUrl } from '../support/forwarded.ts';
import { alice, authority } from '../support/pki.ts';

const nginx: TrustedProxy = { preset: 'nginx', addresses: ['127.0.0.1'] };
const aliceLine: Line = ['X-SSL-Client-Cert', pemUrl(alice.der)];

/** The request as methods and policies see it. */
async function seen(
  options: Partial<TrustedProxy>,
  lines: readonly Line[],
  host?: string,
): Promise<{ readonly exchange?: Exchange; readonly status: number; readonly reason?: string }> {
  let exchange: Exchange | undefined;
  await using site = await behindProxy({
    trustedProxies: [{ ...nginx, ...options }],
    policy: { authorize: (_, given) => ((exchange = given), true) },
  });
  const answer = await site.send([aliceLine, ...lines], host === undefined ? {} : { host });
  const reason = site.events.refused.at(-1)?.reason;
  return {
    status: answer.status,
    ...(exchange === undefined ? {} : { exchange }),
    ...(reason === undefined ? {} : { reason }),
  };
}

describe('a request behind a trusted proxy', () => {
  it('has come over TLS, to the host that it names, and not over the connection of the proxy', async () => {
    const { exchange } = await seen({}, [], 'API.example:443');
    assert.equal(exchange?.scheme, 'https');
    assert.equal(exchange.authority, 'api.example');
    assert.equal(exchange.peer.tls, undefined);
    assert.equal(exchange.peer.forwarded?.field, 'x-ssl-client-cert');
    assert.deepEqual(exchange.peer.forwarded.certificate?.certificate, Buffer.from(alice.der));
    assert.equal(exchange.field('x-ssl-client-cert'), undefined);
  });

  it('has come to the origin that clients see, where that was said', async () => {
    const publicOrigin = 'https://api.bank.example:8443';
    const { exchange } = await seen({ publicOrigin }, [], 'backend.internal');
    assert.equal(exchange?.authority, 'api.bank.example:8443');
    assert.equal(exchange.scheme, 'https');
  });

  it('names one authority, also where another counts', async () => {
    await using site = await behindProxy({
      trustedProxies: [{ ...nginx, publicOrigin: 'https://api.bank.example' }],
    });
    const answer = await site.send([aliceLine], { start: 'GET http://other.example/ HTTP/1.1' });
    assert.equal(answer.status, 400);
  });

  it('goes by that origin where authorities are given', async () => {
    for (const [publicOrigin, status] of [
      ['https://api.bank.example', 200],
      ['https://other.example', 421],
    ] as const) {
      const methods = [mtls({ trustAnchors: authority.cert })];
      const authorities = ['https://api.bank.example'];
      const verifier = createVerifier({
        methods,
        authorities,
        trustedProxies: [{ ...nginx, publicOrigin }],
      });
      const decision = await verifier.decide(
        fakeExchange({
          authority: 'backend.internal',
          peer: { address: '127.0.0.1' },
          taken: [aliceLine],
          now: new Date(),
        }),
      );
      assert.equal(decision.outcome === 'refused' ? decision.error.status : 200, status);
    }
  });

  it('is no cross-site one where the page is of the same https origin', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    const start = 'POST / HTTP/1.1';
    for (const [origin, status] of [
      ['https://api.example', 200],
      ['http://api.example', 403],
      ['https://other.example', 403],
    ] as const) {
      const answer = await site.send([aliceLine, ['Origin', origin]], { start });
      assert.equal(answer.status, status);
    }
  });

  it('comes from the proxy where nothing says where its client is', async () => {
    const { exchange } = await seen({}, [['X-Forwarded-For', '192.0.2.1']]);
    assert.equal(exchange?.peer.address, '127.0.0.1');
  });

  const clientAddress = 'X-Forwarded-For';
  for (const [value, hops, address] of [
    ['192.0.2.1', 1, '192.0.2.1'],
    ['198.51.100.9, 192.0.2.1', 1, '192.0.2.1'],
    ['198.51.100.9, 192.0.2.1 , 10.0.0.1', 2, '192.0.2.1'],
    ['junk, 192.0.2.1', 1, '192.0.2.1'],
    ['192.0.2.1:5678', 1, '192.0.2.1'],
    ['[2001:DB8::1]:5678', 1, '2001:db8::1'],
    ['2001:db8:0::1', 1, '2001:db8::1'],
    ['::ffff:192.0.2.1', 1, '192.0.2.1'],
  ] as const) {
    it(`comes from ${address}: "${value}" over ${hops}`, async () => {
      const { exchange } = await seen({ clientAddress, hops }, [['X-Forwarded-For', value]]);
      assert.equal(exchange?.peer.address, address);
    });
  }

  it('reads several lines as one', async () => {
    const lines: Line[] = [
      ['X-Forwarded-For', '198.51.100.9'],
      ['X-Forwarded-For', '192.0.2.1'],
    ];
    const { exchange } = await seen({ clientAddress }, lines);
    assert.equal(exchange?.peer.address, '192.0.2.1');
  });

  for (const [name, lines, hops] of [
    ['nowhere', [], 1],
    ['fewer hops than there are', [['X-Forwarded-For', '192.0.2.1']], 2],
    ['no address', [['X-Forwarded-For', 'unknown']], 1],
    ['an address with more behind it', [['X-Forwarded-For', '192.0.2.1 x']], 1],
    ['an address in half a bracket', [['X-Forwarded-For', '[::1']], 1],
    ['an empty entry', [['X-Forwarded-For', '192.0.2.1,']], 1],
  ] as const) {
    it(`cannot come from ${name}`, async () => {
      const { status, reason } = await seen({ clientAddress, hops }, lines);
      assert.equal(status, 400);
      assert.match(reason ?? '', /holds no address/);
    });
  }
});

describe('a request that no proxy sent', () => {
  it('is what it was', async () => {
    const verifier = createVerifier({
      methods: [mtls({ trustAnchors: authority.cert })],
      trustedProxies: [nginx],
      policy: { allowAnonymous: true },
    });
    const origin = fakeExchange({ scheme: 'http', peer: { address: '192.0.2.9' } });
    const view = verifier.seen(origin);
    assert.equal((await verifier.decide(origin)).outcome, 'accepted');
    assert.equal(verifier.seen(origin), view);
    for (const name of [
      'method',
      'target',
      'scheme',
      'authority',
      'upgrade',
      'peer',
      'now',
    ] as const) {
      assert.equal(view[name], origin[name]);
    }
    assert.equal(view.content, origin.content);
  });

  it('remembers under each verifier for itself', async () => {
    const method = mtls({ trustAnchors: authority.cert });
    const trusting = createVerifier({ methods: [method], trustedProxies: [nginx] });
    const plain = createVerifier({ methods: [method] });
    const other = createVerifier({
      methods: [method],
      trustedProxies: [{ ...nginx, addresses: ['10.0.0.1'] }],
    });
    const exchange = fakeExchange({
      peer: { address: '127.0.0.1' },
      taken: [aliceLine],
      now: new Date(),
    });
    const outcomes = [];
    for (const verifier of [trusting, plain, other, trusting]) {
      outcomes.push((await verifier.decide(exchange)).outcome);
    }
    assert.deepEqual(outcomes, ['accepted', 'refused', 'refused', 'accepted']);
  });
});
