import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseXfcc, xfccCertificates } from '../../../src/proxies/decoders/xfcc.ts';
import { authError } from '../../support/errors.ts';
import { pemUrl } from '../../support/forwarded.ts';
import { describeVectors } from '../../support/vectors.ts';

const undecodable = authError('ERR_CERTIFICATE_MALFORMED');

describe('parseXfcc', () => {
  it('reads elements and pairs in their order, keys in any case', () => {
    assert.deepEqual(parseXfcc('BY=a;hash=b,URI=c;uri=d;DNS="e"'), [
      [
        ['by', 'a'],
        ['hash', 'b'],
      ],
      [
        ['uri', 'c'],
        ['uri', 'd'],
        ['dns', 'e'],
      ],
    ]);
  });

  it('separates nothing inside quotes, and unescapes quotes alone', () => {
    assert.deepEqual(parseXfcc(String.raw`Subject="O=A;Cert=\"x\",B\, C";By=`), [
      [
        ['subject', String.raw`O=A;Cert="x",B\, C`],
        ['by', ''],
      ],
    ]);
  });

  for (const value of [
    '',
    ',',
    'By=a,',
    ',By=a',
    'By=a;',
    ';By=a',
    'By',
    '=a',
    'By =a',
    'By= a',
    'By=a b',
    'By=a=b',
    'By=a"b"',
    'By="a',
    'By="a"b',
    'By=a"',
    String.raw`By="a\"`,
    String.raw`By=a\;b`,
    'Hash=a;hash=b',
    'Cert=a;Cert=b',
    'Chain=a;Chain=b',
    'Subject=a;Subject=b',
    'Key=a',
    'By=a;;By=b',
    'constructor=a',
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => parseXfcc(value), undecodable);
    });
  }

  it('refuses more elements than there are proxies, and more pairs than anybody has names', () => {
    assert.equal(parseXfcc(Array(16).fill('By=a').join()).length, 16);
    assert.throws(() => parseXfcc(Array(17).fill('By=a').join()), undecodable);
    assert.equal(parseXfcc(Array(200).fill('DNS=a').join(';'))[0]!.length, 200);
    assert.throws(() => parseXfcc(Array(201).fill('DNS=a').join(';')), undecodable);
  });
});

const leaf = Uint8Array.of(0x30, 1, 1);
const above = Uint8Array.of(0x30, 1, 2);
const hashOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
const hash = `Hash=${hashOf(leaf)}`;
const only = `Cert="${pemUrl(leaf)}"`;
const cert = `${hash};${only}`;
const certificates = (value: string, hops = 1, by?: readonly string[]): readonly string[] =>
  xfccCertificates(value, hops, by).map((one) => one.join());

describe('xfccCertificates', () => {
  it('is what the only proxy saw', () => {
    assert.deepEqual(certificates(cert), [leaf.join()]);
  });

  it('is what the outermost of several proxies saw', () => {
    assert.deepEqual(certificates(`${cert},Cert="${pemUrl(above)}"`, 2), [leaf.join()]);
  });

  it('is refused where more speak than are trusted, on whichever side', () => {
    for (const value of [`By=x,${cert}`, `${cert},By=x`, `${cert},${cert},${cert}`]) {
      assert.throws(() => certificates(value), undecodable);
    }
  });

  it('is no other where a name of the certificate makes elements', () => {
    // As Envoy writes a certificate whose URI is all that follows the first `URI=`.
    const other = `Hash=${hashOf(above)};Cert="${pemUrl(above)}"`;
    for (const uri of [`urn:x,By=a;${other}`, `urn:x;${other}`, `urn:x;Cert="${pemUrl(above)}"`]) {
      assert.throws(() => certificates(`By=a;${cert};URI=${uri}`, 1, ['a']), undecodable);
      assert.throws(() => certificates(`By=a;${hash};URI=${uri}`, 1, ['a']), undecodable);
    }
  });

  it('is nothing where fewer proxies speak than there are', () => {
    assert.deepEqual(certificates(cert, 2), []);
  });

  it('has the chain behind the leaf', () => {
    const chain = `Chain="${pemUrl(leaf)}${pemUrl(above)}"`;
    assert.deepEqual(certificates(`${cert};${chain}`), [leaf.join(), above.join()]);
    assert.deepEqual(certificates(`${hash};${chain}`), [leaf.join(), above.join()]);
  });

  it('goes by Hash, which must be there', () => {
    assert.deepEqual(certificates(`Hash=${hashOf(leaf).toUpperCase()};${only}`), [leaf.join()]);
    assert.throws(() => certificates(only), undecodable);
    for (const other of [hashOf(above), '', hashOf(new Uint8Array())]) {
      assert.throws(() => certificates(`Hash=${other};${only}`), undecodable);
    }
  });

  it('goes by By, where that is asked for', () => {
    assert.deepEqual(certificates(`By=a;By=b;${cert}`, 1, ['c', 'b']), [leaf.join()]);
    for (const element of [cert, `By=c;${cert}`, `By=;${cert}`]) {
      assert.throws(() => certificates(element, 1, ['b']), undecodable);
    }
  });

  for (const [name, value] of Object.entries({
    'an element that only names somebody': 'By=a;URI=spiffe://a/b;Subject=""',
    'a Hash of nothing': `Hash=${hashOf(new Uint8Array())}`,
    'an empty Cert': 'Cert=""',
    'two certificates in Cert': `Cert="${pemUrl(leaf)}${pemUrl(above)}"`,
    'an empty Chain': 'Chain=""',
    'a Chain that begins with another': `${cert};Chain="${pemUrl(above)}${pemUrl(leaf)}"`,
    'a Cert that is none': 'Cert="x"',
    'a Chain that is none': `${cert};Chain="x"`,
  })) {
    it(`refuses ${name}`, () => {
      assert.throws(() => certificates(value), undecodable);
    });
  }
});

describeVectors('XFCC vectors', 'xfcc', (folder) => {
  interface Case {
    readonly header: string;
    readonly expected: readonly (readonly (readonly [string, string])[])[] | null;
    readonly must_fail: boolean;
    readonly source: string;
  }
  const cases = JSON.parse(readFileSync(join(folder, 'xfcc.json'), 'utf8')) as readonly Case[];
  cases.forEach(({ header, expected, must_fail: mustFail, source }, i) => {
    it(`${i}: ${mustFail ? 'refuses' : 'reads'} ${header.slice(0, 60)} (${source})`, () => {
      if (mustFail) return assert.throws(() => parseXfcc(header), undecodable);
      const lower = expected!.map((element) =>
        element.map(([key, value]) => [key.toLowerCase(), value]),
      );
      assert.deepEqual(parseXfcc(header), lower);
    });
  });
});
