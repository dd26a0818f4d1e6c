import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPublicAddress } from '../../src/revocation/public-address.ts';

describe('isPublicAddress', () => {
  for (const address of [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450:4001::1',
  ]) {
    it(`says yes to ${address}`, () => assert.equal(isPublicAddress(address), true));
  }

  for (const [what, addresses] of Object.entries({
    'this host': ['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.255', '::', '::1'],
    'private networks': [
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.0.1',
      'fd00::1',
      'fc00::1',
    ],
    'the local link': ['169.254.169.254', 'fe80::1', 'fe80::1%lo', 'febf::1'],
    'the network of the carrier': ['100.64.0.1', '100.127.255.255'],
    'protocols and relays': ['192.0.0.1', '192.88.99.1', '2001:20::1', '5f00::1'],
    'examples and measurements': [
      '192.0.2.1',
      '198.51.100.1',
      '203.0.113.1',
      '198.18.0.1',
      '198.19.255.255',
      '2001:db8::1',
      '3fff::1',
      '2001:2::1',
    ],
    'many at once': ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1'],
    nobody: ['240.0.0.1', '4000::1', 'fec0::1', '100::1'],
    'an IPv4 address inside IPv6': [
      '::ffff:127.0.0.1',
      '::ffff:1.1.1.1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::7f00:1',
      '2002:7f00:1::',
      '2001::7f00:1',
    ],
    'no address': ['', 'localhost', '127.1', '1.1.1.1:80', '[2606:4700::1111]'],
  })) {
    for (const address of addresses) {
      it(`says no to ${what}: ${JSON.stringify(address)}`, () => {
        assert.equal(isPublicAddress(address), false);
      });
    }
  }
});
