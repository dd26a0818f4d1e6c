// What a `mutualAuth` takes and what it refuses, whichever framework it is for.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVerifier, mtls } from '../../src/index.ts';

const verifier = createVerifier({ methods: [mtls()] });

const wrong: Readonly<Record<string, readonly unknown[]>> = {
  'undefined for options': [undefined],
  'undefined for a verifier with a policy behind it': [undefined, { allow: [] }],
  'undefined for a policy': [verifier, undefined],
  'options with a policy behind them': [{ methods: [mtls()] }, {}],
  'a misspelt option': [{ method: [mtls()] }],
  'a misspelt member of a policy': [verifier, { alow: [] }],
  'an unset variable in a policy': [verifier, { allow: undefined }],
  'an unset variable in a match': [verifier, { allow: [{ spiffeId: undefined }] }],
};

/** Tests of the arguments, for the `describe` of a `mutualAuth`. */
export function testArguments(mutualAuth: (...given: never[]) => unknown): void {
  const call = mutualAuth as (...given: readonly unknown[]) => unknown;

  it('takes nothing, options, a verifier, or a verifier and a policy', () => {
    for (const given of [[], [{ methods: [mtls()] }], [verifier], [verifier, { allow: [] }]]) {
      assert.equal(typeof call(...given), 'function');
    }
  });

  for (const [what, given] of Object.entries(wrong)) {
    it(`C28: throws while the program starts for ${what}`, () => {
      assert.throws(() => call(...given), { name: 'ConfigError' });
    });
  }
}
