import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { testAuthority } from '../../src/pki/testing.ts';
import { AnchorSets, isBundle } from '../../src/trust/anchor-sets.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { nameKey } from '../../src/x509/name-match.ts';
import { configError } from '../support/errors.ts';
import { directoryFor, minutes, rotationErrors, until } from '../support/files.ts';

const [a, b, c] = ['a', 'b', 'c'].map((subject) => testAuthority({ subject }));
const option = 'mtls.trustAnchors';
const anchors = (given: unknown): AnchorSets => new AnchorSets(option, given);

/** The set that a CA is in; false where it is in none. */
function setOf({ index }: AnchorSets, { der } = a!): string | undefined | false {
  const [found, more] = index.withSubject(nameKey(readCertificate(der).subject));
  assert.equal(more, undefined);
  return found === undefined ? false : found.set;
}

describe('AnchorSets', () => {
  it('is one set without a name, or several with names', () => {
    for (const given of [a!.cert, a!.der, [a!.cert, b!.der]]) {
      assert.equal(setOf(anchors(given)), undefined);
    }
    const sets = anchors({ staff: [a!.cert], partners: b!.der });
    assert.deepEqual(
      [setOf(sets, a), setOf(sets, b), setOf(sets, c)],
      ['staff', 'partners', false],
    );
  });

  it('takes a CA that is twice in one set for one', () => {
    assert.equal(setOf(anchors([a!.cert, a!.der])), undefined);
    assert.equal(setOf(anchors({ staff: [a!.cert, a!.cert], partners: b!.cert })), 'staff');
  });

  it('knows whether a set is the bundle of a trust domain', () => {
    assert.equal(anchors({ 'spiffe://bank.example': a!.cert, staff: b!.cert }).hasBundles, true);
    assert.equal(anchors({ staff: b!.cert }).hasBundles, false);
    assert.equal(anchors(a!.cert).hasBundles, false);
    assert.deepEqual(['spiffe://a', 'staff', undefined].map(isBundle), [true, false, false]);
  });

  const bad: readonly (readonly [what: string, given: unknown, path: string, message: RegExp])[] = [
    ['no sets', {}, option, /has no set; name at least one/],
    ['a set without a name', { '': a!.cert }, option, /"" names no set/],
    ['a bundle with a path', { 'spiffe://a/b': a!.cert }, option, /a bundle is named spiffe:/],
    [
      'a bundle of no trust domain',
      { 'spiffe://A': a!.cert },
      option,
      /"spiffe:\/\/A" names no set/,
    ],
    ['a bundle in capitals', { 'SPIFFE://a': a!.cert }, option, /names no set/],
    ['a bundle with a slash too few', { 'spiffe:/a': a!.cert }, option, /names no set/],
    ['an empty set', { staff: [] }, `${option}.staff`, /holds no certificate/],
    ['a set that is unset', { staff: undefined }, `${option}.staff`, /must be PEM text/],
    ['no anchors', [], option, /holds no certificate/],
    ['undefined', undefined, option, /must be PEM text/],
    ['null', null, option, /must be PEM text/],
    ['a CA in two sets', { staff: a!.cert, partners: a!.der }, option, /CN=a is in two sets/],
  ];
  for (const [what, given, path, message] of bad) {
    it(`refuses ${what}`, () => assert.throws(() => anchors(given), configError(path, message)));
  }

  it('takes over files that have changed, and keeps what it had where they are no good', async (context) => {
    const file = join(directoryFor(context), 'ca.pem');
    writeFileSync(file, a!.cert);
    const clock = minutes(context);
    const failures = rotationErrors(context, option);
    const sets = new AnchorSets(option, { staff: file, partners: b!.cert });
    const { version } = sets;
    sets.refresh();
    assert.equal(sets.version, version);

    writeFileSync(file, a!.cert + c!.cert);
    clock.pass();
    await until(() => (sets.refresh(), sets.version !== version));
    assert.deepEqual([setOf(sets, a), setOf(sets, c)], ['staff', 'staff']);

    // A CA of another set: each set by itself is good.
    writeFileSync(file, b!.cert);
    clock.pass();
    await until(() => (sets.refresh(), failures.length > 0));
    configError(option, /CN=b is in two sets/)(failures[0]);
    assert.deepEqual([setOf(sets, a), setOf(sets, b)], ['staff', 'partners']);
    sets.refresh();
    assert.equal(failures.length, 1);
    assert.equal(sets.version, version + 1);
  });
});
