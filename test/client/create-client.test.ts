import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ClientMethod,
  type ClientOptions,
  ConfigError,
  createClient,
  mtlsClient,
} from '../../src/client/index.ts';
import { authority, credentials } from './support.ts';

const method = mtlsClient({ cert: credentials.cert, key: credentials.key });
const server = { origins: ['https://api.example'], ca: authority.cert };
const evidence = { subject: 'key:1' };
const signing: ClientMethod = { name: 'signing', present: () => ({}), confirm: () => evidence };
const pin = credentials.spkiSha256;

const refused: readonly (readonly [what: string, options: unknown, path: string, fix?: RegExp])[] =
  [
    ['no options', undefined, 'createClient'],
    ['an option that is none', { methods: [method], server, proxy: 1 }, 'createClient.proxy'],
    ['no methods', { server }, 'methods'],
    ['an empty list of methods', { methods: [], server }, 'methods', /at least one/],
    ['a method that is null', { methods: [null], server }, 'methods[0]'],
    ['a method without a name', { methods: [{ credentials() {} }], server }, 'methods[0]'],
    ['a method that does nothing', { methods: [{ name: 'idle' }], server }, 'methods[0]'],
    [
      'a verb that is no function',
      { methods: [{ name: 'x', credentials: {} }], server },
      'methods[0]',
    ],
    [
      'a method that presents and confirms nothing',
      { methods: [{ name: 'scram', present: () => ({}) }], server },
      'methods[0]',
      /must prove itself/,
    ],
    [
      'two methods of one name',
      { methods: [signing, signing], server },
      'methods[1]',
      /second signing/,
    ],
    [
      'two certificates',
      { methods: [method, { ...method, name: 'card' }], server },
      'methods',
      /one$/,
    ],
    [
      'evidence that would hide the certificate',
      { methods: [{ ...signing, name: 'mtls' }], server },
      'methods[0]',
    ],
    ['no server', { methods: [method] }, 'server'],
    [
      'an unknown expectation',
      { methods: [method], server: { ...server, spifeId: 'x' } },
      'server.spifeId',
      /`spiffeId`/,
    ],
    [
      '`subject`, which comes later',
      { methods: [method], server: { ...server, subject: 'x' } },
      'server.subject',
    ],
    [
      'an unset expectation',
      { methods: [method], server: { ...server, pins: undefined } },
      'server.pins',
      /undefined/,
    ],
  ];

const refusedExpectations: readonly (readonly [what: string, value: object, path: string])[] = [
  ['no origins', { ca: authority.cert }, 'server.origins'],
  ['an empty list of origins', { ...server, origins: [] }, 'server.origins'],
  ['origins in one string', { ...server, origins: 'https://api.example' }, 'server.origins'],
  ['an http origin', { ...server, origins: ['http://api.example'] }, 'server.origins[0]'],
  [
    'an origin without a scheme',
    { ...server, origins: ['https://a.example', 'api.example'] },
    'server.origins[1]',
  ],
  ['a host with its last dot', { ...server, origins: ['https://a.example.'] }, 'server.origins[0]'],
  [
    'an origin with a path',
    { ...server, origins: ['https://api.example/v1'] },
    'server.origins[0]',
  ],
  [
    'an origin with a query',
    { ...server, origins: ['https://api.example?a'] },
    'server.origins[0]',
  ],
  [
    'an origin with a password',
    { ...server, origins: ['https://u:p@api.example'] },
    'server.origins[0]',
  ],
  [
    'an origin that is a URL',
    { ...server, origins: [new URL('https://api.example')] },
    'server.origins[0]',
  ],
  ['no CA', { origins: server.origins }, 'server.ca'],
  ['an empty CA', { ...server, ca: '' }, 'server.ca'],
  ['an empty list of CAs', { ...server, ca: [] }, 'server.ca'],
  ['an empty one among the CAs', { ...server, ca: [authority.cert, ''] }, 'server.ca'],
  ['a key as CA', { ...server, ca: credentials.key }, 'server.ca'],
  ['DER as CA', { ...server, ca: authority.der }, 'server.ca'],
  ['a number as CA', { ...server, ca: 1 }, 'server.ca'],
  [
    'a CA that cannot be read',
    { ...server, ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    'server.ca',
  ],
  ['a name with a wildcard', { ...server, name: '*.api.example' }, 'server.name'],
  ['an empty name', { ...server, name: '' }, 'server.name'],
  ['a list of names', { ...server, name: ['api.example'] }, 'server.name'],
  ['a name that is a URL', { ...server, name: 'https://api.example' }, 'server.name'],
  ['an empty list of SPIFFE IDs', { ...server, spiffeId: [] }, 'server.spiffeId'],
  ['no SPIFFE ID', { ...server, spiffeId: 'https://bank.example/api' }, 'server.spiffeId'],
  ['a whole trust domain', { ...server, spiffeId: 'spiffe://bank.example' }, 'server.spiffeId'],
  ['half a segment', { ...server, spiffeId: 'spiffe://bank.example/a*' }, 'server.spiffeId'],
  [
    'an asterisk in the middle',
    { ...server, spiffeId: 'spiffe://bank.example/*/a' },
    'server.spiffeId',
  ],
  [
    'a SPIFFE ID that is a number',
    { ...server, spiffeId: ['spiffe://b.example/a', 1] },
    'server.spiffeId[1]',
  ],
  ['an empty list of pins', { ...server, pins: [] }, 'server.pins'],
  ['a short pin', { ...server, pins: pin.slice(1) }, 'server.pins'],
  ['a long pin', { ...server, pins: `${pin}AA` }, 'server.pins'],
  [
    'a pin in hexadecimal',
    { ...server, pins: Buffer.from(pin, 'base64url').toString('hex') },
    'server.pins',
  ],
  ['a pin of another hash', { ...server, pins: [pin, `sha1//${pin}`] }, 'server.pins[1]'],
  [
    'a pin with a stray character',
    { ...server, pins: `${pin.slice(0, 20)}!${pin.slice(20)}` },
    'server.pins',
  ],
];

describe('createClient', () => {
  for (const [what, options, path, fix = /./] of refused) {
    it(`refuses ${what}`, () => {
      const create = (): unknown => createClient(options as ClientOptions);
      assert.throws(
        create,
        (error: unknown) =>
          error instanceof ConfigError && error.path === path && fix.test(error.message),
      );
    });
  }

  for (const [what, expectation, path] of refusedExpectations) {
    it(`refuses ${what}`, () => {
      const options = { methods: [method], server: expectation } as ClientOptions;
      assert.throws(() => createClient(options), { name: 'ConfigError', path });
    });
  }

  for (const [what, expectation] of Object.entries({
    'origins in another spelling': { origins: ['HTTPS://API.example:443/'] },
    'a CA as bytes': { ca: Buffer.from(authority.cert) },
    'several CAs in one text': { ca: `Ours:\n${authority.cert}\n${authority.cert}` },
    "Node's own CAs": { ca: 'system' },
    'an address as name': { name: '::1' },
    'every workload of a trust domain': { spiffeId: 'spiffe://bank.example/*' },
  })) {
    it(`takes ${what}`, () => {
      const options: object = { methods: [method], server: { ...server, ...expectation } };
      createClient(options as ClientOptions);
    });
  }

  it('refuses an agent where a method lives in the message, and names the way', () => {
    const client = createClient({ methods: [method, signing], server });
    assert.throws(() => client.agent, { name: 'ConfigError', message: /axios.*adapter: 'fetch'/ });
  });

  it('answers the same agent and dispatcher each time', () => {
    const client = createClient({ methods: [method], server });
    assert.equal(client.agent, client.agent);
    assert.equal(client.dispatcher, client.dispatcher);
  });
});
