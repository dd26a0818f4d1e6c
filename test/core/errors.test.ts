import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  AuthError,
  type AuthErrorCode,
  ConfigError,
  authErrorStatus,
  quote,
} from '../../src/errors.ts';

// What a second copy of the package in the same process makes.
const foreign = (brand: string): unknown => ({ [Symbol.for(brand)]: true });

describe('authErrorStatus', () => {
  for (const [code, status] of Object.entries(authErrorStatus)) {
    it(`gives ${code} a status of its own that says failure`, () => {
      assert.ok(status >= 400 && status < 600 && STATUS_CODES[status] !== undefined);
      assert.equal(new AuthError(code as AuthErrorCode, 'why').status, status);
    });
  }

  it('says 401 only where other credentials would help', () => {
    const of401 = Object.entries(authErrorStatus).filter(([, status]) => status === 401);
    assert.deepEqual(of401.map(([code]) => code).sort(), [
      'ERR_CREDENTIAL_EXPIRED',
      'ERR_CREDENTIAL_MISSING',
      'ERR_KEY_UNKNOWN',
      'ERR_REPLAYED',
      'ERR_SIGNATURE_COVERAGE',
      'ERR_SIGNATURE_INVALID',
      'ERR_SIGNATURE_STALE',
      'ERR_STEP_UP_REQUIRED',
    ]);
  });
});

describe('AuthError', () => {
  it('carries code, reason and the status under both names, and never exposes itself', () => {
    const error = new AuthError('ERR_CROSS_SITE', 'why');
    const { name, code, message, status, statusCode, headers, expose } = error;
    assert.deepEqual(
      { name, code, message, status, statusCode, headers, expose },
      {
        name: 'AuthError',
        code: 'ERR_CROSS_SITE',
        message: 'why',
        status: 403,
        statusCode: 403,
        headers: {},
        expose: false,
      },
    );
  });

  it("refuses with 403 for a code of a user's own method", () => {
    assert.equal(new AuthError('x-mine', 'why').status, 403);
  });

  it('takes another status, headers and a cause', () => {
    const cause = new Error('underneath');
    const headers = { 'retry-after': '9' };
    const error = new AuthError('x-mine', 'why', { status: 429, headers, cause });
    assert.deepEqual([error.status, error.statusCode], [429, 429]);
    assert.equal(error.headers, headers);
    assert.equal(error.cause, cause);
  });

  it('has no cause where none is given', () => {
    assert.equal('cause' in new AuthError('x-mine', 'why'), false);
  });

  it('is recognised across two copies of the package, and nothing else is', () => {
    assert.ok(new AuthError('x-mine', 'why') instanceof AuthError);
    assert.ok(foreign('countersign.AuthError') instanceof AuthError);
    for (const other of [undefined, null, 'AuthError', {}, new Error('x'), () => {}]) {
      assert.equal(other instanceof AuthError, false);
    }
    assert.equal(new ConfigError('path', 'fix') instanceof AuthError, false);
  });

  it('does not show its brand when it is printed as JSON or copied', () => {
    const error = new AuthError('x-mine', 'why');
    assert.equal({ ...error } instanceof AuthError, false);
  });
});

describe('ConfigError', () => {
  it('is a TypeError that names the option and ends with the fix', () => {
    const error = new ConfigError('policy.allow[0]', 'name somebody');
    assert.ok(Object.getPrototypeOf(ConfigError) === TypeError && error instanceof TypeError);
    assert.equal(error.name, 'ConfigError');
    assert.equal(error.path, 'policy.allow[0]');
    assert.equal(error.message, 'policy.allow[0]: name somebody');
  });

  it('is recognised across two copies of the package, and nothing else is', () => {
    assert.ok(new ConfigError('path', 'fix') instanceof ConfigError);
    assert.ok(foreign('countersign.ConfigError') instanceof ConfigError);
    assert.equal(new TypeError('x') instanceof ConfigError, false);
    assert.equal(new AuthError('x-mine', 'why') instanceof ConfigError, false);
  });
});

describe('quote', () => {
  const table: readonly (readonly [what: string, text: string, quoted: string])[] = [
    ['plain text', 'alice', '"alice"'],
    ['quotes and backslashes', 'a"b\\', '"a\\"b\\\\"'],
    ['line breaks', 'a\r\nb', '"a\\r\\nb"'],
    ['terminal controls beyond ASCII', 'a\u009b2J', '"a\\u{9b}2J"'],
    ['a change of direction', 'a\u202eb', '"a\\u{202e}b"'],
    ['line separators', 'a\u2028b', '"a\\u{2028}b"'],
    ['64 characters whole', 'x'.repeat(64), `"${'x'.repeat(64)}"`],
    ['65 characters cut', 'x'.repeat(65), `"${'x'.repeat(63)}\u2026"`],
  ];
  for (const [what, text, quoted] of table) {
    it(`writes ${what}`, () => assert.equal(quote(text), quoted));
  }

  it('never lets a control character or half a character through, and stays short', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const quoted = quote(text);
        assert.doesNotMatch(quoted, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        assert.ok(quoted.length <= 64 * 10 + 2);
      }),
    );
  });
});
