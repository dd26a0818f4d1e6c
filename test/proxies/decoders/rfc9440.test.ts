import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeClientCert, decodeClientCertChain } from '../../../src/proxies/decoders/rfc9440.ts';
import { authError } from '../../support/errors.ts';
import { describeVectors } from '../../support/vectors.ts';

const undecodable = authError('ERR_CERTIFICATE_MALFORMED', /no byte sequence/);

describe('decodeClientCert', () => {
  it('reads one byte sequence', () => {
    assert.deepEqual(
      decodeClientCert(':AQID:').map((one) => one.join()),
      ['1,2,3'],
    );
  });

  for (const value of [
    '',
    ':',
    '::',
    'AQID',
    ':AQID',
    'AQID:',
    ':AQID:;a=1',
    ' :AQID:',
    ':AQ ID:',
    ':AQI:',
    ':AQJ=:',
    ':AQ==:, :AQ==:',
    ':AQ==::AQ==:',
    ':-_8=:',
    '"AQID"',
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => decodeClientCert(value), undecodable);
    });
  }
});

describe('decodeClientCertChain', () => {
  it('reads a list, with white space around commas', () => {
    assert.deepEqual(
      decodeClientCertChain(':AQ==:,:Ag==: \t, :Aw==:').map((one) => one.join()),
      ['1', '2', '3'],
    );
  });

  for (const value of [
    '',
    '::',
    ',',
    ':AQ==:,\u00a0:AQ==:',
    ':AQ==:,',
    ',:AQ==:',
    ':AQ==: :AQ==:',
    ':AQ==:,::',
    '(:AQ==:)',
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => decodeClientCertChain(value), undecodable);
    });
  }
});

describeVectors('RFC 9440 appendix A', 'rfc9440', (folder) => {
  const { headers, pem } = JSON.parse(readFileSync(join(folder, 'appendix-a.json'), 'utf8')) as {
    readonly headers: Readonly<Record<string, readonly [string]>>;
    readonly pem: readonly string[];
  };
  const expected = pem.map((one) => new X509Certificate(one).raw);
  // The RFC breaks its lines, which HTTP does not.
  const unfolded = (name: string): string => headers[name]![0].replaceAll(' ', '');

  it('Client-Cert is the first certificate', () => {
    assert.deepEqual(decodeClientCert(unfolded('Client-Cert')), expected.slice(0, 1));
  });

  it('Client-Cert-Chain holds the others', () => {
    assert.deepEqual(decodeClientCertChain(unfolded('Client-Cert-Chain')), expected.slice(1));
  });
});
