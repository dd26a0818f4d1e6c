import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { canonicalIp, ipText } from '../../src/x509/ip-address.ts';
import { authError } from '../support/errors.ts';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('ipText', () => {
  const table = [
    ['c0000207', '192.0.2.7'],
    ['00000000', '0.0.0.0'],
    ['ffffffff', '255.255.255.255'],
    ['00000000 00000000 00000000 00000000', '::'],
    ['00000000 00000000 00000000 00000001', '::1'],
    ['00010000 00000000 00000000 00000000', '1::'],
    ['20010db8 00000000 00000000 0000000a', '2001:db8::a'],
    ['20010db8 00000001 00010001 00010001', '2001:db8:0:1:1:1:1:1'],
    ['20010000 00000001 00000000 00000001', '2001:0:0:1::1'],
    ['20010db8 00000000 00010000 00000001', '2001:db8::1:0:0:1'],
    ['20010000 00000001 00010001 00000000', '2001::1:1:1:0:0'],
    ['00010002 00030004 00050006 00070000', '1:2:3:4:5:6:7:0'],
    ['00000002 00030004 00050006 00070008', '0:2:3:4:5:6:7:8'],
    ['00000000 00000000 0000ffff c0000207', '::ffff:c000:207'],
  ] as const;
  for (const [hex, text] of table) {
    it(`writes ${text}`, () => assert.equal(ipText(bytesOf(hex)), text));
  }

  for (const length of [0, 3, 5, 8, 15, 17, 32]) {
    it(`refuses ${length} bytes`, () => {
      assert.throws(
        () => ipText(Buffer.alloc(length)),
        authError('ERR_CERTIFICATE_MALFORMED', /neither 4 nor 16/),
      );
    });
  }
});

describe('canonicalIp', () => {
  for (const [text, canonical] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0::000A', '2001:db8::a'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1::', '1::'],
    ['::ffff:192.0.2.7', '::ffff:c000:207'],
    ['64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ] as const) {
    it(`reads ${text} as ${canonical}`, () => assert.equal(canonicalIp(text), canonical));
  }

  for (const text of [
    '',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.07',
    '0x7f.0.0.1',
    '2130706433',
    ' 192.0.2.7',
    '192.0.2.7 ',
    '192.0.2.7:80',
    '192.0.2.7/32',
    '[::1]',
    '::1%eth0',
    'fe80::1%1',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::g',
    '::12345',
    '::1.2.3',
  ]) {
    it(`does not take "${text}" for an address`, () => assert.equal(canonicalIp(text), undefined));
  }

  it('reads back what ipText writes', () => {
    // Zeros often, so that runs of every place and length occur.
    const byte = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(255));
    const address = fc
      .constantFrom(4, 16)
      .chain((length) => fc.array(byte, { minLength: length, maxLength: length }));
    fc.assert(
      fc.property(address, (bytes) => {
        const text = ipText(Uint8Array.from(bytes));
        assert.equal(canonicalIp(text), text);
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with the URL parser about every spelling', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        assert.equal(`[${canonicalIp(text)}]`, new URL(`http://[${text}]/`).hostname);
      }),
      { numRuns: 1000 },
    );
  });
});
