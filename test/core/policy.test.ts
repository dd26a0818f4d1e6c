import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Policy, checkPolicy } from '../../src/policy.ts';
import { configError } from '../support/errors.ts';
import { evidence, fakeMethod } from '../support/method.ts';

const a = fakeMethod('a');
const b = fakeMethod('b');

describe('checkPolicy', () => {
  it('requires the only method and asks nothing more, where nothing is said', () => {
    const policy = checkPolicy({}, [a]);
    assert.deepEqual(policy.requirement.methods, [a]);
    assert.equal(policy.matchers, undefined);
    assert.equal(policy.authorize, undefined);
    assert.equal(policy.allowAnonymous, false);
    assert.equal(policy.maxAge, undefined);
  });

  it('keeps an empty list of the allowed apart from none', () => {
    assert.deepEqual(checkPolicy({ allow: [] }, [a]).matchers, []);
  });

  it('compiles every match', () => {
    const { matchers = [] } = checkPolicy({ allow: [{ user: 'x' }, { user: 'y' }] }, [a]);
    const y = { a: evidence('user:y', { user: 'y' }) };
    assert.deepEqual(
      matchers.map((matches) => matches(y)),
      [false, true],
    );
  });

  it('replaces exactly the members that are named', () => {
    const authorize = () => true;
    const base: Policy = { require: 'a', allow: [], allowAnonymous: true, maxAge: 60, authorize };
    const { source } = checkPolicy({ maxAge: 5, require: 'b' }, [a, b], base);
    assert.deepEqual({ ...source }, { ...base, maxAge: 5, require: 'b' });
    const same = checkPolicy({}, [a, b], base);
    assert.deepEqual({ ...same.source }, base);
    assert.equal(same.authorize, authorize);
    assert.equal(same.allowAnonymous, true);
    assert.equal(same.maxAge, 60);
  });

  it('lets a route take back what the verifier permits', () => {
    const { allowAnonymous } = checkPolicy({ allowAnonymous: false }, [a], {
      allowAnonymous: true,
    });
    assert.equal(allowAnonymous, false);
  });

  const wrong: readonly (readonly [policy: unknown, path: string, says: RegExp])[] = [
    [undefined, 'policy', /plain object/],
    [null, 'policy', /plain object/],
    ['a', 'policy', /plain object/],
    [Promise.resolve({}), 'policy', /plain object/],
    [{ requires: 'a' }, 'policy.requires', /Did you mean `require`/],
    [{ require: undefined }, 'policy.require', /undefined/],
    [{ allow: undefined }, 'policy.allow', /undefined/],
    [{ authorize: undefined }, 'policy.authorize', /undefined/],
    [{ allowAnonymous: undefined }, 'policy.allowAnonymous', /undefined/],
    [{ maxAge: undefined }, 'policy.maxAge', /undefined/],
    [{ require: 'c' }, 'policy.require', /not among/],
    [{ require: null }, 'policy.require', /plain object/],
    [{ allow: { user: 'x' } }, 'policy.allow', /list of matches/],
    [{ allow: null }, 'policy.allow', /list of matches/],
    [{ allow: 'x' }, 'policy.allow', /list of matches/],
    [{ allow: [{ user: 'x' }, {}] }, 'policy.allow[1]', /without fields/],
    [{ allow: [{ user: undefined }] }, 'policy.allow[0].user', /environment variable/],
    [{ authorize: true }, 'policy.authorize', /must be a function/],
    [{ authorize: null }, 'policy.authorize', /must be a function/],
    [{ allowAnonymous: 'false' }, 'policy.allowAnonymous', /true or false/],
    [{ allowAnonymous: 1 }, 'policy.allowAnonymous', /true or false/],
    [{ allowAnonymous: null }, 'policy.allowAnonymous', /true or false/],
    [{ maxAge: 0 }, 'policy.maxAge', /greater than 0/],
    [{ maxAge: null }, 'policy.maxAge', /greater than 0/],
    [{ maxAge: 3_600_000_000 }, 'policy.maxAge', /milliseconds/],
  ];
  for (const [policy, path, says] of wrong) {
    it(`refuses ${JSON.stringify(policy) ?? 'undefined'} at ${path}`, () => {
      assert.throws(() => checkPolicy(policy as Policy, [a]), configError(path, says));
    });
  }

  it('must be told which of several methods are required', () => {
    assert.throws(() => checkPolicy({}, [a, b]), configError('policy.require', /which of/));
    assert.throws(
      () => checkPolicy({ require: null } as never, [a, b], { require: 'b' }),
      configError('policy.require', /plain object/),
    );
    assert.deepEqual(checkPolicy({ require: 'b' }, [a, b]).requirement.methods, [b]);
  });
});
