import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mtls } from '../../src/index.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { RevocationChecker } from '../../src/trust/revocation.ts';
import { configError } from '../support/errors.ts';
import { recordEvents } from '../support/events.ts';

const option = 'mtls.revocation';
const from = (given: unknown) => RevocationChecker.from(option, given as never);

describe('the options of revocation', () => {
  it('ask nobody when off', () => {
    assert.equal(from('off'), undefined);
    assert.equal(from({ mode: 'off' }), undefined);
  });

  const bad: readonly (readonly [given: unknown, path: string, message: RegExp])[] = [
    ['required', option, /'require', 'prefer' or 'off'/],
    [{ crls: 'x' }, option, /'require', 'prefer' or 'off'/],
    [{ mode: 'require', fetch: false }, option, /has no source/],
    [{ mode: 'require', fetch: 'yes' }, `${option}.fetch`, /true or false/],
    [
      { mode: 'require', insecureAllowPrivateAddresses: 1 },
      `${option}.insecureAllowPrivateAddresses`,
      /true or false/,
    ],
    [{ mode: 'require', crl: 'x' }, `${option}.crl`, /Did you mean `crls`/],
    [{ mode: 'require', crls: undefined }, `${option}.crls`, /is undefined/],
    [{ mode: 'require', crls: '/nowhere/x.crl' }, `${option}.crls[0]`, /nowhere/],
  ];
  for (const [given, path, message] of bad) {
    it(`refuse ${JSON.stringify(given)}`, () => {
      assert.throws(() => from(given), configError(path, message));
    });
  }

  it('say that fetching from private addresses is not secure', () => {
    using events = recordEvents();
    from({ mode: 'prefer', insecureAllowPrivateAddresses: true });
    assert.deepEqual(
      events['insecure-option'].map((event) => event.option),
      [`${option}.insecureAllowPrivateAddresses`],
    );
    from('prefer');
    assert.equal(events['insecure-option'].length, 1);
  });

  it('need trust anchors, as intermediates do', () => {
    const needs = /needs `trustAnchors`/;
    assert.throws(() => mtls({ revocation: 'prefer' }), configError(option, needs));
    const intermediates = testAuthority().cert;
    assert.throws(() => mtls({ intermediates }), configError('mtls.intermediates', needs));
    mtls({ revocation: 'off' });
  });
});
