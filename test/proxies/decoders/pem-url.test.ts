import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodePem } from '../../../src/proxies/decoders/pem-url.ts';
import { authError } from '../../support/errors.ts';
import { pem, pemSpaces, pemUrl } from '../../support/forwarded.ts';

// Long enough for several lines, and with every character of base64.
const der = Uint8Array.from({ length: 150 }, (_, i) => (i * 37 + 251) & 0xff);
const other = Uint8Array.of(1, 2, 3);
const undecodable = authError('ERR_CERTIFICATE_MALFORMED');
const found = (value: string): readonly string[] => decodePem(value).map((one) => one.join());

describe('decodePem', () => {
  const spellings: Readonly<Record<string, string>> = {
    'as nginx escapes it': pemUrl(der),
    'with lower-case escapes': pemUrl(der).replace(/%../g, (one) => one.toLowerCase()),
    'as AWS escapes it, which leaves + = / alone': pemUrl(der)
      .replaceAll('%2B', '+')
      .replaceAll('%3D', '=')
      .replaceAll('%2F', '/'),
    'with spaces for line ends, as Apache writes it': pemSpaces(der),
    'without the last line end': pemUrl(der).replace(/%0A$/, ''),
    'with CRLF': pemUrl(der).replaceAll('%0A', '%0D%0A'),
    'with its base64 in one line': pemUrl(der).replaceAll(/(?<!-)%0A(?!-)/g, ''),
  };
  for (const [name, value] of Object.entries(spellings)) {
    it(`reads a certificate ${name}`, () => {
      assert.deepEqual(found(value), [der.join()]);
    });
  }

  it('keeps a plus', () => {
    assert.match(pem(der), /\+/);
    assert.deepEqual(found(pemUrl(der).replaceAll('%2B', '+')), [der.join()]);
  });

  it('reads several in their order', () => {
    assert.deepEqual(found(pemUrl(other) + pemUrl(der)), [other.join(), der.join()]);
    assert.deepEqual(found(pemSpaces(other) + pemSpaces(der)), [other.join(), der.join()]);
  });

  const damaged: Readonly<Record<string, string>> = {
    'a plus that became a space': pem(der).replaceAll('\n', '%0A').replaceAll('+', ' '),
    'text before it': `x${pemUrl(der)}`,
    'text after it': `${pemUrl(der)}x`,
    'text right behind its end': pemSpaces(der).replace(/ $/, 'x'),
    'a line end too many': `${pemUrl(der)}%0A`,
    'another label': pemUrl(der).replaceAll('CERTIFICATE', 'X509%20CRL'),
    'no end': pemUrl(der).replace(/-----END.*/, ''),
    'no base64': '-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----',
    'an empty line': pemUrl(der).replace('%0A', '%0A%0A'),
    'a line that is too long': pemUrl(der).replace(/%0A(?=[^-]*%0A-----END)/, ''),
    'a header in front of its base64': pemSpaces(der).replace('----- ', '----- Proc-Type: 4 '),
    'a tab for its line ends': pemSpaces(der).replaceAll(/ (?![C])/g, '\t'),
    'base64 of another alphabet': pemSpaces(der).replaceAll('+', '-'),
    'a percent sign alone': `${pemUrl(der)}%`,
    'half an escape': `${pemUrl(der)}%0`,
    'an escape of what is no digit': pemUrl(der).replace('%0A', '%0G'),
    'an escape beyond ASCII': pemUrl(der).replace('%0A', '%8A'),
    'an escape of an escape': pemUrl(der).replaceAll('%', '%25'),
    nothing: ' ',
  };
  for (const [name, value] of Object.entries(damaged)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => {
        const { length } = decodePem(value);
        assert.notEqual(length, 0, 'nothing found is no answer to text');
      }, undecodable);
    });
  }
});
