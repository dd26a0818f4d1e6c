import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AuthError } from '../../src/errors.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { derBlocks } from '../../src/x509/pem.ts';
import { authError } from '../support/errors.ts';

const [one, two] = [testAuthority(), testAuthority()];
const crl = one.crl();
const refused = authError('ERR_CERTIFICATE_MALFORMED');
const block = (body: string, label = 'CERTIFICATE') =>
  `-----BEGIN ${label}-----${body}-----END ${label}-----\n`;
const base64 = one.der.toString('base64');

describe('derBlocks', () => {
  const good: readonly (readonly [what: string, source: string | Uint8Array, ders: Buffer[]])[] = [
    ['one block', one.cert, [one.der]],
    ['several blocks in their order', two.cert + one.cert, [two.der, one.der]],
    ['text around blocks', `subject=x\n${one.cert}\nissuer=y\n${two.cert}end`, [one.der, two.der]],
    ['blocks of other kinds beside', one.key + crl.pem + one.cert + two.key, [one.der]],
    ['other ends of lines', one.cert.replaceAll('\n', '\r\n'), [one.der]],
    ['all in one line', block(base64), [one.der]],
    ['spaces and tabs', block(` \t${base64.slice(0, 5)} \n\t${base64.slice(5)}`), [one.der]],
    ['PEM as bytes', Buffer.from(`\ufeff${one.cert}`), [one.der]],
    ['DER', one.der, [one.der]],
  ];
  for (const [what, source, ders] of good) {
    it(`reads ${what}`, () => {
      assert.deepEqual(derBlocks(source, 'CERTIFICATE').map(Buffer.from), ders);
    });
  }

  it('reads the blocks of the label it is asked for', () => {
    const text = one.cert + crl.pem;
    assert.deepEqual(derBlocks(text, 'X509 CRL').map(Buffer.from), [crl.der]);
  });

  const bad: readonly (readonly [what: string, source: string | Uint8Array, reason: RegExp])[] = [
    ['nothing', '', /no "-----BEGIN CERTIFICATE-----"/],
    ['no bytes', Buffer.alloc(0), /no "-----BEGIN/],
    ['other text', 'certificate', /no "-----BEGIN/],
    ['other labels', one.key + crl.pem, /no "-----BEGIN/],
    [
      'a trusted certificate, which is another format',
      block(base64, 'TRUSTED CERTIFICATE'),
      /no "/,
    ],
    ['a block without an end', one.cert.replace('-----END', ''), /without an end/],
    ['a second block without an end', `${one.cert}-----BEGIN CERTIFICATE-----`, /without an end/],
    ['an empty block', block('\n'), /base64/],
    ['a block within a block', block(one.cert), /base64/],
    ['two begins', `-----BEGIN CERTIFICATE-----\n${one.cert}`, /base64/],
    ['headers', block(`\nProc-Type: 4,ENCRYPTED\n\n${base64}`), /base64/],
    ['a foreign character', block(`${base64.slice(0, 8)}!${base64.slice(8)}`), /base64/],
    ['a non-breaking space', block(`${base64.slice(0, 8)}\u00a0${base64.slice(8)}`), /base64/],
    ['base64url', block(`-_${base64.slice(2)}`), /base64/],
    ['too few padding characters', block('MAA'), /base64/],
    ['bits after the end', block('MAB='), /base64/],
    ['text after the padding', block('MAA=MAA='), /base64/],
  ];
  for (const [what, source, reason] of bad) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => derBlocks(source, 'CERTIFICATE'),
        authError('ERR_CERTIFICATE_MALFORMED', reason),
      );
    });
  }

  it('answers or refuses, whatever it is given', () => {
    const piece = fc.constantFrom(
      one.cert,
      base64,
      '-----BEGIN CERTIFICATE-----',
      '-----END CERTIFICATE-----',
      '\n',
      '=',
      '-',
    );
    const text = fc
      .array(fc.oneof(piece, fc.string()), { maxLength: 8 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array()), (source) => {
        try {
          assert.ok(derBlocks(source, 'CERTIFICATE').length > 0);
        } catch (error) {
          assert.ok(error instanceof AuthError, String(error));
        }
      }),
    );
  });

  it('is quick about a hundred thousand beginnings', () => {
    assert.throws(
      () => derBlocks('-----BEGIN CERTIFICATE-----'.repeat(100_000), 'CERTIFICATE'),
      refused,
    );
    const ends = '-----END CERTIFICATE-----'.repeat(100_000);
    assert.throws(() => derBlocks(`-----BEGIN CERTIFICATE-----\n${ends}`, 'CERTIFICATE'), refused);
  });
});
