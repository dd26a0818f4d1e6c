// Rows P1 to P9 and P11 of the attack table, where they need no real proxy; those that do are in test/interop.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AuthErrorCode, TrustedProxy } from '../../src/index.ts';
import {
  type BehindProxy,
  type BehindProxyOptions,
  type Handled,
  type Line,
  type SendOptions,
  behindProxy,
} from '../support/behind-proxy.ts';
import type { Received } from '../support/connection.ts';
import { derBase64, pemSpaces, pemUrl, rfc9440 } from '../support/forwarded.ts';
import { assertProblem } from '../support/guarded.ts';
import { alice, authority, bob, impostor } from '../support/pki.ts';

const here = ['127.0.0.1'];
const nginx: TrustedProxy = { preset: 'nginx', addresses: here };
const aliceLine: Line = ['X-SSL-Client-Cert', pemUrl(alice.der)];
const rogue = impostor.issue({ dnsNames: ['alice.example'], usage: 'clientAuth' });

function assertIdentity(site: BehindProxy, answer: Received, subject: string): Handled {
  assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
  const handled = JSON.parse(answer.body) as Handled;
  assert.deepEqual([handled.subject, handled.source], [subject, 'proxy']);
  return handled;
}

function assertRefusal(site: BehindProxy, answer: Received, code: AuthErrorCode): void {
  const event = site.events.refused.at(-1);
  assert.equal(event?.code, code, event?.reason ?? answer.body);
  assertProblem(answer, event.status);
}

/** Requests to a service behind one trusted proxy, each of which must be refused in this way. */
function refuses(
  options: BehindProxyOptions,
  cases: Readonly<
    Record<string, readonly [code: AuthErrorCode, lines: readonly Line[], sent?: SendOptions]>
  >,
): void {
  let site: BehindProxy;
  before(async () => void (site = await behindProxy(options)));
  after(async () => site[Symbol.asyncDispose]());
  for (const [name, [code, lines, sent]] of Object.entries(cases)) {
    it(`refuses ${name}`, async () => {
      assertRefusal(site, await site.send(lines, sent), code);
    });
  }
}

describe('P1 the certificate field from a sender that is no trusted proxy', () => {
  refuses(
    { trustedProxies: [{ ...nginx, verdict: 'x-ssl-client-verify' }] },
    {
      'a good certificate': ['ERR_PROXY_UNTRUSTED', [aliceLine], { localAddress: '127.0.0.2' }],
      'an empty field': [
        'ERR_PROXY_UNTRUSTED',
        [['X-SSL-Client-Cert', '']],
        { localAddress: '127.0.0.2' },
      ],
      'its twin': [
        'ERR_PROXY_UNTRUSTED',
        [['X_SSL_Client_Cert', pemUrl(alice.der)]],
        { localAddress: '127.0.0.2' },
      ],
      'a verdict alone': [
        'ERR_PROXY_UNTRUSTED',
        [['X-SSL-Client-Verify', 'SUCCESS']],
        { localAddress: '127.0.0.2' },
      ],
    },
  );

  it('refuses it also where anonymous peers may pass', async () => {
    await using site = await behindProxy({
      trustedProxies: [nginx],
      policy: { allowAnonymous: true },
    });
    const answer = await site.send([aliceLine], { localAddress: '127.0.0.2' });
    assertRefusal(site, answer, 'ERR_PROXY_UNTRUSTED');
  });

  it('lets one statement speak for no other', async () => {
    const trustedProxies: TrustedProxy[] = [nginx, { preset: 'rfc9440', addresses: ['127.0.0.2'] }];
    await using site = await behindProxy({ trustedProxies });
    const line: Line = ['Client-Cert', rfc9440(alice.der)];
    assertRefusal(site, await site.send([line]), 'ERR_PROXY_UNTRUSTED');
    assertRefusal(
      site,
      await site.send([aliceLine], { localAddress: '127.0.0.2' }),
      'ERR_PROXY_UNTRUSTED',
    );
    assertIdentity(
      site,
      await site.send([line], { localAddress: '127.0.0.2' }),
      'dns:alice.example',
    );
  });
});

describe('P2 addresses', () => {
  for (const name of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'True-Client-IP']) {
    it(`go by the connection, whatever ${name} says`, async () => {
      await using site = await behindProxy({ trustedProxies: [nginx] });
      const answer = await site.send([aliceLine, [name, '127.0.0.1']], {
        localAddress: '127.0.0.2',
      });
      assertRefusal(site, answer, 'ERR_PROXY_UNTRUSTED');
    });
  }

  describe('on a Unix socket', () => {
    let directory: string;
    before(async () => void (directory = await mkdtemp(join(tmpdir(), 'countersign-'))));
    after(async () => rm(directory, { recursive: true }));

    it('are `unix`', async () => {
      const path = join(directory, 'a.sock');
      const trustedProxies: TrustedProxy[] = [{ ...nginx, addresses: ['unix'] }];
      await using site = await behindProxy({ trustedProxies, path });
      assertIdentity(site, await site.send([aliceLine]), 'dns:alice.example');
      assert.equal(site.events.accepted.at(-1)?.request.address, 'unix');
    });

    it('are nobody else', async () => {
      const path = join(directory, 'b.sock');
      await using site = await behindProxy({ trustedProxies: [nginx], path });
      assertRefusal(site, await site.send([aliceLine]), 'ERR_PROXY_UNTRUSTED');
    });
  });

  it('of TCP are not `unix`', async () => {
    const trustedProxies: TrustedProxy[] = [{ ...nginx, addresses: ['unix'] }];
    await using site = await behindProxy({ trustedProxies });
    assertRefusal(site, await site.send([aliceLine]), 'ERR_PROXY_UNTRUSTED');
  });
});

describe('P3 duplicates and twins', () => {
  const value = pemUrl(alice.der);
  const options = { trustedProxies: [{ ...nginx, verdict: 'x-ssl-client-verify' }] };
  const good: Line = ['X-SSL-Client-Verify', 'SUCCESS'];
  refuses(options, {
    'the field twice': ['ERR_REQUEST_MALFORMED', [aliceLine, aliceLine, good]],
    'twice in other cases': [
      'ERR_REQUEST_MALFORMED',
      [aliceLine, ['x-ssl-client-cert', pemUrl(bob.der)], good],
    ],
    'twice, once without a value': [
      'ERR_REQUEST_MALFORMED',
      [['X-SSL-Client-Cert', ''], aliceLine, good],
    ],
    'a twin with underscores': ['ERR_REQUEST_MALFORMED', [['X_SSL_CLIENT_CERT', value], good]],
    'a twin with one underscore beside it': [
      'ERR_REQUEST_MALFORMED',
      [aliceLine, ['X-SSL-Client_Cert', value], good],
    ],
    'a twin with dots': ['ERR_REQUEST_MALFORMED', [['X.SSL.Client.Cert', value], good]],
    'the verdict twice': ['ERR_REQUEST_MALFORMED', [aliceLine, good, good]],
    'a twin of the verdict': [
      'ERR_REQUEST_MALFORMED',
      [aliceLine, ['x_ssl_client_verify', 'NONE']],
    ],
  });

  it('leaves folded lines to Node, which refuses them', async () => {
    await using site = await behindProxy(options);
    const folded = pemUrl(alice.der).replaceAll('%0A', '\r\n\t');
    const answer = await site.send([['X-SSL-Client-Cert', folded], good]);
    assert.equal(answer.status, 400);
  });
});

describe('P4 a proxy that hands over nothing', () => {
  it('speaks for a peer without a certificate', async () => {
    await using site = await behindProxy({ trustedProxies: [nginx] });
    assertRefusal(site, await site.send(), 'ERR_CREDENTIAL_MISSING');
  });

  it('speaks for nobody where anonymous peers may pass', async () => {
    await using site = await behindProxy({
      trustedProxies: [nginx],
      policy: { allowAnonymous: true },
    });
    const answer = await site.send();
    assert.equal(answer.status, 200);
    assert.equal((JSON.parse(answer.body) as Handled).subject, undefined);
  });
});

describe('P5 "no certificate" in the words of proxies', () => {
  const header = 'x-ssl-client-cert';
  for (const [preset, value] of [
    ['nginx', ''],
    ['apache', '(null)'],
    ['apache', ''],
    ['haproxy', ''],
    ['caddy', ''],
    ['caddy', '{http.request.tls.client.certificate_der_base64}'],
    ['rfc9440', '::'],
    ['rfc9440', ''],
  ] as const) {
    it(`is none of ${preset}, as ${JSON.stringify(value)}`, async () => {
      await using site = await behindProxy({
        trustedProxies: [{ preset, addresses: here, header }],
        policy: { allowAnonymous: true },
      });
      const answer = await site.send([[header, value]]);
      assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
      assert.equal((JSON.parse(answer.body) as Handled).subject, undefined);
    });
  }

  for (const [preset, value] of [
    ['nginx', '(null)'],
    ['haproxy', '(null)'],
    ['apache', '{http.request.tls.client.certificate_der_base64}'],
    ['caddy', '{http.request.tls.client.certificate_pem}'],
    ['rfc9440', '(null)'],
    ['envoy', `Hash=${createHash('sha256').digest('hex')}`],
  ] as const) {
    it(`is refused in another proxy's words: ${preset} with ${value}`, async () => {
      const trustedProxies: TrustedProxy[] = [{ preset, addresses: here, header }];
      await using site = await behindProxy({ trustedProxies, policy: { allowAnonymous: true } });
      assertRefusal(site, await site.send([[header, value]]), 'ERR_CERTIFICATE_MALFORMED');
    });
  }
});

describe('P6 verdicts', () => {
  const verdict = 'x-ssl-client-verify';
  const header = 'x-ssl-client-cert';
  const given = {
    nginx: pemUrl(alice.der),
    apache: pemSpaces(alice.der),
    haproxy: derBase64(alice.der),
    google: rfc9440(alice.der),
    cloudflare: derBase64(alice.der),
    'pem-url': pemUrl(alice.der),
  } as const;
  const untrusted = 'ERR_CERTIFICATE_UNTRUSTED';
  const malformed = 'ERR_REQUEST_MALFORMED';
  for (const [preset, said, present, expected] of [
    ['nginx', 'SUCCESS', true, 'accepted'],
    ['nginx', 'FAILED:self-signed certificate', true, untrusted],
    ['nginx', 'NONE', true, untrusted],
    ['nginx', 'success', true, untrusted],
    ['nginx', '', true, untrusted],
    ['nginx', undefined, true, malformed],
    ['nginx', 'NONE', false, 'absent'],
    ['nginx', undefined, false, 'absent'],
    ['nginx', 'SUCCESS', false, malformed],
    ['nginx', 'FAILED:x', false, untrusted],
    ['apache', 'SUCCESS', true, 'accepted'],
    ['apache', 'GENEROUS', true, untrusted],
    ['haproxy', '0', true, 'accepted'],
    ['haproxy', '18', true, untrusted],
    ['haproxy', '0', false, 'absent'],
    ['haproxy', '1 0', true, 'accepted'],
    ['haproxy', '0 0', true, untrusted],
    ['haproxy', '1 18', true, untrusted],
    ['haproxy', '0 0', false, 'absent'],
    ['haproxy', '1 0', false, malformed],
    ['google', 'true', true, 'accepted'],
    ['google', 'false', true, untrusted],
    ['google', 'false', false, 'absent'],
    ['cloudflare', '1', true, 'accepted'],
    ['cloudflare', '0', true, untrusted],
    ['cloudflare', '0', false, 'absent'],
    ['pem-url', 'true', true, 'accepted'],
    ['pem-url', 'valid', true, untrusted],
  ] as const) {
    const words = said === undefined ? 'no verdict' : JSON.stringify(said);
    it(`${preset}: ${words} ${present ? 'with' : 'without'} a certificate`, async () => {
      const trustedProxies: TrustedProxy[] = [{ preset, addresses: here, header, verdict }];
      await using site = await behindProxy({ trustedProxies });
      const lines: Line[] = [];
      if (present) lines.push([header, given[preset]]);
      if (said !== undefined) lines.push([verdict, said]);
      const answer = await site.send(lines);
      if (expected === 'accepted') assertIdentity(site, answer, 'dns:alice.example');
      else assertRefusal(site, answer, expected === 'absent' ? 'ERR_CREDENTIAL_MISSING' : expected);
    });
  }

  it('of a proxy that verified nothing are worth nothing', async () => {
    await using site = await behindProxy({ trustedProxies: [{ ...nginx, verdict }] });
    const lines: Line[] = [
      ['X-SSL-Client-Cert', pemUrl(rogue.der)],
      [verdict, 'SUCCESS'],
    ];
    assertRefusal(site, await site.send(lines), 'ERR_CERTIFICATE_SIGNATURE');
  });
});

describe('P7 XFCC', () => {
  const cert = (der: Uint8Array): string =>
    `Hash=${createHash('sha256').update(der).digest('hex')};Cert="${pemUrl(der)}"`;
  const name = 'x-forwarded-client-cert';
  const envoy: TrustedProxy = { preset: 'envoy', addresses: here, by: 'spiffe://a/proxy' };
  const by = 'By=spiffe://a/proxy';
  const malformed = 'ERR_CERTIFICATE_MALFORMED';

  it('takes the element of its proxy', async () => {
    await using site = await behindProxy({ trustedProxies: [envoy] });
    const value = `${by};${cert(alice.der)};Subject="";URI=urn:a;DNS=alice.example`;
    assertIdentity(site, await site.send([[name, value]]), 'dns:alice.example');
  });

  refuses(
    { trustedProxies: [envoy] },
    {
      'an element that the client wrote before it': [
        malformed,
        [[name, `${by};${cert(bob.der)},${by};${cert(alice.der)}`]],
      ],
      // What Envoy makes of a certificate whose only URI is all that stands behind `URI=`.
      'an element that a name in the certificate makes': [
        malformed,
        [[name, `${by};${cert(rogue.der)};URI=urn:x,${by};${cert(alice.der)}`]],
      ],
      'an element of another proxy': [malformed, [[name, `By=spiffe://a/b;${cert(alice.der)}`]]],
      'an element of nobody': [malformed, [[name, cert(alice.der)]]],
      'a certificate inside a quoted name': [
        malformed,
        [[name, `${by};Subject="x;${cert(alice.der).replaceAll('"', '\\"')}"`]],
      ],
      'a quote that is left open by the client': [
        malformed,
        [[name, `Subject=",${by};${cert(alice.der)}`]],
      ],
      'two certificates': [malformed, [[name, `${by};${cert(alice.der)};${cert(bob.der)}`]]],
      'a stray quote': [malformed, [[name, `${by}";${cert(alice.der)}`]]],
      'too many elements': [malformed, [[name, `${`${by},`.repeat(20)}${by};${cert(alice.der)}`]]],
      'the field in two lines': [
        'ERR_REQUEST_MALFORMED',
        [
          [name, `${by};${cert(bob.der)}`],
          [name, `${by};${cert(alice.der)}`],
        ],
      ],
    },
  );
});

describe('P8 damaged values', () => {
  const damaged = Buffer.from(alice.der);
  damaged[damaged.length - 1]! ^= 1;
  const malformed = 'ERR_CERTIFICATE_MALFORMED';
  const field = (value: string): readonly Line[] => [['X-SSL-Client-Cert', value]];
  const { der: ca } = authority.issue({ subject: 'x', ca: true });
  refuses(
    { trustedProxies: [nginx] },
    {
      'a damaged leaf': ['ERR_CERTIFICATE_SIGNATURE', field(pemUrl(damaged))],
      'a leaf that is none, with a good CA after it': [
        malformed,
        field(pemUrl(Uint8Array.of(1)) + pemUrl(ca)),
      ],
      'two leaves': [malformed, field(pemUrl(alice.der) + pemUrl(bob.der))],
      'junk after the DER': [malformed, field(pemUrl(Buffer.concat([alice.der, Buffer.of(0)])))],
      'pluses that became spaces': [malformed, field(pemUrl(alice.der).replaceAll('%2B', '%20'))],
      'base64 with characters that some readers pass over': [
        malformed,
        field(pemUrl(alice.der).replace('MII', 'M*II')),
      ],
      'what is longer than any certificate': [
        'ERR_FIELD_TOO_LARGE',
        field('A'.repeat(65_537)),
        { start: 'GET /long HTTP/1.1' },
      ],
    },
  );
});
