import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  element,
  objectIdentifier,
  sequence,
  type StringType,
  string,
} from '../../src/pki/der-writer.ts';
import { distinguishedName as write, type NameAttribute } from '../../src/pki/names.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { AuthError } from '../../src/errors.ts';
import { DerReader, tag } from '../../src/x509/der.ts';
import { distinguishedName, stringOf } from '../../src/x509/distinguished-name.ts';
import { openssl } from '../pki/openssl.ts';
import { authError } from '../support/errors.ts';

type Attribute = { readonly type: string; readonly value: string; readonly as: StringType };
type Rdn = NameAttribute | readonly NameAttribute[];

const textOf = (...rdns: readonly Rdn[]): string => distinguishedName(write(rdns));
const cn = (value: string | Uint8Array, as?: StringType): NameAttribute => ({
  type: 'CN',
  value,
  ...(as === undefined ? {} : { as }),
});
const refusal = (what: RegExp): ((error: unknown) => true) =>
  authError('ERR_CERTIFICATE_MALFORMED', what);

describe('distinguishedName', () => {
  it('writes the most specific part first', () => {
    const name = textOf({ type: 'C', value: 'CH' }, { type: 'O', value: 'Bank' }, cn('alice'));
    assert.equal(name, 'CN=alice,O=Bank,C=CH');
  });

  it('writes an empty name as nothing', () => assert.equal(textOf(), ''));

  it('joins the attributes of one RDN with a plus', () => {
    assert.equal(
      textOf({ type: 'O', value: 'Bank' }, [cn('a'), { type: 'OU', value: 'b' }]),
      'CN=a+OU=b,O=Bank',
    );
  });

  for (const [oid, name] of [
    ['2.5.4.3', 'CN'],
    ['2.5.4.4', 'SN'],
    ['2.5.4.5', 'serialNumber'],
    ['2.5.4.6', 'C'],
    ['2.5.4.7', 'L'],
    ['2.5.4.8', 'ST'],
    ['2.5.4.9', 'STREET'],
    ['2.5.4.10', 'O'],
    ['2.5.4.11', 'OU'],
    ['2.5.4.12', 'title'],
    ['2.5.4.42', 'GN'],
    ['0.9.2342.19200300.100.1.1', 'UID'],
    ['0.9.2342.19200300.100.1.25', 'DC'],
    ['1.2.840.113549.1.9.1', 'emailAddress'],
  ] as const) {
    it(`calls ${oid} ${name}`, () => {
      assert.equal(textOf({ type: oid, value: 'x' }), `${name}=x`);
    });
  }

  it('writes a type that it does not know in numbers, and its value in hexadecimal', () => {
    assert.equal(textOf({ type: '1.2.3', value: 'ab' }), '1.2.3=#0c026162');
    assert.equal(textOf({ type: '2.5.4.45', value: 'CN=a' }), '2.5.4.45=#0c04434e3d61');
  });

  const values: readonly (readonly [what: string, value: string, text: string])[] = [
    ['plain text', 'Alice Example', 'Alice Example'],
    ['nothing', '', ''],
    ['a comma and another name', 'x,CN=admin', 'x\\,CN=admin'],
    ['a plus and another name', 'x+CN=admin', 'x\\+CN=admin'],
    ['a semicolon', 'x;y', 'x\\;y'],
    ['quotes', '"x,y"', '\\"x\\,y\\"'],
    ['angle brackets', '<x>', '\\<x\\>'],
    ['a backslash', 'x\\', 'x\\\\'],
    ['an escape that somebody prepared', 'x\\,CN=admin', 'x\\\\\\,CN=admin'],
    ['an equals sign', 'a=b', 'a=b'],
    ['a slash', 'x/CN=admin', 'x/CN=admin'],
    ['a leading blank', ' x', '\\ x'],
    ['a trailing blank', 'x ', 'x\\ '],
    ['blanks on both sides', '  x  ', '\\  x \\ '],
    ['one blank alone', ' ', '\\ '],
    ['two blanks alone', '  ', '\\ \\ '],
    ['a backslash and a blank', '\\ ', '\\\\\\ '],
    ['a leading hash', '#0c0161', '\\#0c0161'],
    ['a hash elsewhere', 'a#', 'a#'],
    ['NUL', 'admin\0.evil', 'admin\\00.evil'],
    ['line breaks', 'a\r\nb', 'a\\0d\\0ab'],
    ['DEL', 'a\x7f', 'a\\7f'],
    ['terminal controls beyond ASCII', 'a\u009b', 'a\\c2\\9b'],
    ['a change of direction', '\u202enimda', '\\e2\\80\\aenimda'],
    ['a character without width', 'ad\u200bmin', 'ad\\e2\\80\\8bmin'],
    ['a byte order mark', '\ufeffadmin', '\\ef\\bb\\bfadmin'],
    ['line separators', 'a\u2028b\u2029', 'a\\e2\\80\\a8b\\e2\\80\\a9'],
    ['private characters', '\ue000', '\\ee\\80\\80'],
    ['letters of the world', 'Zo\u00eb \u4e2d\u{1f600}', 'Zo\u00eb \u4e2d\u{1f600}'],
  ];
  for (const [what, value, text] of values) {
    it(`writes ${what} so that it can be nothing else`, () => {
      assert.equal(textOf({ type: 'O', value: 'Bank' }, cn(value)), `CN=${text},O=Bank`);
    });
  }

  for (const as of ['utf8', 'printable', 'ia5', 'bmp', 'numeric'] as const) {
    it(`reads the text of the string type ${as}`, () =>
      assert.equal(textOf(cn('12 a,', as)), 'CN=12 a\\,'));
  }

  it('reads VisibleString', () => {
    const pair = sequence(
      objectIdentifier('2.5.4.3'),
      element(tag.visibleString, Buffer.from('a')),
    );
    assert.equal(distinguishedName(sequence(element(0x31, pair))), 'CN=a');
  });

  it('does not guess at T.61 and UniversalString, and shows their bytes', () => {
    assert.equal(textOf(cn('\xe9', 'teletex')), '2.5.4.3=#1401e9');
    assert.equal(textOf(cn('a', 'universal')), '2.5.4.3=#1c0400000061');
  });

  it('reads BMPString by its code units, and other alphabets with it', () => {
    assert.equal(textOf(cn('\u4e2d\u202e', 'bmp')), 'CN=\u4e2d\\e2\\80\\ae');
    assert.equal(textOf(cn('\u{1f600}', 'bmp')), 'CN=\u{1f600}');
  });

  const wrong: readonly (readonly [what: string, value: NameAttribute, says: RegExp])[] = [
    ['UTF-8 that is none', cn(Buffer.from('ff', 'hex')), /not UTF-8/],
    [
      'UTF-8 that is none, of an attribute that is written as hexadecimal',
      { type: '1.2.3.4', value: Buffer.from('ff', 'hex'), as: 'utf8' },
      /not UTF-8/,
    ],
    ['overlong UTF-8', cn(Buffer.from('c0ae', 'hex')), /not UTF-8/],
    ['UTF-8 that is cut short', cn(Buffer.from('e282', 'hex')), /not UTF-8/],
    ['half a character in UTF-8', cn(Buffer.from('eda080', 'hex')), /not UTF-8/],
    ['half a character in BMPString', cn(Buffer.from('d83d', 'hex'), 'bmp'), /half a character/],
    ['a BMPString of an odd length', cn(Buffer.from('006100', 'hex'), 'bmp'), /odd length/],
    ['a PrintableString beyond ASCII', cn(Buffer.of(0xe9), 'printable'), /not ASCII/],
    ['an IA5String beyond ASCII', cn(Buffer.of(0xe9), 'ia5'), /not ASCII/],
  ];
  for (const [what, value, says] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => textOf(value), refusal(says)));
  }

  const oid = objectIdentifier('2.5.4.3');
  const value = string('utf8', 'a');
  const set = (...items: readonly Uint8Array[]): Buffer => element(0x31, ...items);
  const shapes: readonly (readonly [what: string, name: Uint8Array, says: RegExp])[] = [
    ['no bytes', Buffer.alloc(0), /cut short/],
    ['bytes after the name', Buffer.concat([sequence(), Buffer.of(0)]), /after the last/],
    ['a set for a sequence', set(), /where 0x30/],
    ['a sequence for a set', sequence(sequence(sequence(oid, value))), /where 0x31/],
    ['an RDN without attributes', sequence(set()), /cut short/],
    ['an attribute without a type', sequence(set(sequence(value))), /where 0x06/],
    ['an attribute without a value', sequence(set(sequence(oid))), /cut short/],
    ['an attribute of two values', sequence(set(sequence(oid, value, value))), /after the last/],
    [
      'bytes after an attribute',
      sequence(set(sequence(oid, value), Buffer.of(5))),
      /cut short|0x05/,
    ],
  ];
  for (const [what, name, says] of shapes) {
    it(`refuses ${what}`, () => assert.throws(() => distinguishedName(name), refusal(says)));
  }

  it('has different text for different names', () => {
    // Characters that could imitate the punctuation of names, beside any others.
    const character = fc.oneof(
      fc.constantFrom(...' #+,;="<>\\/CNO\0\u202e0ae'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    const text = fc.array(character, { maxLength: 6 }).map((all) => all.join(''));
    const attribute = fc.record({
      type: fc.constantFrom('CN', 'O', 'OU', '1.2.3', '2.5.4.45'),
      value: text.filter((each) => !/\p{Cs}/u.test(each)),
      as: fc.constantFrom<StringType>('utf8', 'teletex', 'bmp'),
    });
    const name = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { maxLength: 3 });
    // What a name says: the same text in two string types is the same value (RFC 5280 section 7.1).
    const said = ({ type, value: given, as }: Attribute): string =>
      /^[CO]/.test(type) && as !== 'teletex'
        ? `${type} ${given}`
        : `${type} ${string(as, given).toString('hex')}`;
    const meaning = (rdns: readonly (readonly Attribute[])[]): string =>
      JSON.stringify(rdns.map((rdn) => rdn.map(said).sort()));
    fc.assert(
      fc.property(name, name, (a, b) => {
        if (meaning(a) === meaning(b)) return;
        assert.notEqual(textOf(...a), textOf(...b));
      }),
      { numRuns: 3000 },
    );
  });

  it('can be read back: every value is between its type and the next unescaped mark', () => {
    const character = fc.oneof(
      fc.constantFrom(...' #+,;="<>\\CN=\0\u202e'),
      fc.string({ unit: 'grapheme' }),
    );
    const text = fc.array(character, { maxLength: 8 }).map((all) => all.join(''));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (given) => {
        assert.deepEqual(readBack(textOf(...given.map((each) => cn(each)))), given.reverse());
      }),
      { numRuns: 1000 },
    );
  });

  it('is what OpenSSL writes, in the characters that both escape alike', () => {
    const printable = fc.string({
      unit: fc.constantFrom(...range(0x20, 0x7e), '\u00eb', '\u4e2d'),
      maxLength: 8,
    });
    const samples = fc.sample(printable, { numRuns: 80, seed: 5 });
    // OpenSSL leaves a hash alone where it is the whole value; RFC 4514 section 2.4 does not.
    const given = [...samples, ' ', '  ', '#a', '\\ ', ' \\'].filter((each) => each !== '#');
    const types = ['CN', 'O', 'OU', 'L', 'ST', 'GN', 'SN', 'title', 'UID'];
    const subject = given.map((each, i) => ({ type: types[i % types.length]!, value: each }));
    const { leaf } = testAuthority().issue({ subject });
    const options = 'esc_2253,esc_ctrl,utf8,sep_comma_plus,dn_rev,sname';
    const { text } = openssl(['x509', '-noout', '-subject', '-nameopt', options], leaf);
    assert.equal(textOf(...subject), text.replace(/^subject=/, '').replace(/\n$/, ''));
  });

  it('gives any bytes text or a refusal', () => {
    const good = write([{ type: 'O', value: 'Bank' }, [cn('a'), cn('b', 'bmp')]]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const name = Buffer.from(good);
        name[at] = byte;
        try {
          distinguishedName(name);
        } catch (error) {
          assert.ok(error instanceof AuthError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('stringOf', () => {
  it('knows text from what is none', () => {
    const read = (der: Uint8Array): string | undefined => stringOf(new DerReader(der).next());
    assert.equal(read(string('utf8', 'a')), 'a');
    assert.equal(read(element(tag.octetString, Buffer.from('a'))), undefined);
    // A constructed string is BER; DER knows only the primitive form.
    assert.equal(read(element(tag.utf8String | 0x20, string('utf8', 'a'))), undefined);
  });
});

/** The values of a name whose every type is CN, read as RFC 4514 section 3 says. */
function readBack(name: string): readonly string[] {
  const values = name.match(/(?<=^|,)CN=(?:\\.|[^\\,])*/gsu) ?? [];
  assert.equal(values.join(','), name);
  return values.map((value) =>
    value
      .slice(3)
      .replace(/(?:\\[0-9a-f]{2})+/g, (octets) =>
        Buffer.from(octets.replaceAll('\\', ''), 'hex').toString(),
      )
      .replace(/\\(.)/gs, '$1'),
  );
}

function range(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i));
}
