import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { publishedAddress } from '../../src/revocation/published-address.ts';

describe('publishedAddress', () => {
  const rows: readonly (readonly [text: string, published: string])[] = [
    ['http://crl.example/a.crl', 'http://crl.example/a.crl'],
    ['HTTPS://CRL.example:8443/a', 'https://crl.example:8443/a'],
    ['http://user:s3cret@host.example/?token=abc#part', 'http://host.example/'],
    ['http://host.example/a\r\nb: c', 'http://host.example/ab:%20c'],
    ['http://host.example/"\u202e\u0000\u2028', 'http://host.example/%22%E2%80%AE%00%E2%80%A8'],
    ['http://user:s3cret@:99999/', 'an address that is no URL'],
  ];
  for (const [text, published] of rows) {
    it(`of ${JSON.stringify(text)}`, () => assert.equal(publishedAddress(text), published));
  }

  it('is cut where it is long', () => {
    assert.equal(publishedAddress(`http://host.example/${'a'.repeat(2000)}`).length, 257);
  });
});
