import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVerifier, mtls } from '../../../src/index.ts';
import { configError } from '../../support/errors.ts';
import { fakeMethod } from '../../support/method.ts';

describe('mtls', () => {
  const other = fakeMethod('other', null, { mapsSubject: true });
  const policy = { require: { allOf: ['mtls', 'other'], bind: 'subject' } } as const;

  it('is bound by subject only where the user chose the subject', () => {
    assert.throws(
      () => createVerifier({ methods: [mtls(), other], policy }),
      configError('policy.require.bind', /mtls needs a `subject` mapping/),
    );
    const mapped = mtls({ subject: () => 'user:alice' });
    assert.doesNotThrow(() => createVerifier({ methods: [mapped, other], policy }));
  });
});
