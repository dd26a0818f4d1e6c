// Row P10 of the attack table: a proxy that is known by its signature.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { AuthErrorCode, TrustedProxy } from '../../src/index.ts';
import type { SignatureParameters } from '../../src/http/message-signatures/parameters.ts';
import { signMessage } from '../../src/http/message-signatures/sign.ts';
import { ProxySignature } from '../../src/proxies/proxy-signature.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import { type Handled, type Line, behindProxy } from '../support/behind-proxy.ts';
import { authError, configError } from '../support/errors.ts';
import { fakeExchange } from '../support/exchange.ts';
import { rfc9440 } from '../support/forwarded.ts';
import { alice, bob } from '../support/pki.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signature = { keys: [{ keyId: 'proxy', key: publicKey }] };
const trustedProxies: TrustedProxy[] = [{ preset: 'rfc9440', signature, verdict: 'x-verified' }];
const target = ['@method', '@authority', '@path', '@query'];
const whole = [...target, 'client-cert', 'x-verified'];
const good: Readonly<Record<string, string>> = {
  'client-cert': rfc9440(alice.der),
  'x-verified': 'true',
};

interface Signing {
  readonly fields?: Readonly<Record<string, string>>;
  readonly components?: readonly string[];
  readonly parameters?: SignatureParameters;
  readonly key?: typeof privateKey;
  readonly label?: string;
  readonly path?: string;
  /** A parameter to leave out. */
  readonly left?: string;
}

/** The header lines of a proxy that signs them. */
function signed(signing: Signing = {}): readonly Line[] {
  const { fields = good, components = whole, key = privateKey, label = 'ttrp' } = signing;
  const parameters = {
    created: Math.floor(Date.now() / 1000),
    keyid: 'proxy',
    nonce: randomBytes(16).toString('hex'),
    ...signing.parameters,
  };
  const given = Object.fromEntries(
    Object.entries(parameters).filter(([name]) => name !== signing.left),
  );
  const url = `https://api.example${signing.path ?? '/'}`;
  const own = signMessage(
    { method: 'GET', url, headers: fields },
    { components, parameters: given, label, signer: { key, algorithm: 'ed25519' } },
  );
  return Object.entries({ ...fields, ...own });
}

const changed = (lines: readonly Line[], name: string, value: string): readonly Line[] =>
  lines.map(([given, before]) => [given, given === name ? value : before]);

describe('P10 a proxy that signs its fields', () => {
  it('is believed, wherever the request comes from', async () => {
    await using site = await behindProxy({ trustedProxies });
    for (const localAddress of ['127.0.0.1', '127.0.0.2']) {
      const answer = await site.send(signed(), { localAddress });
      assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
      assert.equal((JSON.parse(answer.body) as Handled).subject, 'dns:alice.example');
    }
  });

  it('signs also that there is no certificate', async () => {
    await using site = await behindProxy({ trustedProxies });
    const lines = signed({
      fields: { 'x-verified': 'false' },
      components: [...target, 'x-verified'],
    });
    assert.equal((await site.send(lines)).status, 403);
    assert.equal(site.events.refused.at(-1)?.code, 'ERR_CREDENTIAL_MISSING');
  });

  const other = generateKeyPairSync('ed25519').privateKey;
  const rows: Readonly<Record<string, readonly [AuthErrorCode, () => readonly Line[]]>> = {
    'no signature': ['ERR_PROXY_UNTRUSTED', () => Object.entries(good)],
    'a signature under another label': ['ERR_PROXY_UNTRUSTED', () => signed({ label: 'sig' })],
    'a label that ends in its own': ['ERR_PROXY_UNTRUSTED', () => signed({ label: 'x-ttrp' })],
    'a signature that does not cover the certificate': [
      'ERR_SIGNATURE_COVERAGE',
      () => signed({ components: [...target, 'x-verified'] }),
    ],
    'a signature that does not cover the verdict': [
      'ERR_SIGNATURE_COVERAGE',
      () => signed({ components: [...target, 'client-cert'] }),
    ],
    'a signature that does not cover where it goes': [
      'ERR_SIGNATURE_COVERAGE',
      () => signed({ components: ['client-cert', 'x-verified', ...target.slice(1)] }),
    ],
    'another certificate': [
      'ERR_SIGNATURE_INVALID',
      () => changed(signed(), 'client-cert', rfc9440(bob.der)),
    ],
    'a second certificate': [
      'ERR_SIGNATURE_INVALID',
      () => [...signed(), ['client-cert', rfc9440(bob.der)]],
    ],
    'another verdict': ['ERR_SIGNATURE_INVALID', () => changed(signed(), 'x-verified', '1')],
    'another path': ['ERR_SIGNATURE_INVALID', () => signed({ path: '/other' })],
    'another key': ['ERR_SIGNATURE_INVALID', () => signed({ key: other })],
    'a key that nobody knows': ['ERR_KEY_UNKNOWN', () => signed({ parameters: { keyid: 'x' } })],
    'a signature from an hour ago': [
      'ERR_SIGNATURE_STALE',
      () => signed({ parameters: { created: Math.floor(Date.now() / 1000) - 3600 } }),
    ],
    'a twin beside it': [
      'ERR_REQUEST_MALFORMED',
      () => [...signed(), ['client_cert', rfc9440(bob.der)]],
    ],
    'a chain that is not signed': [
      'ERR_SIGNATURE_COVERAGE',
      () => [...signed(), ['client-cert-chain', rfc9440(bob.der)]],
    ],
  };
  for (const [name, [code, lines]] of Object.entries(rows)) {
    it(`is not believed: ${name}`, async () => {
      await using site = await behindProxy({ trustedProxies, policy: { allowAnonymous: true } });
      const answer = await site.send(lines());
      assert.notEqual(answer.status, 200);
      assert.equal(site.events.refused.at(-1)?.code, code, site.events.refused.at(-1)?.reason);
    });
  }

  it('is believed once', async () => {
    await using site = await behindProxy({ trustedProxies });
    const lines = signed();
    assert.equal((await site.send(lines)).status, 200);
    assert.equal((await site.send(lines)).status, 403);
    assert.equal(site.events.refused.at(-1)?.code, 'ERR_REPLAYED');
  });

  it('is believed by the time at which its nonce is spent, not at which the head came', () => {
    const now = new Date(Date.now() - 100_000);
    const parameters = { created: Math.floor(now.getTime() / 1000) };
    const fields = Object.fromEntries(signed({ fields: {}, components: target, parameters }));
    const exchange = fakeExchange({ now, fields });
    assert.throws(
      () => new ProxySignature('s', signature).hasSigned(exchange, [], [], memoryStore()),
      authError('ERR_SIGNATURE_STALE', /it ended/),
    );
  });

  it('says when, and something that it says once', async () => {
    await using site = await behindProxy({ trustedProxies });
    for (const left of ['created', 'nonce']) {
      assert.equal((await site.send(signed({ left }))).status, 400);
      assert.equal(site.events.refused.at(-1)?.code, 'ERR_SIGNATURE_MALFORMED');
    }
  });

  const key = { keyId: 'a', key: publicKey };
  for (const [path, options] of [
    ['s.keys', {}],
    ['s.keys', { keys: [] }],
    ['s.keys[0].keyId', { keys: [{ key: publicKey }] }],
    ['s.keys[1].keyId', { keys: [key, key] }],
    ['s.keys[0].key', { keys: [{ keyId: 'a', key: 'x' }] }],
    ['s.label', { keys: [key], label: 'A' }],
    ['s.lifetime', { keys: [key], lifetime: 0 }],
    ['s.clockTolerance', { keys: [key], clockTolerance: -1 }],
    ['s.lable', { keys: [key], lable: 'a' }],
  ] as const) {
    it(`cannot be stated without sense: ${path}`, () => {
      assert.throws(() => new ProxySignature('s', options), configError(path));
    });
  }
});
