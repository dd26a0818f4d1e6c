import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  parseDictionary,
  parseItem,
  parseList,
} from '../../../src/http/structured-fields/parse.ts';
import {
  serialiseBytes,
  serialiseDictionary,
  serialiseInnerList,
  serialiseItem,
  serialiseList,
} from '../../../src/http/structured-fields/serialise.ts';
import type { BareItem, Member } from '../../../src/http/structured-fields/values.ts';

const none = new Map<string, BareItem>();
const item = (value: BareItem): string => serialiseItem({ value, parameters: none });

describe('serialiseItem', () => {
  const table: readonly (readonly [value: BareItem, text: string])[] = [
    ['a"b\\c', '"a\\"b\\\\c"'],
    [0, '0'],
    [-0, '0'],
    [-999_999_999_999_999, '-999999999999999'],
    [{ type: 'decimal', value: 1 }, '1.0'],
    [{ type: 'decimal', value: 0.0005 }, '0.0'],
    [{ type: 'decimal', value: 0.0015 }, '0.002'],
    [{ type: 'decimal', value: -0.0001 }, '0.0'],
    [{ type: 'decimal', value: 999_999_999_999.999 }, '999999999999.999'],
    [{ type: 'display-string', value: '"%\u00fc\n' }, '%"%22%25%c3%bc%0a"'],
    [new Uint8Array([1, 2, 255]), ':AQL/:'],
  ];
  for (const [value, text] of table) {
    it(`writes ${text}`, () => assert.equal(item(value), text));
  }

  const wrong: readonly (readonly [what: string, value: BareItem])[] = [
    ['a fraction as an integer', 1.5],
    ['an integer that is too long', 1e15],
    ['an integer that is no number', NaN],
    ['a decimal that is too long', { type: 'decimal', value: 1e12 }],
    ['a decimal that is no number', { type: 'decimal', value: NaN }],
    ['a date within a second', { type: 'date', value: 0.5 }],
    ['a string beyond ASCII', '\u00fc'],
    ['a line break', 'a\nb'],
    ['an empty token', { type: 'token', value: '' }],
    ['a token with a blank', { type: 'token', value: 'a b' }],
    ['half a character', { type: 'display-string', value: '\ud800' }],
  ];
  for (const [what, value] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => item(value), RangeError));
  }

  it('refuses a key that is none', () => {
    for (const key of ['', 'A', '1a', 'a b', 'a;b']) {
      assert.throws(
        () => serialiseItem({ value: 1, parameters: new Map([[key, true]]) }),
        RangeError,
      );
    }
  });
});

describe('serialiseBytes', () => {
  it('writes the part of a buffer that it is given', () => {
    assert.equal(serialiseBytes(new Uint8Array([9, 97, 98, 9]).subarray(1, 3)), ':YWI=:');
  });
});

describe('what is written', () => {
  const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,6}$/);
  const bare: fc.Arbitrary<BareItem> = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.integer().map((value) => ({ type: 'date', value }) as const),
    fc.integer().map((value) => ({ type: 'decimal', value: value / 1000 }) as const),
    fc.string({ unit: 'binary' }).map((value) => ({ type: 'display-string', value }) as const),
    fc
      .stringMatching(/^[a-zA-Z*][a-zA-Z0-9:/%]{0,6}$/)
      .map((value) => ({ type: 'token', value }) as const),
  );
  const parameters = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((all) => new Map(all));
  const items = fc.record({ value: bare, parameters }, { noNullPrototype: true });
  const member: fc.Arbitrary<Member> = fc.oneof(
    items,
    fc.record({ items: fc.array(items, { maxLength: 4 }), parameters }, { noNullPrototype: true }),
  );

  it('is read as the same', () => {
    fc.assert(
      fc.property(items, (value) => {
        assert.deepEqual(parseItem(serialiseItem(value)), value);
      }),
    );
    fc.assert(
      fc.property(fc.array(member, { maxLength: 4 }), (list) => {
        assert.deepEqual(parseList(serialiseList(list)), list);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, member), { maxLength: 4 }), (entries) => {
        const dictionary = new Map(entries);
        assert.deepEqual(parseDictionary(serialiseDictionary(dictionary)), dictionary);
      }),
    );
  });

  it('has nothing between the brackets of an empty list', () => {
    assert.equal(serialiseInnerList({ items: [], parameters: new Map([['a', 1]]) }), '();a=1');
  });
});
