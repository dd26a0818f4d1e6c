import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { checkOptions, checkSeconds, join, quickOptions, suggestion } from '../../src/options.ts';
import { configError } from '../support/errors.ts';

const known = ['maxAge', 'allow'];

describe('checkOptions', () => {
  const good: readonly (readonly [what: string, options: unknown])[] = [
    ['no members at all', {}],
    ['known members', { maxAge: 5, allow: [] }],
    ['a known member that is null, whose own check comes later', { allow: null }],
    ['an object without a prototype', Object.assign(Object.create(null), { maxAge: 5 })],
    ['an object of another realm', runInNewContext('({ maxAge: 5 })')],
  ];
  for (const [what, options] of good) {
    it(`takes ${what}`, () => void checkOptions('policy', options, known));
  }

  class Options {
    get allow(): readonly unknown[] {
      return [];
    }
  }
  const bad: readonly (readonly [what: string, options: unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['a string', 'allow'],
    ['a number', 5],
    ['a function', () => {}],
    ['a list', ['allow']],
    ['a promise, whose await was forgotten', Promise.resolve({ maxAge: 5 })],
    ['a Map', new Map([['maxAge', 5]])],
    ['an instance, whose getters nobody would list', new Options()],
    ['an object that inherits its members', Object.create({ allow: [] })],
  ];
  for (const [what, options] of bad) {
    it(`refuses ${what}, and lists what there is`, () => {
      assert.throws(
        () => checkOptions('policy', options, known),
        configError('policy', /`maxAge`/),
      );
    });
  }

  it('refuses a misspelt member and asks for the one that was meant', () => {
    assert.throws(
      () => checkOptions('policy', { maxage: 5 }, known),
      configError('policy.maxage', /is not an option\. Did you mean `maxAge`\?$/),
    );
  });

  it('refuses a member that every object inherits', () => {
    assert.throws(
      () => checkOptions('', { constructor: 1 }, known),
      configError('constructor', /is not an option/),
    );
  });

  it('refuses a known member that is undefined, and says what that usually is', () => {
    assert.throws(
      () => checkOptions('policy', { allow: undefined }, known),
      configError('policy.allow', /environment variable.*leave the option out$/),
    );
  });
});

describe('quickOptions', () => {
  it('takes what is plainly in order as it is', () => {
    const options = { maxAge: 5, allow: null };
    assert.equal(quickOptions('policy', options, known), options);
  });

  it('refuses what checkOptions refuses, in its words', () => {
    for (const options of [
      { maxage: 5 },
      { maxAge: undefined },
      undefined,
      ['allow'],
      Object.create({ allow: [] }),
    ] as readonly object[]) {
      let words = '';
      try {
        checkOptions('policy', options, known);
      } catch (error) {
        words = (error as Error).message;
      }
      assert.throws(() => quickOptions('policy', options, known), { message: words });
    }
  });

  it('takes own members alone where a prototype is polluted', () => {
    const polluted = Object.prototype as { allow?: unknown };
    polluted.allow = ['everybody'];
    try {
      const options: { maxAge: number; allow?: unknown } = quickOptions(
        'policy',
        { maxAge: 5 },
        known,
      );
      assert.equal(options.allow, undefined);
      assert.equal(options.maxAge, 5);
    } finally {
      delete polluted.allow;
    }
  });
});

describe('checkSeconds', () => {
  for (const value of [0.5, 1, 60, 86_400 * 366]) {
    it(`takes ${value}`, () => assert.equal(checkSeconds('maxAge', value), value));
  }
  for (const value of [0, -1, Number.NaN, Infinity, -Infinity, '60', null, undefined, 5n, {}]) {
    it(`refuses ${String(value)} (${typeof value})`, () => {
      assert.throws(() => checkSeconds('maxAge', value), configError('maxAge', /greater than 0$/));
    });
  }

  it('takes a value over a year for milliseconds', () => {
    assert.throws(
      () => checkSeconds('maxAge', 86_400 * 366 + 1),
      configError('maxAge', /not milliseconds$/),
    );
  });
});

describe('suggestion', () => {
  const table: readonly (readonly [given: string, suggested: string])[] = [
    ['maxAge', ' Did you mean `maxAge`?'],
    ['MAXAGE', ' Did you mean `maxAge`?'],
    ['maxAeg', ' Did you mean `maxAge`?'],
    ['mxAge', ' Did you mean `maxAge`?'],
    ['alow', ' Did you mean `allow`?'],
    ['allows', ' Did you mean `allow`?'],
    ['allowxy', ' Did you mean `allow`?'],
    ['xyallow', ' Did you mean `allow`?'],
    ['low', ' Did you mean `allow`?'],
    ['all', ' Did you mean `allow`?'],
    ['axxow', ' Did you mean `allow`?'],
    ['allowxyz', ' Known: `maxAge`, `allow`'],
    ['xxxow', ' Known: `maxAge`, `allow`'],
    ['al', ' Known: `maxAge`, `allow`'],
    ['trustAnchors', ' Known: `maxAge`, `allow`'],
  ];
  for (const [given, suggested] of table) {
    it(`answers ${given} with${suggested}`, () => {
      assert.equal(suggestion(given, known), suggested);
    });
  }

  it('grants a long name a mistake for every three letters', () => {
    assert.equal(suggestion('trstAnchr', ['trustAnchors']), ' Did you mean `trustAnchors`?');
    assert.match(suggestion('trstAchr', ['trustAnchor']), /Did you mean/);
    assert.match(suggestion('tAchr', ['trustAnchor']), /Known/);
  });

  it('bears a list of nothing', () => assert.equal(suggestion('x', []), ' Known: '));
});

describe('join', () => {
  it('puts a dot between a path and a name, and none at the top', () => {
    assert.equal(join('policy', 'allow'), 'policy.allow');
    assert.equal(join('', 'allow'), 'allow');
  });
});
