import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { element, objectIdentifier, sequence, setOf, string } from '../../src/pki/der-writer.ts';
import { type DistinguishedName, distinguishedName } from '../../src/pki/names.ts';
import type { StringType } from '../../src/pki/testing.ts';
import {
  canonicalName,
  canonicalRdn,
  isSameName,
  isWithin,
  mayBeWithin,
  nameKey,
  nameKeyWith,
} from '../../src/x509/name-match.ts';
import { authError } from '../support/errors.ts';

const malformed = authError('ERR_CERTIFICATE_MALFORMED');
const der = (name: DistinguishedName): Buffer => distinguishedName(name);
const org = (value: string | Uint8Array, as: StringType = 'utf8') =>
  ({ type: 'O', value, as }) as const;
const other = (type: string) => ({ type, value: 'b' }) as const;
const unit = (value: string) => ({ type: 'OU', value }) as const;

describe('isSameName', () => {
  const same: readonly (readonly [what: string, a: DistinguishedName, b: DistinguishedName])[] = [
    ['the same bytes', [org('Bank')], [org('Bank')]],
    ['empty names', [], []],
    ['other capitals', [org('Bank')], [org('bANK')]],
    ['spaces at the ends', [org('Bank')], [org('  Bank ')]],
    ['more spaces between words', [org('Big Bank')], [org('Big   Bank')]],
    ['controls in place of spaces', [org('Big Bank')], [org('Big\t\n\0Bank')]],
    ...(['printable', 'ia5', 'numeric', 'teletex', 'bmp'] as const).map(
      (as) => [`UTF-8 and ${as}`, [org('Bank')], [org('BANK', as)]] as const,
    ),
    ['letters outside ASCII', [org('B\u00c4NK')], [org('b\u00e4nk', 'bmp')]],
    ['composed and decomposed letters', [org('b\u00e4nk')], [org('ba\u0308nk')]],
    ['compatible letters', [org('bank')], [org('\uff42ank')]],
    [
      'another order within one RDN',
      [[org('Bank'), unit('x')]],
      // Written by hand: the writer would sort.
      sequence(
        element(
          0x31,
          sequence(objectIdentifier('2.5.4.11'), string('utf8', 'x')),
          sequence(objectIdentifier('2.5.4.10'), string('utf8', 'BANK')),
        ),
      ),
    ],
    [
      'the same bytes of no known character set',
      [org('\u00e9', 'teletex')],
      [org('\u00e9', 'teletex')],
    ],
  ];
  for (const [what, a, b] of same) {
    it(`takes ${what} for the same name`, () => assert.equal(isSameName(der(a), der(b)), true));
  }

  const others: readonly (readonly [what: string, a: DistinguishedName, b: DistinguishedName])[] = [
    ['another value', [org('Bank')], [org('Banks')]],
    ['another type', [org('Bank')], [unit('Bank')]],
    ['no spaces between words', [org('Big Bank')], [org('BigBank')]],
    ['another order of RDNs', [org('Bank'), unit('x')], [unit('x'), org('Bank')]],
    ['a prefix', [org('Bank')], [org('Bank'), unit('x')]],
    ['two RDNs and one of two values', [org('Bank'), unit('x')], [[org('Bank'), unit('x')]]],
    ['a value that reads as two', [org('a+2.5.4.11=b')], [[org('a'), unit('b')]]],
    ['a value with the separator', [org('a\u00002.5.4.11=b')], [org('a'), unit('b')]],
    [
      'parts that read the same in one line',
      [org('a'), other('1.2.5')],
      [org('a1.'), other('2.5')],
    ],
    ['an escaped plus', [org('a\\+b')], [org('a+b')]],
    ['a backslash at the end', [[org('a\\'), unit('b')]], [[org('a\\\\'), unit('b')]]],
    ['a value that reads as bytes', [org('#1401e9')], [org('\u00e9', 'teletex')]],
    ['T.61 outside ASCII, which is certain to nobody', [org('\u00e9')], [org('\u00e9', 'teletex')]],
    ['a string of 32 bits a character', [org('a')], [org('a', 'universal')]],
    [
      'an unknown type with the same bytes under another tag',
      [{ type: '1.2.3', value: Buffer.from([0xff]), as: 'utf8' }],
      [{ type: '1.2.3', value: Buffer.from([0xff]), as: 'ia5' }],
    ],
  ];
  for (const [what, a, b] of others) {
    it(`takes ${what} for another name`, () => assert.equal(isSameName(der(a), der(b)), false));
  }

  const text = fc.stringMatching(/^[A-Za-z0-9 '()+,./:=?-]{1,20}$/);
  const spelt = fc.constantFrom<StringType>('utf8', 'printable', 'ia5', 'bmp', 'teletex');
  const words = (value: string): string => value.toLowerCase().split(' ').filter(Boolean).join(' ');

  it('sees through case, spaces and string type, whatever the text', () => {
    fc.assert(
      fc.property(text, spelt, spelt, fc.boolean(), (value, one, two, upper) => {
        const changed = (upper ? value.toUpperCase() : value.toLowerCase()).replaceAll(' ', '  ');
        assert.ok(isSameName(der([org(value, one)]), der([org(` ${changed}`, two)])));
      }),
    );
  });

  it('never takes different texts for one, whatever characters they hold', () => {
    const attribute = fc.record({ type: fc.constantFrom('O', 'OU', 'CN'), value: text });
    const name = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { maxLength: 3 });
    const plain = (rdns: readonly (readonly { type: string; value: string }[])[]) =>
      JSON.stringify(
        rdns.map((rdn) =>
          rdn.map(({ type, value }) => JSON.stringify([type, words(value)])).sort(),
        ),
      );
    fc.assert(
      fc.property(name, name, (a, b) => {
        assert.equal(isSameName(der(a), der(b)), plain(a) === plain(b));
      }),
    );
    const near = fc.stringMatching(/^[+=#\\a, \0]{1,4}$/);
    fc.assert(
      fc.property(fc.array(near, { maxLength: 3 }), fc.array(near, { maxLength: 3 }), (a, b) => {
        const folded = (values: readonly string[]) =>
          JSON.stringify(values.map((value) => words(value.replaceAll('\0', ' '))));
        const names = [a, b].map((values) => nameKey(der(values.map((value) => org(value)))));
        assert.equal(names[0] === names[1], folded(a) === folded(b));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('canonicalName', () => {
  it('has one entry for each RDN, the most general first', () => {
    assert.deepEqual(
      canonicalName(der([{ type: 'C', value: 'CH' }, [org('Big  Bank'), unit('x')]])),
      ['2.5.4.6=ch', '2.5.4.10=big bank+2.5.4.11=x'],
    );
  });

  // Whoever compares names has read the certificate already, and nobody waits for an error there.
  for (const [what, value, as] of [
    ['UTF-8', Buffer.from([0xff]), 'utf8'],
    ['ASCII', Buffer.from([0x80]), 'printable'],
    ['UTF-16', Buffer.from([0x00]), 'bmp'],
  ] as const) {
    it(`compares text that is not the ${what} it claims byte by byte`, () => {
      const name = der([{ type: '1.2.3', value, as }]);
      assert.match(nameKey(name), /^1\.2\.3=#[0-9a-f]+$/);
      assert.ok(isSameName(name, Buffer.from(name)));
    });
  }

  it('does no more work than the length of a text that is made to take the square of it', () => {
    const marks = (length: number) => '\u0301\u0316'.repeat(length / 4);
    assert.match(nameKey(der([org(marks(1_024))])), /^2\.5\.4\.10=\u0316/);
    assert.match(nameKey(der([org(`${marks(1_024)}x`)])), /^2\.5\.4\.10=#0c820401/);
    assert.match(nameKey(der([org(marks(200_000))])), /^2\.5\.4\.10=#0c83/);
  });

  it('is worked out once for the same bytes', () => {
    const name = der([org('Bank')]);
    assert.equal(canonicalName(name), canonicalName(name));
  });

  it('refuses what is no name', () => {
    const pair = sequence(objectIdentifier('2.5.4.10'), string('utf8', 'x'));
    for (const bad of [
      Buffer.alloc(0),
      element(0x31),
      sequence(pair),
      sequence(setOf()),
      sequence(setOf(sequence(objectIdentifier('2.5.4.10')))),
      sequence(
        setOf(sequence(objectIdentifier('2.5.4.10'), string('utf8', 'x'), string('utf8', 'y'))),
      ),
      Buffer.concat([der([org('x')]), Buffer.of(0)]),
    ]) {
      assert.throws(() => canonicalName(bad), malformed);
    }
    assert.throws(() => canonicalRdn(pair), malformed);
  });
});

describe('isWithin and mayBeWithin', () => {
  const rows: readonly (readonly [
    name: DistinguishedName,
    base: DistinguishedName,
    within: boolean,
    mayBe?: boolean,
  ])[] = [
    [[org('Bank')], [], true],
    [[], [], true],
    [[org('Bank')], [org('bank')], true],
    [[org('Bank'), unit('x')], [org('bank')], true],
    [[org('Bank')], [org('bank'), unit('x')], false],
    [[unit('x'), org('Bank')], [org('bank')], false],
    [[org('Banks')], [org('bank')], false],
    [[[org('Bank'), unit('x')]], [org('bank')], false],
    [[org('Bank'), unit('x')], [[org('bank'), unit('x')]], false],
    // What cannot be read might be anything, and is certainly within nothing.
    [[org('\u00e9', 'teletex')], [org('\u00e9')], false, true],
    [[org('\u00e9')], [org('\u00e9', 'teletex')], false, true],
    [[org('a', 'universal'), unit('x')], [org('a'), unit('x')], false, true],
    [[org('a', 'universal'), unit('x')], [org('a'), unit('y')], false],
    [[org('a', 'universal')], [org('a'), unit('x')], false],
    [[org('=#a')], [org('b')], false],
  ];
  for (const [name, base, within, mayBe = within] of rows) {
    const [a, b] = [canonicalName(der(name)), canonicalName(der(base))];
    it(`says ${within ? 'yes' : mayBe ? 'maybe' : 'no'} to ${a.join()} within ${b.join()}`, () => {
      assert.equal(isWithin(a, b), within);
      assert.equal(mayBeWithin(a, b), mayBe);
    });
  }
});

describe('nameKeyWith', () => {
  const rdn = setOf(sequence(objectIdentifier('2.5.4.10'), string('utf8', 'X')));
  it('is the key of the name with one part more', () => {
    assert.equal(nameKeyWith(der([org('a')]), rdn), nameKey(der([org('a'), org('x')])));
  });

  it('refuses what is no name', () => {
    assert.throws(() => nameKeyWith(rdn, rdn), malformed);
    assert.throws(() => nameKeyWith(der([]), der([])), malformed);
  });
});
