import assert from 'node:assert/strict';
import { AuthError, type AuthErrorCode, ConfigError } from '../../src/errors.ts';

/** For `assert.throws`: a ConfigError at this path of the options. */
export function configError(path: string, message = /./): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.path, path);
    assert.match(error.message, message);
    return true;
  };
}

/** For `assert.throws` and `assert.rejects`: an AuthError of this code. */
export function authError(code: AuthErrorCode, message = /./): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof AuthError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
