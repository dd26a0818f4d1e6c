import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { createVerifier } from '../../src/index.ts';
import { guard } from '../../src/node/index.ts';
import { configError } from '../support/errors.ts';
import { fakeMethod } from '../support/method.ts';

const verifier = createVerifier({ methods: [fakeMethod('m')] });

function exchange(): readonly [IncomingMessage, ServerResponse] {
  const request = new IncomingMessage(new Socket());
  return [request, new ServerResponse(request)];
}

describe('the policy of guard', () => {
  it('is that of the verifier where the argument is left out', async () => {
    assert.equal((await guard(verifier, ...exchange())).outcome, 'accepted');
  });

  it('replaces it where one is given', async () => {
    assert.equal((await guard(verifier, ...exchange(), { allow: [] })).outcome, 'refused');
  });

  for (const nothing of [undefined, null]) {
    it(`C28: is no ${nothing} that somebody has looked up in vain`, async () => {
      const decision = guard(verifier, ...exchange(), nothing as never);
      await assert.rejects(decision, configError(nothing === null ? 'policy' : 'guard.policy'));
    });
  }
});
