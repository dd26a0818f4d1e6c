import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { AuthError } from '../../src/errors.ts';
import {
  type ParseOptions,
  parseDictionary,
  parseItem,
  parseList,
} from '../../src/http/structured-fields/parse.ts';
import {
  serialiseDictionary,
  serialiseItem,
  serialiseList,
} from '../../src/http/structured-fields/serialise.ts';
import {
  type BareItem,
  type Dictionary,
  type Item,
  type List,
  type Member,
  type Parameters,
  isInnerList,
} from '../../src/http/structured-fields/values.ts';
import { describeVectors } from '../support/vectors.ts';

type Kind = 'item' | 'list' | 'dictionary';

interface Case {
  readonly name: string;
  readonly header_type: Kind;
  readonly raw?: readonly string[];
  readonly expected?: unknown;
  readonly canonical?: readonly string[];
  readonly must_fail?: boolean;
  readonly can_fail?: boolean;
}

describeVectors('the parser on the structured field tests', 'structured-field-tests', (folder) => {
  const cases = readCases(folder);
  assert.equal(cases.length, 1591);

  for (const { name, header_type: kind, raw = [], ...rest } of cases) {
    const text = raw.join(', ');
    it(`${kind} ${JSON.stringify(text.slice(0, 40))}: ${name}`, () => {
      if (rest.must_fail === true) return assert.throws(() => parse(kind, raw), malformed);
      let value: Item | List | Dictionary;
      try {
        value = parse(kind, raw);
      } catch (error) {
        assert.ok(rest.can_fail === true && malformed(error), name);
        return;
      }
      assert.deepEqual(plain(value), rest.expected);
      assert.equal(serialise(kind, value), (rest.canonical ?? raw).join(', '));
    });
  }

  it('refuses, where the suite leaves it the choice, only base64 that has two spellings', () => {
    const refused = cases.filter(({ header_type: kind, raw = [], must_fail: mustFail }) => {
      try {
        parse(kind, raw);
        return false;
      } catch {
        return mustFail !== true;
      }
    });
    assert.deepEqual(
      refused.map(({ name }) => name),
      ['bad padding', 'non-zero pad bits'],
    );
  });
});

describeVectors(
  'the serialiser on the structured field tests',
  'structured-field-tests/serialisation-tests',
  (folder) => {
    const cases = readCases(folder);
    assert.equal(cases.length, 544);

    for (const { name, header_type: kind, expected, canonical, must_fail: mustFail } of cases) {
      it(`${kind}: ${name}`, () => {
        const value = fromPlain(kind, expected);
        if (mustFail === true) assert.throws(() => serialise(kind, value), RangeError);
        else assert.equal(serialise(kind, value), canonical!.join(', '));
      });
    }
  },
);

function readCases(folder: string): readonly Case[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Case[]);
}

function malformed(error: unknown): true {
  assert.ok(error instanceof AuthError && error.code === 'ERR_FIELD_MALFORMED', String(error));
  return true;
}

function parse(kind: Kind, raw: readonly string[]): Item | List | Dictionary {
  // The suite wants the last of two equal keys.
  const options: ParseOptions = { duplicates: 'last' };
  if (kind === 'item') return parseItem(raw, options);
  return kind === 'list' ? parseList(raw, options) : parseDictionary(raw, options);
}

function serialise(kind: Kind, value: Item | List | Dictionary): string {
  if (kind === 'item') return serialiseItem(value as Item);
  return kind === 'list' ? serialiseList(value as List) : serialiseDictionary(value as Dictionary);
}

/** A value as the suite writes it. */
function plain(value: Item | List | Dictionary): unknown {
  if (value instanceof Map) return [...value].map(([key, member]) => [key, plainMember(member)]);
  return Array.isArray(value) ? (value as List).map(plainMember) : plainMember(value as Item);
}

function plainMember(member: Member): unknown {
  const value = isInnerList(member) ? member.items.map(plainMember) : plainBare(member.value);
  return [value, [...member.parameters].map(([key, bare]) => [key, plainBare(bare)])];
}

function plainBare(value: BareItem): unknown {
  if (value instanceof Uint8Array) return { __type: 'binary', value: base32(value) };
  if (typeof value !== 'object') return value;
  if (value.type === 'decimal') return value.value;
  return { __type: value.type.replace('-', ''), value: value.value };
}

function fromPlain(kind: Kind, expected: unknown): Item | List | Dictionary {
  if (kind === 'item') return itemOf(expected as [unknown, [string, unknown][]]);
  const entries = expected as [string, [unknown, [string, unknown][]]][];
  if (kind === 'dictionary') return new Map(entries.map(([key, one]) => [key, itemOf(one)]));
  return (expected as [unknown, [string, unknown][]][]).map(itemOf);
}

function itemOf([value, parameters]: [unknown, [string, unknown][]]): Item {
  const bare = (one: unknown): BareItem => {
    if (typeof one === 'number' && !Number.isInteger(one)) return { type: 'decimal', value: one };
    if (typeof one !== 'object' || one === null) return one as BareItem;
    const { __type: type, value: inner } = one as { __type: string; value: never };
    return { type: type as 'token', value: inner };
  };
  const all: Parameters = new Map(parameters.map(([key, one]) => [key, bare(one)]));
  return { value: bare(value), parameters: all };
}

function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  const text = groups.map((group) => alphabet[parseInt(group.padEnd(5, '0'), 2)]).join('');
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=');
}
