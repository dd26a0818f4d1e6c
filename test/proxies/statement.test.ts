import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVerifier, mtls } from '../../src/index.ts';
import { checkStatement } from '../../src/proxies/statement.ts';
import { presets } from '../../src/proxies/presets.ts';
import { configError } from '../support/errors.ts';
import { fakeMethod } from '../support/method.ts';
import { authority } from '../support/pki.ts';

const addresses = ['10.0.3.7'];
const check = (options: object) => checkStatement('p', options);

describe('a statement about a proxy', () => {
  it('is complete with a preset and a sender', () => {
    const { fields, hops, by, clientAddress, publicOrigin } = check({
      preset: 'ingress-nginx',
      addresses,
    });
    assert.deepEqual(
      { fields, hops, by, clientAddress, publicOrigin },
      {
        fields: ['ssl-client-cert', 'ssl-client-verify'].map((name) => ({ name, spelling: name })),
        hops: 1,
        by: undefined,
        clientAddress: undefined,
        publicOrigin: undefined,
      },
    );
  });

  it('names its fields in lower case, in place of those of the preset', () => {
    const statement = check({
      preset: 'rfc9440',
      addresses,
      header: 'X-Cert',
      chain: ['X-Chain'],
      verdict: 'SSL_CLIENT_VERIFY',
    });
    assert.deepEqual(
      statement.fields.map(({ name }) => name),
      ['x-cert', 'x-chain', 'ssl_client_verify'],
    );
    assert.deepEqual(
      check({ preset: 'rfc9440', addresses }).chain.map(({ name }) => name),
      ['client-cert-chain'],
    );
  });

  for (const preset of Object.keys(presets)) {
    it(`can be made for ${preset}`, () => {
      const { header } = presets[preset as keyof typeof presets];
      const needed = header === undefined ? { header: 'x-cert' } : {};
      assert.equal(check({ preset, addresses, ...needed }).header.name, header ?? 'x-cert');
      if (header === undefined) {
        assert.throws(() => check({ preset, addresses }), configError('p.header', /must name/));
      }
    });
  }

  const wrong: readonly (readonly [path: string, options: object, message: RegExp])[] = [
    ['p', { preset: 'nginx' }, /in one way: `addresses`, `peer` or `signature`/],
    [
      'p',
      { preset: 'nginx', addresses, peer: { dnsName: 'a' } },
      /in one way: `addresses`, `peer` or `signature`/,
    ],
    ['p.preset', { addresses }, /must name a proxy/],
    ['p.preset', { preset: 'ngnix', addresses }, /Did you mean `nginx`/],
    ['p.preset', { preset: 'constructor', addresses }, /must name a proxy/],
    ['p.addresses', { preset: 'nginx', addresses: undefined }, /is undefined/],
    ['p.addresses[0]', { preset: 'nginx', addresses: ['0.0.0.0/0'] }, /everybody/],
    ['p.peer', { preset: 'nginx', peer: {} }, /without fields/],
    ['p.peer.dnsNam', { preset: 'nginx', peer: { dnsNam: 'a' } }, /Did you mean `dnsName`/],
    ['p.adresses', { preset: 'nginx', adresses: [] }, /Did you mean `addresses`/],
    ['p.hops', { preset: 'nginx', addresses, hops: 0 }, /from 1 to 16/],
    ['p.hops', { preset: 'nginx', addresses, hops: 1.5 }, /from 1 to 16/],
    ['p.hops', { preset: 'nginx', addresses, hops: 17 }, /from 1 to 16/],
    ['p.hops', { preset: 'nginx', addresses, hops: '1' }, /from 1 to 16/],
    ['p.by', { preset: 'nginx', addresses, by: 'a' }, /x-forwarded-client-cert only/],
    ['p.by', { preset: 'envoy', addresses, by: '' }, /must be a string/],
    ['p.header', { preset: 'nginx', addresses, header: '' }, /name of a header field/],
    ['p.header', { preset: 'nginx', addresses, header: 'a b' }, /name of a header field/],
    ['p.header', { preset: 'nginx', addresses, header: 'Host' }, /says something else/],
    ['p.header', { preset: 'nginx', addresses, header: 'x-forwarded-for' }, /says something else/],
    ['p.header', { preset: 'nginx', addresses, header: 7 }, /name of a header field/],
    ['p.verdict', { preset: 'nginx', addresses, verdict: ':x' }, /name of a header field/],
    ['p.chain', { preset: 'traefik', addresses, chain: 'x' }, /leave it out/],
    ['p.chain', { preset: 'envoy', addresses, chain: 'x' }, /leave it out/],
    ['p.chain', { preset: 'nginx', addresses, chain: [''] }, /must be a string/],
    ['p.clientAddress', { preset: 'nginx', addresses, clientAddress: '' }, /header field/],
    ['p.publicOrigin', { preset: 'nginx', addresses, publicOrigin: 'api.example' }, /an origin/],
    [
      'p.publicOrigin',
      { preset: 'nginx', addresses, publicOrigin: 'https://a/b' },
      /without a path/,
    ],
    ['p', { preset: 'nginx', addresses, verdict: 'X_SSL_Client_Cert' }, /one field twice/],
    ['p', { preset: 'rfc9440', addresses, verdict: 'client-cert-chain' }, /one field twice/],
    ['p', { preset: 'nginx', addresses, header: 'x-a', clientAddress: 'x-a' }, /one field twice/],
    [
      'p.clientAddress',
      { preset: 'nginx', addresses, clientAddress: 'Forwarded' },
      /addresses alone/,
    ],
    [
      'p.clientAddress',
      { preset: 'nginx', addresses, clientAddress: 'client-cert-ip' },
      /addresses alone/,
    ],
  ];
  for (const [path, options, message] of wrong) {
    it(`cannot be ${JSON.stringify(options)}`, () => {
      assert.throws(() => check(options), configError(path, message));
    });
  }
});

describe('trustedProxies', () => {
  const proxy = { preset: 'nginx', addresses } as const;
  const trustAnchors = authority.cert;

  it('needs a method that validates certificates itself', () => {
    for (const methods of [[mtls()], [fakeMethod('other')]]) {
      assert.throws(
        () => createVerifier({ methods, trustedProxies: [proxy] }),
        configError('trustedProxies', /needs mtls\(\{ trustAnchors \}\)/),
      );
    }
    createVerifier({
      methods: [mtls({ trustAnchors })],
      trustedProxies: [proxy],
    });
  });

  it('is a list of statements', () => {
    const methods = [mtls({ trustAnchors })];
    for (const trustedProxies of [[], proxy, 'nginx']) {
      assert.throws(
        () => createVerifier({ methods, trustedProxies: trustedProxies as [] }),
        configError('trustedProxies', /must be a list/),
      );
    }
    assert.throws(
      () => createVerifier({ methods, trustedProxies: [proxy, { ...proxy, hops: 0 }] }),
      configError('trustedProxies[1].hops'),
    );
  });
});
