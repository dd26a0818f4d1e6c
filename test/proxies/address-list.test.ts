import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AddressList, plainAddress } from '../../src/proxies/address-list.ts';
import { configError } from '../support/errors.ts';

const list = (...addresses: readonly string[]): AddressList => new AddressList('a', addresses);

describe('AddressList', () => {
  const members: readonly (readonly [entry: string, has: string, hasNot: string])[] = [
    ['10.0.3.7', '10.0.3.7', '10.0.3.8'],
    ['10.0.3.7', '::ffff:10.0.3.7', '::ffff:10.0.3.8'],
    ['10.0.3.7', '::ffff:a00:307', '::10.0.3.7'],
    ['10.0.3.0/24', '10.0.3.255', '10.0.4.0'],
    ['10.0.3.128/25', '10.0.3.128', '10.0.3.127'],
    ['10.0.0.0/8', '::ffff:10.255.255.255', '11.0.0.0'],
    ['192.0.2.2/31', '192.0.2.3', '192.0.2.4'],
    ['::ffff:10.0.3.0/120', '10.0.3.9', '10.0.4.9'],
    ['::ffff:10.0.3.7', '10.0.3.7', '10.0.3.8'],
    ['2001:db8::7', '2001:DB8:0:0::7', '2001:db8::8'],
    ['2001:db8::/33', '2001:db8:7fff::1', '2001:db8:8000::1'],
    ['fc00::/7', 'fdff::1', 'fe00::1'],
    ['::1', '0:0::1', '127.0.0.1'],
    ['unix', 'unix', '127.0.0.1'],
  ];
  for (const [entry, has, hasNot] of members) {
    it(`${entry} holds ${has} and not ${hasNot}`, () => {
      const addresses = list(entry);
      // Twice: the answer is remembered.
      for (const address of [has, has]) assert.equal(addresses.has(address), true);
      for (const address of [hasNot, hasNot]) assert.equal(addresses.has(address), false);
    });
  }

  it('holds a Unix socket only where it says so, and no text that is no address', () => {
    for (const address of ['unix', '', '10.0.3', '10.0.3.07', 'fe80::1%eth0', '0x0a000307']) {
      assert.equal(list('10.0.3.7', 'fe80::/10').has(address), false);
    }
  });

  it('holds any of its entries', () => {
    const addresses = list('10.0.3.7', 'unix', '2001:db8::7');
    for (const address of ['10.0.3.7', 'unix', '2001:db8::7']) assert.ok(addresses.has(address));
  });

  it('remembers no more addresses than it should, and answers all the same', () => {
    const addresses = list('10.0.0.0/8');
    for (let i = 0; i < 3_000; i++) assert.ok(addresses.has(`10.1.${i >> 8}.${i & 255}`));
    assert.equal(addresses.has('10.1.0.0'), true);
    assert.equal(addresses.has('11.1.0.0'), false);
  });

  for (const [entry, message] of [
    ['0.0.0.0/0', /trusts everybody/],
    ['128.0.0.0/1', /trusts everybody/],
    ['10.0.0.0/7', /trusts everybody/],
    ['::/0', /trusts everybody/],
    ['2000::/3', /trusts everybody/],
    ['2001::/31', /trusts everybody/],
    ['fc00::/6', /trusts everybody/],
    ['fe80::/9', /trusts everybody/],
    ['10.0.3.0/024', /is no address/],
    [10n, /is no address/],
    ['::ffff:0:0/96', /trusts everybody/],
    ['::ffff:10.0.0.0/95', /no such prefix/],
    ['10.0.3.7/24', /inside a network; write 10\.0\.3\.0\/24/],
    ['2001:db8::7/64', /write 2001:db8::\/64/],
    ['10.0.3.7/33', /no such prefix/],
    ['::1/129', /no such prefix/],
    ['10.0.3', /is no address/],
    ['10.0.3.7/', /is no address/],
    ['10.0.3.7/-1', /is no address/],
    ['10.0.3.7/24/24', /is no address/],
    ['proxy.example', /is no address/],
    ['fe80::1%eth0', /is no address/],
    ['', /is no address/],
    ['Unix', /is no address/],
    [undefined, /is no address/],
    [7, /is no address/],
  ] as const) {
    it(`cannot hold ${String(entry)}`, () => {
      assert.throws(() => new AddressList('a', ['::1', entry]), configError('a[1]', message));
    });
  }

  it('cannot be empty, nor anything but a list', () => {
    for (const addresses of [[], '10.0.3.7', undefined, {}]) {
      assert.throws(() => new AddressList('a', addresses), configError('a', /must be a list/));
    }
  });

  it('cannot have holes', () => {
    assert.throws(() => new AddressList('a', Array(2)), configError('a[0]', /is no address/));
  });

  it('agrees with arithmetic on every network and address', () => {
    const word = fc.nat(0xffff_ffff);
    const text = (n: number): string => [24, 16, 8, 0].map((bits) => (n >>> bits) & 255).join('.');
    fc.assert(
      fc.property(word, word, fc.integer({ min: 8, max: 32 }), (network, address, prefix) => {
        const mask = (0xffff_ffff << (32 - prefix)) >>> 0;
        const addresses = list(`${text((network & mask) >>> 0)}/${prefix}`);
        assert.equal(addresses.has(text(address)), (network & mask) === (address & mask));
        assert.equal(addresses.has(text(((network & mask) | (address & ~mask)) >>> 0)), true);
      }),
    );
  });
});

describe('plainAddress', () => {
  it('is one spelling of an address, of IPv4 where it is mapped', () => {
    for (const [given, plain] of [
      ['10.0.3.7', '10.0.3.7'],
      ['::FFFF:10.0.3.7', '10.0.3.7'],
      ['2001:DB8::0:7', '2001:db8::7'],
      ['fe80::1%eth0', undefined],
      ['10.0.3.7:80', undefined],
      ['', undefined],
    ] as const) {
      assert.equal(plainAddress(given), plain);
    }
  });
});
