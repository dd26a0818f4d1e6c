// What becomes of the fields of trusted proxies, of everybody else's, and of those whom a proxy speaks for.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Agent, createServer as createPlainServer, get } from 'node:http';
import { createServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import {
  type Identity,
  type TrustedProxy,
  type Verifier,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { guard, prepare, respond } from '../../src/node/index.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { type Handled, type Line, behindProxy } from '../support/behind-proxy.ts';
import { sendOnce } from '../support/connection.ts';
import { recordEvents } from '../support/events.ts';
import { derBase64, pemUrl, rfc9440 } from '../support/forwarded.ts';
import { serverCertificate } from '../support/guarded.ts';
import { alice, authority, bob, day } from '../support/pki.ts';

const sha256 = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
const here = ['127.0.0.1'];
const nginx: TrustedProxy = { preset: 'nginx', addresses: here };
const aliceLine: Line = ['X-SSL-Client-Cert', pemUrl(alice.der)];
const middle = authority.intermediate();
const below = middle.issue({ dnsNames: ['below.example'], usage: 'clientAuth' });

describe('P8 the certificate itself', () => {
  for (const [name, options, code] of [
    ['expired', { notAfter: new Date(Date.now() - 1000) }, 'ERR_CERTIFICATE_EXPIRED'],
    ['not yet valid', { notBefore: new Date(Date.now() + day) }, 'ERR_CERTIFICATE_NOT_YET_VALID'],
    ["a server's", { usage: 'serverAuth' }, 'ERR_CERTIFICATE_USAGE'],
  ] as const) {
    it(`is refused where it is ${name}`, async () => {
      await using site = await behindProxy({ trustedProxies: [nginx] });
      const { der } = authority.issue({ dnsNames: ['x.example'], ...options });
      for (const _ of ['at first', 'again']) {
        const answer = await site.send([['X-SSL-Client-Cert', pemUrl(der)]]);
        assert.equal(answer.status, 403);
        assert.equal(site.events.refused.at(-1)?.code, code);
      }
    });
  }

  it('is refused once it has ended, though it was accepted before', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    const notAfter = new Date(Math.ceil(Date.now() / 1000 + 1) * 1000);
    const { der } = authority.issue({ dnsNames: ['x.example'], usage: 'clientAuth', notAfter });
    const line: Line = ['X-SSL-Client-Cert', pemUrl(der)];
    assert.equal((await site.send([line])).status, 200);
    await new Promise((resolve) => setTimeout(resolve, notAfter.getTime() - Date.now() + 50));
    assert.equal((await site.send([line])).status, 403);
    assert.match(site.events.refused.at(-1)?.code ?? '', /_EXPIRED$/);
  });

  it('counts byte by byte, and names are taken from it alone', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    const x5tS256 = createHash('sha256').update(bob.der).digest('base64url');
    const answer = await site.send([
      ['X-SSL-Client-Cert', pemUrl(bob.der)],
      ['X-SSL-Client-S-DN', 'CN=alice'],
    ]);
    const handled = JSON.parse(answer.body) as Handled;
    assert.deepEqual([handled.subject, handled.x5tS256], ['dns:bob.example', x5tS256]);
  });
});

describe('P9 chains', () => {
  const leaf: Line = ['Client-Cert', rfc9440(below.der)];
  const chain: Line = ['Client-Cert-Chain', rfc9440(middle.der)];
  const own: TrustedProxy = { preset: 'rfc9440', addresses: here };

  it('build the path', async () => {
    await using site = await behindProxy({ trustedProxies: [own] });
    assert.equal((await site.send([leaf])).status, 403);
    assert.equal(site.events.refused.at(-1)?.code, 'ERR_CERTIFICATE_UNTRUSTED');
    const answer = await site.send([leaf, chain]);
    assert.equal((JSON.parse(answer.body) as Handled).subject, 'dns:below.example');
  });

  it('of RFC 9440 may come in several lines', async () => {
    await using site = await behindProxy({ trustedProxies: [own] });
    const other: Line = ['Client-Cert-Chain', rfc9440(authority.der)];
    assert.equal((await site.send([leaf, other, chain])).status, 200);
  });

  it('are no certificate', async () => {
    await using site = await behindProxy({ trustedProxies: [own] });
    for (const lines of [[chain], [chain, ['Client-Cert', '::']]] as readonly Line[][]) {
      assert.equal((await site.send(lines)).status, 400);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_REQUEST_MALFORMED');
    }
  });

  it('are none beside no certificate, as some proxies write both', async () => {
    await using site = await behindProxy({
      trustedProxies: [own],
      policy: { allowAnonymous: true },
    });
    for (const value of ['', '::']) {
      const answer = await site.send([
        ['Client-Cert', '::'],
        ['Client-Cert-Chain', value],
      ]);
      assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
    }
  });

  it('vouch for nobody', async () => {
    await using site = await behindProxy({ trustedProxies: [own] });
    const lines: Line[] = [
      ['Client-Cert', rfc9440(middle.der)],
      ['Client-Cert-Chain', rfc9440(below.der)],
    ];
    assert.equal((await site.send(lines)).status, 403);
  });

  const joined = Buffer.concat([middle.der, authority.der]);
  for (const [statement, lines] of [
    [
      { preset: 'haproxy', header: 'x-leaf', chain: 'x-chain' },
      [
        ['X-Leaf', derBase64(below.der)],
        ['X-Chain', derBase64(joined)],
      ],
    ],
    [
      { preset: 'apache', header: 'x-leaf', chain: ['x-chain-0', 'x-chain-1'] },
      [
        ['X-Leaf', pemUrl(below.der)],
        ['X-Chain-0', pemUrl(middle.der)],
        ['X-Chain-1', '(null)'],
      ],
    ],
    [
      { preset: 'traefik' },
      [
        [
          'X-Forwarded-Tls-Client-Cert',
          encodeURIComponent([below.der, middle.der].map(derBase64).join()),
        ],
      ],
    ],
    [
      { preset: 'aws-alb-passthrough' },
      [['X-Amzn-Mtls-Clientcert', pemUrl(below.der) + pemUrl(middle.der)]],
    ],
    [
      { preset: 'envoy' },
      [
        [
          'X-Forwarded-Client-Cert',
          `Hash=${sha256(below.der)};Cert="${pemUrl(below.der)}";Chain="${pemUrl(below.der)}${pemUrl(middle.der)}"`,
        ],
      ],
    ],
  ] as readonly (readonly [Omit<TrustedProxy, 'addresses'>, readonly Line[]])[]) {
    it(`of ${statement.preset} build the path`, async () => {
      await using site = await behindProxy({ trustedProxies: [{ ...statement, addresses: here }] });
      const answer = await site.send(lines);
      assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
      assert.equal((JSON.parse(answer.body) as Handled).subject, 'dns:below.example');
    });
  }

  it('are bounded', async () => {
    await using site = await behindProxy({ trustedProxies: [own] });
    const many = Array<string>(11).fill(rfc9440(middle.der)).join(', ');
    assert.equal((await site.send([leaf, ['Client-Cert-Chain', many]])).status, 400);
    assert.equal(site.events.refused.at(-1)?.code, 'ERR_CERTIFICATE_MALFORMED');
  });
});

describe('P11 fields named in Connection', () => {
  for (const value of [
    'x-ssl-client-cert',
    'close, X-SSL-Client-Cert',
    'X_SSL_Client_Cert',
    'Client-Cert',
  ]) {
    it(`refuse the request: ${value}`, async () => {
      await using site = await behindProxy({ trustedProxies: [nginx] });
      const answer = await site.send([aliceLine, ['Connection', value]]);
      assert.equal(answer.status, 400);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_REQUEST_MALFORMED');
    });
  }
});

describe('certificate fields', () => {
  const others: readonly Line[] = [
    ['X-Forwarded-Client-Cert', 'By=a'],
    ['X_ARR_ClientCert', 'x'],
    ['ssl-client-subject-dn', 'CN=admin'],
  ];

  it('are gone from all that the handler sees, and the other fields are there', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    const answer = await site.send([['A', '1'], aliceLine, ...others, ['B', '2'], ['B', '3']]);
    const { names } = JSON.parse(answer.body) as Handled;
    assert.deepEqual(names, [
      ['host', 'connection', 'a', 'b'],
      ['Host', 'Connection', 'A', 'B', 'B'],
      ['host', 'connection', 'a', 'b'],
    ]);
  });

  it('of proxies that are not ours are removed with an event, whoever sends them', async () => {
    await using site = await behindProxy({
      trustedProxies: [nginx],
      policy: { allowAnonymous: true },
    });
    for (const localAddress of ['127.0.0.1', '127.0.0.2']) {
      const answer = await site.send(others, { localAddress });
      assert.deepEqual((JSON.parse(answer.body) as Handled).names[0], ['host', 'connection']);
      assert.deepEqual(
        site.events['field-removed']
          .splice(0)
          .map(({ field, request }) => [field, request.address]),
        [
          ['x-forwarded-client-cert', localAddress],
          ['x_arr_clientcert', localAddress],
          ['ssl-client-subject-dn', localAddress],
        ],
      );
    }
  });

  it('of one name are removed with one event', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    await site.send(Array.from({ length: 50 }, (): Line => ['cf-cert-x', 'y']));
    assert.deepEqual(
      site.events['field-removed'].map(({ field }) => field),
      ['cf-cert-x'],
    );
  });

  it('are gone before anybody decides, also where the request is refused', async () => {
    const verifier = createVerifier({ methods: [mtls({ trustAnchors })], trustedProxies: [nginx] });
    const refused: unknown[] = [];
    const server = createPlainServer((incoming, response) => {
      if (incoming.url === '/prepared') prepare(verifier, incoming, response);
      else void guard(verifier, incoming, response).then(({ outcome }) => refused.push(outcome));
      response.end(Object.keys(incoming.headers).join());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const path of ['/prepared', '/refused']) {
      const headers = { connection: 'client-cert', 'client-cert': 'x' };
      const [incoming] = await once(get({ port, path, headers, host: '127.0.0.1' }), 'response');
      let text = '';
      for await (const chunk of incoming) text += chunk;
      assert.equal(text, 'connection,host');
    }
    assert.deepEqual(refused, ['refused']);
    server.closeAllConnections();
    server.close();
  });

  it('are all there, or the request is refused', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    const filler = Array.from({ length: 1_000 }, (): Line => ['a', 'b']);
    const answer = await site.send([...filler, aliceLine]);
    assert.equal(answer.status, 431);
    // From 22 on Node refuses it itself; before, it drops what is too much.
    const [refusal] = site.events.refused;
    assert.equal(refusal?.code ?? 'ERR_FIELD_TOO_LARGE', 'ERR_FIELD_TOO_LARGE');
    site.server.maxHeadersCount = 0;
    assert.equal((await site.send([...filler, aliceLine])).status, 200);
    site.server.maxHeadersCount = 4;
    assert.equal((await site.send([aliceLine, ['A', 'b']])).status, 431);
  });

  it('stay out of events', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    await site.send([aliceLine]);
    await site.send([['X-SSL-Client-Cert', `${pemUrl(alice.der)}x`]]);
    await site.send([aliceLine, aliceLine]);
    await site.send([aliceLine], { localAddress: '127.0.0.2' });
    const text = JSON.stringify(site.events, (_, value: unknown) =>
      value instanceof Error ? [value.message, value.stack] : value,
    );
    assert.doesNotMatch(text, /MII/);
  });

  it('are left alone where no proxy is trusted', async () => {
    const events = recordEvents();
    await using site = await direct(createVerifier({ methods: [mtls({ trustAnchors })] }));
    const answer = await sendOnce(site.port, alice, { headers: { 'client-cert': 'x' } });
    assert.equal(site.seen.at(-1)?.['client-cert'], 'x');
    assert.equal(answer.status, 200);
    assert.equal(events['field-removed'].length, 0);
    events[Symbol.dispose]();
  });
});

describe('one connection of a proxy', () => {
  it('carries the requests of many, each for itself', async () => {
    await using site = await behindProxy({
      trustedProxies: [nginx],
      policy: { allowAnonymous: true },
    });
    const { port } = site.server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const peers = [alice, bob, undefined];
    const connections = new Set<unknown>();
    for (let i = 0; i < 30; i++) {
      const peer = peers[(i * 7) % 3];
      const headers = peer === undefined ? {} : { 'x-ssl-client-cert': pemUrl(peer.der) };
      const outgoing = get({ host: '127.0.0.1', port, agent, headers });
      const [incoming] = await once(outgoing, 'response');
      connections.add(incoming.socket);
      let text = '';
      for await (const chunk of incoming) text += chunk;
      const subject = { 0: 'dns:alice.example', 1: 'dns:bob.example', 2: undefined }[(i * 7) % 3];
      assert.equal((JSON.parse(text) as Handled).subject, subject);
    }
    agent.destroy();
    assert.equal(connections.size, 1);
  });
});

const trustAnchors = authority.cert;

interface Direct {
  readonly port: number;
  readonly seen: Record<string, unknown>[];
  readonly identities: (Identity | undefined)[];
}

/** A service that ends TLS itself. */
async function direct(verifier: Verifier): Promise<Direct & AsyncDisposable> {
  const seen: Record<string, unknown>[] = [];
  const identities: (Identity | undefined)[] = [];
  const { cert, key } = serverCertificate;
  const tls = { cert, key, requestCert: true, rejectUnauthorized: false };
  const server = createServer(tls, (request, response) => {
    void guard(verifier, request, response).then((decision) => {
      if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
      seen.push({ ...request.headers });
      identities.push(decision.identity);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    seen,
    identities,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('P1 a proxy that is known by its own certificate', () => {
  const proxy = authority.issue({ dnsNames: ['proxy.example'], usage: 'clientAuth' });
  const verifierFor = (): Verifier =>
    createVerifier({
      methods: [mtls({ trustAnchors })],
      trustedProxies: [{ preset: 'rfc9440', peer: { dnsName: 'proxy.example' } }],
    });
  const headers = { 'client-cert': rfc9440(bob.der), host: 'api.example' };

  it('speaks for its client, whatever server name it asked for', async () => {
    await using site = await direct(verifierFor());
    assert.equal((await sendOnce(site.port, proxy, { headers })).status, 200);
    assert.equal(site.identities.at(-1)?.subject, 'dns:bob.example');
    assert.equal(site.identities.at(-1)?.evidence.mtls?.source, 'proxy');
  });

  it('is not its client', async () => {
    await using site = await direct(verifierFor());
    using events = recordEvents();
    assert.equal((await sendOnce(site.port, proxy)).status, 403);
    assert.equal(events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
  });

  it('is nobody else, with a certificate or without', async () => {
    await using site = await direct(verifierFor());
    using events = recordEvents();
    for (const peer of [alice, {}]) {
      assert.equal((await sendOnce(site.port, peer, { headers })).status, 403);
      assert.equal(events.refused.at(-1)?.code, 'ERR_PROXY_UNTRUSTED');
    }
  });

  it('leaves those alone who come themselves', async () => {
    await using site = await direct(verifierFor());
    assert.equal((await sendOnce(site.port, alice)).status, 200);
    const { subject, evidence } = site.identities.at(-1)!;
    assert.deepEqual([subject, evidence.mtls?.source], ['dns:alice.example', 'tls']);
  });

  it('must be vouched for', async () => {
    await using site = await direct(verifierFor());
    using events = recordEvents();
    const other = testAuthority().issue({ dnsNames: ['proxy.example'], usage: 'clientAuth' });
    assert.equal((await sendOnce(site.port, other, { headers })).status, 403);
    assert.equal(events.refused.at(-1)?.code, 'ERR_CERTIFICATE_UNTRUSTED');
    const expired = authority.issue({
      dnsNames: ['proxy.example'],
      usage: 'clientAuth',
      notAfter: new Date(Date.now() - 1000),
    });
    assert.equal((await sendOnce(site.port, expired, { headers })).status, 403);
    assert.equal(events.refused.at(-1)?.code, 'ERR_CERTIFICATE_EXPIRED');
  });

  it('may be named by address beside others', async () => {
    const verifier = createVerifier({
      methods: [mtls({ trustAnchors })],
      trustedProxies: [
        { preset: 'nginx', peer: { dnsName: 'proxy.example' } },
        { preset: 'rfc9440', addresses: here },
      ],
    });
    await using site = await direct(verifier);
    assert.equal((await sendOnce(site.port, {}, { headers })).status, 200);
    assert.equal((await sendOnce(site.port, proxy, { headers })).status, 200);
    const nginxHeaders = { 'x-ssl-client-cert': pemUrl(alice.der) };
    assert.equal((await sendOnce(site.port, proxy, { headers: nginxHeaders })).status, 200);
    assert.equal(site.identities.at(-1)?.subject, 'dns:alice.example');
    // Two fields of one sender: whose word is it?
    using events = recordEvents();
    const both = { ...headers, ...nginxHeaders };
    assert.equal((await sendOnce(site.port, proxy, { headers: both })).status, 400);
    assert.equal(events.refused.at(-1)?.code, 'ERR_REQUEST_MALFORMED');
  });
});
