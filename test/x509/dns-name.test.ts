import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { coversDnsName, isHostName, isPresentedDnsName } from '../../src/x509/dns-name.ts';

const long = 'x'.repeat(63);
const host253 = `${long}.${long}.${long}.${'x'.repeat(61)}`;

describe('isHostName', () => {
  for (const name of [
    'a',
    'localhost',
    'a.example',
    'xn--bcher-kva.example',
    'a--b.example',
    '_dmarc.a_b.example',
    '1.2.3.4',
    '0x7f.1',
    `${long}.example`,
    host253,
  ]) {
    it(`takes ${name.slice(0, 70)}`, () => assert.equal(isHostName(name), true));
  }
  for (const name of [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a.example',
    'a-.example',
    'a.-b',
    'a.b-',
    '-',
    `${long}x.example`,
    `${host253}x`,
    'A.example',
    'a b',
    ' a',
    'a\n',
    'a\0.example',
    'a.example/x',
    'a:443',
    '*.example',
    'b\u00fccher.example',
    'ex\u0430mple.com',
    'a\u3002example',
    '[::1]',
    'a@b',
    "a'b",
  ]) {
    it(`refuses ${JSON.stringify(name.slice(0, 70))}`, () => assert.equal(isHostName(name), false));
  }

  it('is quick about any text', () => {
    assert.equal(isHostName('a-'.repeat(200_000)), false);
    assert.equal(isHostName(`${'a-'.repeat(126)}.`), false);
  });
});

describe('isPresentedDnsName', () => {
  for (const name of ['a.example', '*.example', '*.a.example', '*.xn--bcher-kva.example']) {
    it(`takes ${name}`, () => assert.equal(isPresentedDnsName(name), true));
  }
  for (const name of [
    '*',
    '*.',
    '**.a.example',
    '*.*.example',
    'a.*.example',
    'a*.example',
    '*a.example',
    '-ab.example',
    '..example',
    'a.*',
    '*.a.example.',
    '*..example',
    '',
  ]) {
    it(`refuses "${name}"`, () => assert.equal(isPresentedDnsName(name), false));
  }
});

describe('coversDnsName', () => {
  // RFC 9525 section 6.3.
  const table: readonly (readonly [presented: string, reference: string, covers: boolean])[] = [
    ['a.example', 'a.example', true],
    ['a.example', 'b.example', false],
    ['a.example', 'x.a.example', false],
    ['x.a.example', 'a.example', false],
    ['a.example', 'a.example.', false],
    ['*.a.example', 'x.a.example', true],
    ['*.a.example', 'xn--bcher-kva.a.example', true],
    ['*.a.example', 'a.example', false],
    ['*.a.example', '.a.example', false],
    ['*.a.example', 'x.y.a.example', false],
    ['*.a.example', 'xa.example', false],
    ['*.a.example', 'x.b.example', false],
    ['*.a.example', 'x.a.example.evil', false],
    ['*.a.example', 'x.a.example.', false],
    ['*.example', 'a.example', false],
    ['*.com', 'bank.com', false],
    ['*.co.uk', 'bank.co.uk', true],
    ['*', 'example', false],
    ['*', 'a', false],
    ['x*.a.example', 'xy.a.example', false],
    ['a.*.example', 'a.b.example', false],
    ['*.1.2.3', '4.1.2.3', true],
  ];
  for (const [presented, reference, covers] of table) {
    it(`says ${covers ? 'yes' : 'no'} to ${presented} for ${reference}`, () => {
      assert.equal(coversDnsName(presented, reference), covers);
    });
  }

  it('never lets a wildcard stand for a dot', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,5}$/);
    const host = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(host, host, (parent, reference) => {
        const expected = parent.includes('.') && reference.split('.').slice(1).join('.') === parent;
        assert.equal(coversDnsName(`*.${parent}`, reference), expected);
        assert.equal(coversDnsName(`*.${parent}`, `x.${parent}`), parent.includes('.'));
      }),
    );
  });
});
