import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evidence } from '../../src/identity.ts';
import type { ServerMethod } from '../../src/method.ts';
import { type Requirement, checkRequirement } from '../../src/requirement.ts';
import { authError, configError } from '../support/errors.ts';
import { evidence, fakeMethod } from '../support/method.ts';

// `a` and `b` map their subjects; `oauth` is a token; `x` is neither.
const a = fakeMethod('a', null, { mapsSubject: true });
const b = fakeMethod('b', null, { mapsSubject: true });
const x = fakeMethod('x');
const oauth = fakeMethod('oauth', null, { confirms: () => true });

const check = (requirement: unknown, methods: readonly ServerMethod[] = [a, b, x, oauth]) =>
  checkRequirement('require', requirement as Requirement, methods);

type Found = Readonly<Record<string, string>>;

/** The ways as text: `a+b` for each. Subjects by method name say what was found. */
function ways(requirement: unknown, found: Found, methods = [a, b, x, oauth]): readonly string[] {
  const proven = methods
    .filter(({ name }) => found[name] !== undefined)
    .map((method) => ({ method, evidence: evidence(found[method.name]!) }));
  return check(requirement, methods)
    .ways(proven)
    .map((way) => way.map(({ method }) => method.name).join('+'));
}

const tokenThat = (confirms: (token: Evidence, other: Evidence) => unknown, name = 'oauth') =>
  fakeMethod(name, null, { confirms: confirms as never });

describe('checkRequirement', () => {
  const met: readonly (readonly [
    requirement: Requirement,
    found: Found,
    ways: readonly string[],
  ])[] = [
    ['a', { a: '1' }, ['a']],
    ['a', { b: '1' }, []],
    [{ anyOf: ['a', 'b'] }, {}, []],
    [{ anyOf: ['a', 'b'] }, { b: '1' }, ['b']],
    [{ anyOf: ['b', 'a'] }, { a: '1', b: '2' }, ['b', 'a']],
    [{ allOf: ['a', 'b'], bind: 'none' }, { a: '1', b: '2' }, ['a+b']],
    [{ allOf: ['a', 'b'], bind: 'none' }, { a: '1' }, []],
    [{ allOf: ['a', 'b'], bind: 'none' }, { b: '1' }, []],
    [{ allOf: ['a', 'b', 'a'], bind: 'none' }, { a: '1', b: '2' }, ['a+b']],
    [{ allOf: ['a', 'a'] }, { a: '1' }, ['a']],
    [{ allOf: ['a'] }, { a: '1' }, ['a']],
    [{ allOf: [{ anyOf: ['a', 'b'] }, 'x'], bind: 'none' }, { b: '1', x: '2' }, ['b+x']],
    [
      { allOf: [{ anyOf: ['a', 'b'] }, 'x'], bind: 'none' },
      { a: '1', b: '1', x: '2' },
      ['a+x', 'b+x'],
    ],
    [{ anyOf: [{ allOf: ['a', 'b'], bind: 'none' }, 'x'] }, { a: '1', x: '2' }, ['x']],
    [{ anyOf: ['a', { anyOf: ['b', 'x'] }] }, { x: '1', b: '1' }, ['b', 'x']],
    [{ allOf: ['a', 'b'], bind: 'subject' }, { a: '1', b: '1' }, ['a+b']],
    [{ allOf: ['a', 'oauth'] }, { a: '1', oauth: '2' }, ['a+oauth']],
  ];
  for (const [requirement, found, expected] of met) {
    it(`finds [${expected}] in ${JSON.stringify(found)} for ${JSON.stringify(requirement)}`, () => {
      assert.deepEqual(ways(requirement, found), expected);
    });
  }

  it('names every method once, in the order of the requirement', () => {
    const { methods } = check({ anyOf: ['x', { allOf: ['b', 'x', 'oauth'], bind: 'none' }, 'b'] });
    assert.deepEqual(methods, [x, b, oauth]);
  });

  it('finds the evidence of the method itself, not of one with the same name', () => {
    const checked = check('a');
    assert.deepEqual(checked.ways([{ method: fakeMethod('a'), evidence: evidence('1') }]), []);
  });

  const wrong: readonly (readonly [requirement: unknown, path: string, says: RegExp])[] = [
    ['c', 'require', /not among the methods\. Did you mean `a`/],
    ['oaut', 'require', /Did you mean `oauth`/],
    ['', 'require', /not among/],
    [undefined, 'require', /plain object/],
    [null, 'require', /plain object/],
    [5, 'require', /plain object/],
    [['a'], 'require', /plain object/],
    [{}, 'require.anyOf', /at least one/],
    [{ anyOf: 'a' }, 'require.anyOf', /must be a list/],
    [{ anyOf: [] }, 'require.anyOf', /at least one/],
    [{ anyOf: undefined }, 'require.anyOf', /undefined/],
    [{ anyOf: ['a', undefined] }, 'require.anyOf[1]', /plain object/],
    [{ anyOf: ['a', { anyOf: ['nobody'] }] }, 'require.anyOf[1].anyOf[0]', /not among/],
    [{ anyOf: ['a'], bind: 'none' }, 'require.bind', /not an option/],
    [{ anyOf: ['a'], allOf: ['b'] }, 'require.anyOf', /not an option/],
    [{ allOf: [] }, 'require.allOf', /at least one/],
    [{ allOf: 'a' }, 'require.allOf', /must be a list/],
    [{ allOf: undefined }, 'require.allOf', /undefined/],
    [{ allOf: ['nobody', 'a'] }, 'require.allOf[0]', /not among/],
    [{ allOf: ['a', 'b'], bind: undefined }, 'require.bind', /undefined/],
    [{ allOf: ['a', 'b'], bond: 'none' }, 'require.bond', /Did you mean `bind`/],
    [{ allOf: ['a', 'b'] }, 'require.bind', /'subject' or 'none'/],
    [{ allOf: ['a', 'b'], bind: 'confirmation' }, 'require.bind', /names the keys of others/],
    [{ allOf: ['a', 'x'], bind: 'subject' }, 'require.bind', /x needs a `subject` mapping/],
    [{ allOf: ['x', 'a'], bind: 'subject' }, 'require.bind', /x needs a `subject` mapping/],
    [{ allOf: ['a', 'b'], bind: 'both' }, 'require.bind', /must be 'confirmation'/],
    [{ allOf: ['a', 'b'], bind: true }, 'require.bind', /must be 'confirmation'/],
    [{ allOf: ['a'], bind: 'both' }, 'require.bind', /must be 'confirmation'/],
    [{ allOf: ['a', { allOf: ['a', 'b'] }], bind: 'none' }, 'require.allOf[1].bind', /subject/],
  ];
  for (const [requirement, path, says] of wrong) {
    it(`refuses ${JSON.stringify(requirement) ?? 'undefined'}`, () => {
      assert.throws(() => check(requirement), configError(path, says));
    });
  }

  it('takes any bind for one method, which always belongs to itself', () => {
    for (const bind of ['confirmation', 'subject', 'none']) {
      assert.deepEqual(ways({ allOf: ['x'], bind }, { x: '1' }), ['x']);
    }
  });
});

describe('bind: subject', () => {
  const both: Requirement = { allOf: ['a', 'b'], bind: 'subject' };
  const mismatch = authError('ERR_BINDING_MISMATCH', /a and b/);

  it('refuses parts of two peers, where none would be better', () => {
    assert.throws(() => ways(both, { a: '1', b: '2' }), mismatch);
    assert.throws(() => ways({ anyOf: [both, 'x'] }, { a: '1', b: '2', x: '1' }), mismatch);
  });

  it('compares every part, not only the first two', () => {
    const c = fakeMethod('c', null, { mapsSubject: true });
    const three = { allOf: ['a', 'b', 'c'], bind: 'subject' };
    assert.throws(
      () => ways(three, { a: '1', b: '1', c: '2' }, [a, b, c]),
      authError('ERR_BINDING_MISMATCH'),
    );
  });

  it('keeps only the ways that belong together', () => {
    const c = fakeMethod('c', null, { mapsSubject: true });
    const choice = { allOf: [{ anyOf: ['a', 'c'] }, 'b'], bind: 'subject' };
    assert.deepEqual(ways(choice, { a: '2', b: '1', c: '1' }, [a, b, c]), ['c+b']);
  });

  it('counts only a mapping that is declared with true', () => {
    const truthy = fakeMethod('a', null, { mapsSubject: 1 as never });
    assert.throws(() => check(both, [truthy, b]), configError('require.bind', /a needs/));
  });
});

describe('bind: confirmation', () => {
  const both: Requirement = { allOf: ['x', 'oauth'] };
  const found = { x: 'key:1', oauth: 'sub:1' };

  it('is the default where a token is required', () => {
    const refusing = tokenThat(() => false);
    assert.throws(() => ways(both, found, [x, refusing]), authError('ERR_BINDING_MISMATCH'));
    assert.deepEqual(ways({ ...both, bind: 'none' }, found, [x, refusing]), ['x+oauth']);
  });

  it('asks the token, with its own evidence first', () => {
    const asked: string[] = [];
    const token = tokenThat((own, other) => asked.push(`${own.subject} ${other.subject}`) > 0);
    assert.deepEqual(ways(both, found, [x, token]), ['x+oauth']);
    assert.deepEqual(asked, ['sub:1 key:1']);
  });

  for (const answer of [false, undefined, null, 1, 'yes', {}, [], Promise.resolve(true)]) {
    it(`is not bound by ${String(answer)} (${typeof answer})`, () => {
      const token = tokenThat(() => answer);
      for (const allOf of [
        ['x', 'oauth'],
        ['oauth', 'x'],
      ]) {
        assert.throws(
          () => ways({ allOf }, found, [x, token]),
          authError('ERR_BINDING_MISMATCH', /(x and oauth|oauth and x) found/),
        );
      }
    });
  }

  it('needs every other part confirmed', () => {
    const token = tokenThat((_, other) => other.subject === 'key:1');
    const three = { allOf: ['x', 'a', 'oauth'] };
    assert.throws(
      () => ways(three, { ...found, a: 'key:2' }, [x, a, token]),
      authError('ERR_BINDING_MISMATCH'),
    );
    assert.deepEqual(ways(three, { ...found, a: 'key:1' }, [x, a, token]), ['x+a+oauth']);
  });

  it('needs every token to confirm', () => {
    const strict = tokenThat(() => false, 'strict');
    assert.throws(
      () =>
        ways({ allOf: ['x', 'oauth', 'strict'] }, { ...found, strict: '1' }, [x, oauth, strict]),
      authError('ERR_BINDING_MISMATCH'),
    );
  });

  it('holds for no way without a token in it', () => {
    const choice = { allOf: [{ anyOf: ['a', 'oauth'] }, 'x'] };
    assert.throws(() => ways(choice, { a: '1', x: '1' }), authError('ERR_BINDING_MISMATCH'));
    assert.deepEqual(ways(choice, { a: '1', x: '1', oauth: '1' }), ['oauth+x']);
  });

  it('is no question for a token alone', () => {
    const token = tokenThat(() => false);
    const either = { allOf: [{ anyOf: ['oauth', 'x'] }, { anyOf: ['oauth', 'x'] }] };
    assert.deepEqual(ways(either, { oauth: '1' }, [x, token]), ['oauth']);
  });
});
