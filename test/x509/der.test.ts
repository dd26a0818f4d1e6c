import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  element,
  generalizedTime,
  integer,
  namedBits as writeNamedBits,
  objectIdentifier,
  sequence,
  utcTime,
} from '../../src/pki/der-writer.ts';
import {
  DerReader,
  type Element,
  ascii,
  bitStringBytes,
  booleanOf,
  context,
  countOf,
  integerBytes,
  malformed,
  namedBits,
  oidOf,
  tag,
  timeOf,
} from '../../src/x509/der.ts';
import { authError } from '../support/errors.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (text: string): Element => new DerReader(hex(text)).next();
const one = (der: Uint8Array): Element => new DerReader(der).next();
const refusal = (what: RegExp): ((error: unknown) => true) =>
  authError('ERR_CERTIFICATE_MALFORMED', what);

describe('context', () => {
  it('makes a context-specific tag', () => {
    assert.equal(context(0, true), 0xa0);
    assert.equal(context(3, true), 0xa3);
    assert.equal(context(6, false), 0x86);
  });
});

describe('malformed', () => {
  it('says what is wrong, as a refusal with 400', () => {
    const error = malformed('nonsense');
    assert.equal(error.code, 'ERR_CERTIFICATE_MALFORMED');
    assert.equal(error.status, 400);
    assert.equal(error.message, 'malformed: nonsense');
  });
});

describe('DerReader', () => {
  it('reads elements one after another', () => {
    const reader = new DerReader(hex('0201 07 0500 0402 abcd'));
    const first = reader.next(tag.integer);
    assert.deepEqual(
      [
        first.tag,
        ...[first.content, first.whole].map((bytes) => Buffer.from(bytes).toString('hex')),
      ],
      [0x02, '07', '020107'],
    );
    assert.equal(reader.next().tag, tag.null);
    assert.equal(reader.done, false);
    assert.deepEqual(Buffer.from(reader.next(tag.octetString).content), hex('abcd'));
    assert.equal(reader.done, true);
    reader.end();
  });

  for (const [what, length] of [
    ['the short form', 0x7f],
    ['one byte of length', 0x80],
    ['the last of one byte', 0xff],
    ['two bytes', 0x100],
    ['the last of two', 0xffff],
    ['three bytes', 0x1_0000],
  ] as const) {
    it(`reads a length in ${what}`, () => {
      assert.equal(one(element(tag.octetString, Buffer.alloc(length))).content.length, length);
    });
  }

  it('reads a length in four bytes', () => {
    assert.equal(
      one(element(tag.octetString, Buffer.alloc(0x100_0000))).content.length,
      0x100_0000,
    );
  });

  it('does not look beyond the element that it is in', () => {
    const inside = (text: string): DerReader =>
      new DerReader(hex(`${text} 0201 07`)).enter(tag.sequence);
    const empty = inside('3000');
    assert.equal(empty.done, true);
    assert.equal(empty.optional(tag.integer), undefined);
    assert.throws(() => empty.next(), refusal(/cut short/));
    assert.throws(() => inside('3001 02').next(), refusal(/cut short/));
    assert.throws(() => inside('3002 0401').next(), refusal(/runs past its end/));
    assert.deepEqual(Buffer.from(inside('3003 0201 05').next().whole), hex('0201 05'));
  });

  const broken: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ['nothing', '', /cut short/],
    ['a tag alone', '02', /cut short/],
    ['a length that is cut short', '0482 01', /cut short/],
    ['content that is cut short', '0402 ab', /runs past its end/],
    ['a length of 4 GiB', '0484 ffffffff', /runs past its end/],
    ['an indefinite length', '3080 0000', /indefinite/],
    ['a length of five bytes', '0485 0000000001 00', /oversized/],
    ['a reserved length', '04ff', /oversized/],
    ['a padded short length', '0481 01 ab', /padded length/],
    ['a padded length of zero', '0481 00', /padded length/],
    ['a length just too small for the long form', '0481 7f', /padded length/],
    ['a length padded to two bytes', `0482 0080 ${'00'.repeat(128)}`, /padded length/],
    ['a length padded to four bytes', `0484 000000ff ${'00'.repeat(255)}`, /padded length/],
    ['a tag number above 30', '1f2a 01 00', /above 30/],
    ['a constructed tag number above 30', 'bf2a 01 00', /above 30/],
  ];
  for (const [what, text, says] of broken) {
    it(`refuses ${what}`, () => assert.throws(() => read(text), refusal(says)));
  }

  it('refuses another tag than the one expected', () => {
    assert.throws(
      () => new DerReader(hex('0c0161')).next(tag.integer),
      refusal(/tag 0x0c where 0x02 belongs/),
    );
  });

  it('takes what is optional only where it is there', () => {
    const reader = new DerReader(hex('0500'));
    assert.equal(reader.optional(tag.integer), undefined);
    assert.equal(reader.optional(tag.null)?.tag, tag.null);
    assert.equal(reader.optional(tag.null), undefined);
  });

  it('enters an element and sees its members alone', () => {
    const reader = new DerReader(hex('3003 020107 0500'));
    const inner = reader.enter(tag.sequence);
    inner.next(tag.integer);
    inner.end();
    assert.throws(() => inner.next(), refusal(/cut short/));
    assert.throws(() => reader.enter(tag.sequence), refusal(/where 0x30/));
    assert.throws(() => reader.end(), refusal(/cut short|after the last/));
  });

  it('refuses bytes after the last element', () => {
    assert.throws(() => new DerReader(hex('0500')).end(), refusal(/after the last/));
    assert.throws(() => DerReader.only(hex('3000 00'), tag.sequence), refusal(/after the last/));
    assert.throws(() => DerReader.only(hex('3100'), tag.sequence), refusal(/where 0x30/));
    assert.equal(DerReader.only(hex('3000'), tag.sequence).done, true);
  });

  it('reads what the writer writes, and refuses every shorter part of it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const der = element(tag.octetString, bytes);
        const { content, whole } = one(der);
        assert.deepEqual(Buffer.from(content), Buffer.from(bytes));
        assert.deepEqual(Buffer.from(whole), der);
        assert.throws(() => one(der.subarray(0, -1)), refusal(/./));
      }),
    );
  });
});

describe('booleanOf', () => {
  it('knows true and false in the only spelling of each', () => {
    assert.equal(booleanOf(read('0101 ff')), true);
    assert.equal(booleanOf(read('0101 00')), false);
  });
  for (const text of ['0101 01', '0101 fe', '0100', '0102 ff00', '0102 0000']) {
    it(`refuses ${text}`, () => assert.throws(() => booleanOf(read(text)), refusal(/boolean/)));
  }
});

describe('integerBytes', () => {
  for (const text of ['00', '7f', '80', 'ff', '0080', 'ff7f', '0100']) {
    it(`reads ${text}`, () => {
      assert.deepEqual(Buffer.from(integerBytes(one(element(tag.integer, hex(text))))), hex(text));
    });
  }
  for (const [text, says] of [
    ['', /without bytes/],
    ['0000', /padded/],
    ['007f', /padded/],
    ['ff80', /padded/],
    ['ffff', /padded/],
  ] as const) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => integerBytes(one(element(tag.integer, hex(text)))), refusal(says));
    });
  }
});

describe('countOf', () => {
  for (const count of [0, 1, 127, 128, 255, 256, 65_535, 2 ** 31 - 1]) {
    it(`reads ${count}`, () => assert.equal(countOf(one(integer(count))), count));
  }
  for (const count of [-1, -128, -129, 2 ** 31, 2n ** 32n, 2n ** 64n, -(2n ** 64n)]) {
    it(`refuses ${count}`, () => {
      assert.throws(() => countOf(one(integer(count))), refusal(/negative or too large/));
    });
  }
  it('refuses a padded count', () => {
    assert.throws(() => countOf(read('0202 0001')), refusal(/padded integer/));
  });
});

describe('oidOf', () => {
  for (const oid of [
    '0.0',
    '0.39',
    '1.0',
    '1.39',
    '2.0',
    '2.39',
    '2.40',
    '2.999',
    '2.5.29.17',
    '1.2.840.113549.1.1.11',
    '1.2.16384',
    '1.2.2097152.128',
    '1.3.6.1.4.1.311.20.2.3',
    `1.2.${Number.MAX_SAFE_INTEGER}`,
  ]) {
    it(`reads ${oid}`, () => assert.equal(oidOf(one(objectIdentifier(oid))), oid));
  }

  for (const [what, text, says] of [
    ['an empty one', '', /of no use/],
    ['one of 65 bytes', '2a'.repeat(65), /of no use/],
    ['a padded arc', '2a8001', /padded/],
    ['a padded first arc', '802a', /padded/],
    ['one that is cut short', '2a86', /cut short/],
    ['an arc above 2^53', `2a${'ff'.repeat(8)}7f`, /out of range/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => oidOf(one(element(tag.oid, hex(text)))), refusal(says));
    });
  }

  it('reads 64 bytes', () => {
    assert.equal(oidOf(one(element(tag.oid, hex('2a'.repeat(64))))).split('.').length, 65);
  });

  it('gives different bytes different text, and never anything but dotted numbers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        let text: string;
        try {
          text = oidOf(one(element(tag.oid, bytes)));
        } catch (error) {
          return void refusal(/object identifier/)(error);
        }
        assert.deepEqual(objectIdentifier(text), element(tag.oid, bytes));
      }),
      { numRuns: 500 },
    );
  });
});

describe('bitStringBytes', () => {
  it('gives the bytes of whole ones', () => {
    assert.deepEqual(Buffer.from(bitStringBytes(read('0303 00 abcd'))), hex('abcd'));
    assert.equal(bitStringBytes(read('0301 00')).length, 0);
  });
  for (const text of ['0300', '0302 01 80', '0302 08 00', '0301 07']) {
    it(`refuses ${text}`, () => {
      assert.throws(() => bitStringBytes(read(text)), refusal(/whole bytes/));
    });
  }
});

describe('namedBits', () => {
  for (const bits of [[], [0], [7], [8], [0, 7, 8, 15], [5, 6], [0, 1, 2, 3, 4, 5, 6, 7, 8]]) {
    it(`reads [${bits}]`, () => assert.deepEqual(namedBits(one(writeNamedBits(bits))), bits));
  }
  for (const [what, text, says] of [
    ['no content', '0300', /impossible tail/],
    ['eight unused bits', '0302 08 00', /impossible tail/],
    ['unused bits of nothing', '0301 01', /impossible tail/],
    ['a zero at the end', '0302 00 00', /trailing zeros/],
    ['trailing zeros that count', '0302 05 80', /trailing zeros/],
    ['a whole byte of trailing zeros', '0303 07 80 00', /trailing zeros/],
    ['unused bits that are set', '0302 07 81', /trailing zeros/],
    ['an unused bit instead of the last', '0302 01 01', /trailing zeros/],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => namedBits(read(text)), refusal(says)));
  }
  it('reads any bits that the writer writes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), (bits) => {
        const sorted = bits.sort((a, b) => a - b);
        assert.deepEqual(namedBits(one(writeNamedBits(sorted))), sorted);
      }),
    );
  });
});

describe('timeOf', () => {
  const utc = (text: string): Date =>
    timeOf(one(element(tag.utcTime, Buffer.from(text, 'latin1'))));
  const generalized = (text: string): Date =>
    timeOf(one(element(tag.generalizedTime, Buffer.from(text, 'latin1'))));

  for (const [text, iso] of [
    ['500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['991231235959Z', '1999-12-31T23:59:59.000Z'],
    ['000101000000Z', '2000-01-01T00:00:00.000Z'],
    ['491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['240229120000Z', '2024-02-29T12:00:00.000Z'],
  ] as const) {
    it(`reads the UTCTime ${text}`, () => assert.equal(utc(text).toISOString(), iso));
  }

  for (const [text, iso] of [
    ['20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['00000101000000Z', '0000-01-01T00:00:00.000Z'],
    ['00990101000000Z', '0099-01-01T00:00:00.000Z'],
    ['20000229000000Z', '2000-02-29T00:00:00.000Z'],
  ] as const) {
    it(`reads the GeneralizedTime ${text}`, () =>
      assert.equal(generalized(text).toISOString(), iso));
  }

  for (const [what, text] of [
    ['no seconds', '3001010000Z'],
    ['no Z', '300101000000'],
    ['an offset', '300101000000+0000'],
    ['an offset after Z', '300101000000Z+01'],
    ['a lower-case z', '300101000000z'],
    ['a fraction', '300101000000.5Z'],
    ['a blank', ' 30101000000Z'],
    ['a sign', '-30101000000Z'],
    ['a line break', '300101000000Z\n'],
    ['four digits of the year', '20300101000000Z'],
    ['nothing', ''],
  ] as const) {
    it(`refuses a UTCTime with ${what}`, () => {
      assert.throws(() => utc(text), refusal(/not in seconds and Z/));
    });
  }

  for (const [what, text] of [
    ['no seconds', '203001010000Z'],
    ['a fraction', '20300101000000.0Z'],
    ['no Z', '20300101000000'],
    ['an offset', '20300101000000+0100'],
    ['two digits of the year', '300101000000Z'],
    ['five digits of the year', '120300101000000Z'],
    ['a line break', '20300101000000Z\n'],
    ['a blank', ' 0300101000000Z'],
  ] as const) {
    it(`refuses a GeneralizedTime with ${what}`, () => {
      assert.throws(() => generalized(text), refusal(/not in seconds and Z/));
    });
  }

  for (const [what, text] of [
    ['month 0', '20300001000000Z'],
    ['month 13', '20301301000000Z'],
    ['day 0', '20300100000000Z'],
    ['30 February', '20300230000000Z'],
    ['29 February of 2023', '20230229000000Z'],
    ['31 April', '20300431000000Z'],
    ['hour 24', '20300101240000Z'],
    ['minute 60', '20300101006000Z'],
    ['second 60', '20300101000060Z'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => generalized(text), refusal(/never was/));
      assert.throws(() => utc(text.slice(2)), refusal(/never was/));
    });
  }

  it('refuses 29 February of 2100, whose two digits name a leap year in UTCTime', () => {
    assert.throws(() => generalized('21000229000000Z'), refusal(/never was/));
    assert.equal(utc('000229000000Z').toISOString(), '2000-02-29T00:00:00.000Z');
  });

  it('refuses what is no time, and digits beyond ASCII', () => {
    const octets = element(tag.octetString, Buffer.from('300101000000Z'));
    assert.throws(() => timeOf(one(octets)), refusal(/a time that is none/));
    assert.throws(() => utc('\xb20101000000Z'), refusal(/not ASCII/));
  });

  it('reads every instant that the writer writes', () => {
    const instants = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instants, (instant) => {
        instant.setUTCMilliseconds(0);
        assert.deepEqual(timeOf(one(generalizedTime(instant))), instant);
        const year = instant.getUTCFullYear();
        if (year >= 1950 && year < 2050) assert.deepEqual(timeOf(one(utcTime(instant))), instant);
      }),
    );
  });
});

describe('ascii', () => {
  it('reads seven-bit text, in a part of a larger buffer as well', () => {
    assert.equal(ascii(Buffer.from('xaz\x7f\0').subarray(1)), 'az\x7f\0');
    assert.equal(ascii(new Uint8Array()), '');
  });
  for (const byte of [0x80, 0xff]) {
    it(`refuses the byte ${byte.toString(16)}`, () => {
      assert.throws(() => ascii(Uint8Array.of(0x61, byte)), refusal(/not ASCII/));
    });
  }
});

describe('any bytes', () => {
  it('give every reader a value or a refusal', () => {
    const readers = [booleanOf, integerBytes, countOf, oidOf, bitStringBytes, namedBits, timeOf];
    const tags = fc.constantFrom(...Object.values(tag), 0xa0, 0x87, 0xff);
    fc.assert(
      fc.property(
        tags,
        fc.uint8Array({ maxLength: 40 }),
        fc.boolean(),
        (number, bytes, wrapped) => {
          for (const reader of readers) {
            try {
              reader(one(wrapped ? element(number, bytes) : Buffer.from([number, ...bytes])));
            } catch (error) {
              refusal(/^malformed: /)(error);
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('cost no more than their length, whatever lengths they claim', () => {
    const nested = Array.from({ length: 5000 }).reduce<Buffer>(
      (inner) => sequence(inner),
      Buffer.alloc(0),
    );
    let depth = 0;
    for (let reader = new DerReader(nested); !reader.done; depth++)
      reader = reader.enter(tag.sequence);
    assert.equal(depth, 5000);
  });
});
