import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  bitString,
  boolean,
  element,
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  integer,
  namedBits,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  string,
  time,
  utcTime,
} from '../../src/pki/der-writer.ts';
import {
  DerReader,
  integerBytes,
  namedBits as readNamedBits,
  oidOf,
  tag,
  timeOf,
} from '../../src/x509/der.ts';
import { openssl } from './openssl.ts';

const read = (der: Uint8Array) => {
  const reader = new DerReader(der);
  const found = reader.next();
  reader.end();
  return found;
};
const hex = (der: Buffer) => der.toString('hex');

describe('element', () => {
  it('writes a length that the strict reader takes, whatever the size', () => {
    for (const size of [0, 1, 127, 128, 129, 255, 256, 65_535, 65_536, 16_777_215, 16_777_216]) {
      const content = Buffer.alloc(size, 0xab);
      assert.deepEqual(read(element(0x04, content)).content.length, size);
    }
  });

  it('returns every content through the strict reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), (content) => {
        assert.deepEqual(Buffer.from(read(octetString(content)).content), Buffer.from(content));
      }),
      { numRuns: 200 },
    );
  });

  it('writes nested elements that openssl parses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.bigInt(), fc.uint8Array({ maxLength: 300 })), { maxLength: 20 }),
        (pairs) => {
          const der = sequence(
            ...pairs.map(([n, bytes]) => sequence(integer(n), octetString(bytes))),
          );
          const { ok, text } = openssl(['asn1parse', '-inform', 'DER'], der);
          assert.ok(ok, text);
          assert.equal(text.match(/prim: INTEGER/g)?.length ?? 0, pairs.length);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('integer', () => {
  it('keeps every number, in the fewest octets', () => {
    const sized = fc.integer({ min: 0, max: 70 }).chain((bytes) => {
      const bound = 1n << BigInt(bytes * 8);
      return fc.bigInt({ min: -bound, max: bound });
    });
    fc.assert(
      fc.property(sized, (value) => {
        // The reader refuses padding.
        const octets = integerBytes(read(integer(value)));
        const back = BigInt.asIntN(
          octets.length * 8,
          BigInt(`0x${Buffer.from(octets).toString('hex')}`),
        );
        assert.equal(back, value);
      }),
    );
  });

  const known: readonly (readonly [bigint, string])[] = [
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [255n, '020200ff'],
    [256n, '02020100'],
    [-1n, '0201ff'],
    [-128n, '020180'],
    [-129n, '0202ff7f'],
  ];
  for (const [value, expected] of known) {
    it(`writes ${value} as ${expected}`, () => assert.equal(hex(integer(value)), expected));
  }
});

describe('objectIdentifier', () => {
  it('keeps every identifier', () => {
    const arc = fc.nat({ max: 2 ** 31 - 1 });
    const identifiers = fc
      .tuple(fc.nat({ max: 2 }), fc.nat({ max: 39 }), fc.array(arc, { maxLength: 8 }))
      .map(([first, second, rest]) => [first, second, ...rest].join('.'));
    fc.assert(
      fc.property(identifiers, (dotted) => {
        assert.equal(oidOf(read(objectIdentifier(dotted))), dotted);
      }),
    );
  });

  it('writes arcs of 128 bits, as identifiers made of UUIDs have', () => {
    const { text } = openssl(
      ['asn1parse', '-inform', 'DER'],
      objectIdentifier('2.25.329800735698586629295641978511506172918'),
    );
    assert.match(text, /2\.25\.329800735698586629295641978511506172918/);
  });

  for (const wrong of ['', '1', '3.1', '1.40', '1.2.', '1.02', '1.2.x', '-1.2']) {
    it(`refuses ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => objectIdentifier(wrong), RangeError);
    });
  }
});

describe('namedBits', () => {
  it('keeps every set of bits and leaves trailing zeros out', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 20 })), (bits) => {
        assert.deepEqual(
          readNamedBits(read(namedBits(bits))),
          bits.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

describe('time', () => {
  it('writes UTCTime until the end of 2049 and GeneralizedTime after, as RFC 5280 wants', () => {
    assert.equal(time(new Date('2049-12-31T23:59:59Z'))[0], tag.utcTime);
    assert.equal(time(new Date('2050-01-01T00:00:00Z'))[0], tag.generalizedTime);
    assert.equal(time(new Date('1949-12-31T23:59:59Z'))[0], tag.generalizedTime);
    assert.equal(time(new Date('1950-01-01T00:00:00Z'))[0], tag.utcTime);
  });

  it('keeps every instant to the second', () => {
    const range = { min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const seconds = Math.floor(date.getTime() / 1000);
        assert.equal(timeOf(read(time(date))).getTime() / 1000, seconds);
      }),
    );
  });
});

describe('the other elements', () => {
  const date = new Date('2026-02-03T04:05:06.789Z');
  const known: readonly (readonly [string, Buffer, string])[] = [
    ['true', boolean(true), '0101ff'],
    ['false', boolean(false), '010100'],
    ['NULL', nothing(), '0500'],
    ['ENUMERATED', enumerated(6), '0a0106'],
    ['BIT STRING', bitString(Buffer.of(0xa0), 5), '030205a0'],
    ['a SET OF in order', setOf(integer(2), integer(1)), '3106020101020102'],
    ['[2] EXPLICIT', explicit(2, integer(1)), 'a203020101'],
    ['[2] IMPLICIT, primitive', implicit(2, integer(1)), '820101'],
    ['[2] IMPLICIT, constructed', implicit(2, sequence(integer(1))), 'a203020101'],
    ['UTCTime', utcTime(date), `170d${Buffer.from('260203040506Z').toString('hex')}`],
    [
      'GeneralizedTime',
      generalizedTime(date),
      `180f${Buffer.from('20260203040506Z').toString('hex')}`,
    ],
    ['UTF8String', string('utf8', '\u00e9'), '0c02c3a9'],
    ['TeletexString', string('teletex', '\u00e9'), '1401e9'],
    ['BMPString', string('bmp', '\u00e9'), '1e0200e9'],
    ['UniversalString', string('universal', '\u{1f511}'), '1c040001f511'],
    ['raw bytes in a string type', string('ia5', Buffer.of(0, 0xff)), '160200ff'],
  ];
  for (const [name, der, expected] of known) {
    it(`writes ${name}`, () => assert.equal(hex(der), expected));
  }
});
