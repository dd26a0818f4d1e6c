import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAuthorities, checkOrigins, serves } from '../../src/served-authority.ts';
import { configError } from '../support/errors.ts';
import { type FakeRequest, fakeExchange } from '../support/exchange.ts';

describe('checkAuthorities', () => {
  const table = [
    ['https://api.bank.example', { scheme: 'https', authority: 'api.bank.example', path: '' }],
    ['https://api.bank.example/', { scheme: 'https', authority: 'api.bank.example', path: '' }],
    ['https://API.Bank.example.:443', { scheme: 'https', authority: 'api.bank.example', path: '' }],
    ['https://a.example:8443/v1/', { scheme: 'https', authority: 'a.example:8443', path: '/v1' }],
    ['http://[::1]:80/v1/x', { scheme: 'http', authority: '[::1]', path: '/v1/x' }],
  ] as const;
  for (const [url, expected] of table) {
    it(`reads ${url}`, () => assert.deepEqual(checkAuthorities('authorities', [url]), [expected]));
  }

  for (const url of [
    '',
    'a.example',
    '//a.example',
    'ftp://a.example',
    'HTTPS://a.example',
    'https://',
    'https:///v1',
    'https://a.example?x',
    'https://a.example/v1?x',
    'https://a.example/#x',
    'https://user@a.example',
    'https://user:pass@a.example',
    'https://a.example:port',
    'https://a b.example',
    'https://b\u00fccher.example',
    ' https://a.example',
    undefined,
    null,
    5,
    new URL('https://a.example'),
  ]) {
    it(`refuses ${typeof url === 'string' ? `"${url}"` : String(url)}`, () => {
      assert.throws(
        () => checkAuthorities('authorities', ['https://a.example', url as string]),
        configError('authorities[1]', /https:\/\/api\.bank\.example|host and port only/),
      );
    });
  }

  for (const list of [[], 'https://a.example', {}, null, undefined]) {
    it(`refuses ${JSON.stringify(list) ?? 'undefined'} for a list`, () => {
      assert.throws(
        () => checkAuthorities('authorities', list as never),
        configError('authorities', /must be a list/),
      );
    });
  }
});

describe('checkOrigins', () => {
  it('gives each origin the spelling that browsers use', () => {
    const origins = checkOrigins('origins', ['https://Shop.example:443', 'http://b.example:8080']);
    assert.deepEqual([...origins], ['https://shop.example', 'http://b.example:8080']);
  });

  it('takes no origins at all', () => assert.equal(checkOrigins('origins', []).size, 0));

  for (const origin of ['https://a.example/', 'https://a.example/x', 'null', '*', 'a.example']) {
    it(`refuses "${origin}"`, () => {
      assert.throws(() => checkOrigins('origins', [origin]), configError('origins[0]'));
    });
  }

  it('refuses what is no list', () => {
    for (const list of ['https://a.example', null, {}]) {
      assert.throws(() => checkOrigins('origins', list as never), configError('origins', /a list/));
    }
  });
});

describe('serves', () => {
  const serving = (url: string, request: FakeRequest): boolean =>
    serves(checkAuthorities('authorities', [url])[0]!, fakeExchange(request));

  const authorities: readonly (readonly [url: string, named: string | null, serves: boolean])[] = [
    ['https://a.example', 'a.example', true],
    ['https://A.example:443', 'a.example', true],
    ['https://a.example', 'a.example:443', true],
    ['http://a.example', 'a.example:80', true],
    ['https://a.example:8443', 'a.example:8443', true],
    ['https://a.example', null, false],
    ['https://a.example', 'b.example', false],
    ['https://a.example', 'x.a.example', false],
    ['https://a.example', 'a.example.evil', false],
    ['https://a.example', 'a.example:80', false],
    ['http://a.example', 'a.example:443', false],
    ['https://a.example', 'a.example:8443', false],
    ['https://a.example', 'b.example:443', false],
    ['https://a.example:8443', 'a.example', false],
    ['https://a.example:8443', 'a.example:443', false],
  ];
  for (const [url, authority, expected] of authorities) {
    it(`${expected ? 'answers' : 'does not answer'} to ${String(authority)} as ${url}`, () => {
      // Behind a proxy that ends TLS the request's own scheme is http, and says nothing.
      for (const scheme of ['http', 'https'] as const) {
        assert.equal(serving(url, { authority, scheme }), expected);
      }
    });
  }

  const paths: readonly (readonly [target: string, serves: boolean])[] = [
    ['/v1', true],
    ['/v1/', true],
    ['/v1/pay', true],
    ['/v1?x=/../', true],
    ['/v1/pay?x=/v2/..', true],
    ['/v1/pay?x\n/../y', true],
    ['/v1/a..b/.c/...', true],
    ['https://api.example/v1/pay', true],
    ['HTTP://api.example/v1', true],
    ['/', false],
    ['/v2', false],
    ['/v10', false],
    ['/V1', false],
    ['/%761', false],
    ['//v1/pay', false],
    ['/x/v1', false],
    ['?/v1', false],
    ['*', false],
    ['https://api.example', false],
    ['https://api.example?/v1', false],
    ['/v1/../v2', false],
    ['/v1/..', false],
    ['/v1/./pay', false],
    ['/v1/.', false],
    ['/v1/%2e%2E/v2', false],
    ['/v1/.%2e/v2', false],
    ['/v1/..\\v2', false],
    ['/v1\\..\\v2', false],
    ['/v1/..%2fv2', false],
    ['/v1/x%5c..%5Cv2', false],
    ['/v1/..?x', false],
  ];
  for (const [target, expected] of paths) {
    it(`${expected ? 'finds' : 'does not find'} ${target} below /v1`, () => {
      assert.equal(serving('https://api.example/v1/', { target }), expected);
    });
  }

  it('answers to every path where it was given none', () => {
    for (const target of ['/', '/../x', '*']) {
      assert.equal(serving('https://api.example', { target }), true);
    }
  });
});
