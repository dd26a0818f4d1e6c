import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AuthError } from '../../../src/errors.ts';
import {
  type FieldLines,
  type ParseOptions,
  parseDictionary,
  parseItem,
  parseList,
} from '../../../src/http/structured-fields/parse.ts';
import { authError } from '../../support/errors.ts';

// What every field may hold is in the public suite, test/conformance; here is what is ours.
const malformed = (message: RegExp): ((error: unknown) => true) =>
  authError('ERR_FIELD_MALFORMED', message);

describe('parseDictionary', () => {
  it('refuses a key that comes twice, of a member and of a parameter', () => {
    for (const text of ['a=1, a=1', 'a, b, a', 'a;x;x', 'a=(1;x=1;x=2)', 'a=();x;y;x']) {
      assert.throws(() => parseDictionary(text), malformed(/^the field has a key twice$/), text);
    }
  });

  it('lets the last one win where it is told to, in the place of the first', () => {
    const members = parseDictionary('a=1, b=2, a=3;x;x=5', { duplicates: 'last' });
    assert.deepEqual([...members.keys()], ['a', 'b']);
    assert.deepEqual(members.get('a'), { value: 3, parameters: new Map([['x', 5]]) });
  });

  it('reads several lines as one field', () => {
    assert.deepEqual([...parseDictionary(['a=1', 'b=(2)']).keys()], ['a', 'b']);
    assert.throws(() => parseDictionary(['a=1', 'a=2']), malformed(/twice/));
    assert.throws(() => parseDictionary(['a=1', '']), malformed(/ends with a comma/));
    assert.equal(parseDictionary([]).size, 0);
  });

  it('calls the field by its name', () => {
    assert.throws(
      () => parseDictionary('!', { name: 'signature' }),
      malformed(/^signature has no key/),
    );
  });

  it('does not take keys for members of objects', () => {
    const members = parseDictionary('constructor=1, tostring=2');
    assert.deepEqual([...members.keys()], ['constructor', 'tostring']);
    assert.throws(() => parseDictionary('__proto__=1'), malformed(/no key/));
  });

  it('has a limit on members, and no more work than that', () => {
    const members = Array.from({ length: 1024 }, (_, i) => `a${i}`);
    assert.equal(parseDictionary(members).size, 1024);
    assert.throws(() => parseDictionary([...members, 'b']), malformed(/too many members/));
    assert.equal(parseDictionary('a, b', { maxMembers: 2 }).size, 2);
    assert.throws(
      () => parseDictionary('a, b, c', { maxMembers: 2 }),
      malformed(/too many members/),
    );
  });

  it('has a limit on the parameters of each', () => {
    const parameters = Array.from({ length: 256 }, (_, i) => `;a${i}`).join('');
    assert.equal(parseDictionary(`a${parameters}`).get('a')?.parameters.size, 256);
    assert.throws(() => parseDictionary(`a${parameters};b`), malformed(/too many parameters/));
  });

  it('has a limit on its length, and answers 431 beyond', () => {
    const longest = `a="${'x'.repeat(131_072 - 4)}"`;
    assert.equal(parseDictionary(longest).size, 1);
    for (const [text, options] of [
      [`${longest} `, {}],
      ['a, b', { maxLength: 3 }],
    ] as const) {
      assert.throws(
        () => parseDictionary(text, options),
        authError('ERR_FIELD_TOO_LARGE', /longer than/),
      );
    }
  });
});

describe('parseList', () => {
  it('has a limit on members and on those of each inner list', () => {
    assert.equal(parseList('1,'.repeat(1023) + '1').length, 1024);
    assert.throws(() => parseList('1,'.repeat(1024) + '1'), malformed(/too many members/));
    assert.equal(parseList(`(${'1 '.repeat(256)})`).length, 1);
    assert.throws(() => parseList(`(${'1 '.repeat(257)})`), malformed(/too long/));
  });

  it('has no lists within inner lists', () => {
    assert.throws(() => parseList('('.repeat(10_000)), malformed(/no value/));
  });
});

describe('parseItem', () => {
  const table: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /no value/],
    ['1 2', /goes on after its end/],
    ['1, 2', /goes on after its end/],
    ['"a', /string without an end/],
    ['"a\n"', /string without an end/],
    ['"\u00e9"', /string without an end/],
    ['"a\\', /escape/],
    ['"a\\n"', /escape/],
    ['"\\"\u0000"', /string without an end/],
    [':YQ:', /base64/],
    [':YQ==', /base64/],
    [':Y-_=:', /base64/],
    [':YR==:', /base64/],
    [': YQ==:', /base64/],
    ['?2', /boolean/],
    ['?', /boolean/],
    ['-', /number/],
    ['1.', /number/],
    ['1.1234', /number/],
    ['1234567890123.1', /number/],
    ['1234567890123456', /number/],
    ['@', /date/],
    ['@1.5', /date/],
    ['@a', /date/],
    ['%a', /display string/],
    ['%"a', /display string/],
    ['%"%C3%A9"', /display string/],
    ['%"%c3"', /display string/],
    ['%"%c"', /display string/],
    ['%"\u00e9"', /display string/],
    ['\u00e9', /no value/],
    ['\u0161', /no value/],
  ];
  for (const [text, message] of table) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseItem(text), malformed(message));
    });
  }

  it('has one zero', () => {
    assert.ok(Object.is(parseItem('-0').value, 0));
    assert.deepEqual(parseItem('-0.0').value, { type: 'decimal', value: 0 });
    assert.ok(Object.is((parseItem('-0.0').value as { value: number }).value, 0));
  });
});

describe('the parsers', () => {
  const parsers: readonly ((lines: FieldLines, options?: ParseOptions) => unknown)[] = [
    parseDictionary,
    parseList,
    parseItem,
  ];
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'ab1*_-.:;=,()"\\?@% \t+/\u00e9') }),
    fc.array(fc.string({ unit: fc.constantFrom(...'a1;=,()" ') })),
  );

  it('answer any text with a value or an AuthError', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom('refuse', 'last'), (lines, duplicates) => {
        for (const parse of parsers) {
          try {
            parse(lines, { duplicates });
          } catch (error) {
            assert.ok(error instanceof AuthError, String(error));
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  for (const part of [
    'a,',
    '(',
    '"',
    '"\\"',
    ':',
    ';a',
    'a;',
    ' ',
    '\t',
    '1',
    'a=',
    '%"',
    '@',
    ', ',
  ]) {
    it(`spend no more than a moment on ${JSON.stringify(part)} over and over`, () => {
      const text = part.repeat(131_072 / part.length);
      const start = performance.now();
      for (const parse of parsers) {
        for (const [before, after] of [
          ['', ''],
          ['a=', '!'],
          ['"', '\u0000'],
        ] as const) {
          try {
            parse(before + text.slice(0, -4) + after);
          } catch (error) {
            assert.ok(error instanceof AuthError);
          }
        }
      }
      assert.ok(performance.now() - start < 1000);
    });
  }
});
