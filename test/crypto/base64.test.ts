import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeBase64 } from '../../src/crypto/base64.ts';

describe('decodeBase64', () => {
  it('reads what base64 writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(decodeBase64(Buffer.from(bytes).toString('base64')), Buffer.from(bytes));
      }),
    );
  });

  for (const text of [
    'YQ',
    'YQ=',
    'YQ===',
    'YR==',
    'YWJ=',
    'Y',
    '====',
    'Y-_=',
    'YQ==\n',
    ' YQ==',
    'YQ==YQ==',
    'Y\u00c5==',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(decodeBase64(text), undefined));
  }
});
