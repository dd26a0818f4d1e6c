import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeDer,
  decodeEscapedDer,
  decodeJoinedDer,
} from '../../../src/proxies/decoders/der-base64.ts';
import { authError } from '../../support/errors.ts';

const undecodable = authError('ERR_CERTIFICATE_MALFORMED');

describe('decodeDer', () => {
  it('reads base64 without armour', () => {
    assert.deepEqual(
      decodeDer('+/8=').map((one) => one.join()),
      ['251,255'],
    );
  });

  it('reads several, joined by commas', () => {
    assert.deepEqual(
      decodeDer('AQ==,Ag==').map((one) => one.join()),
      ['1', '2'],
    );
  });

  for (const value of [
    '',
    'AQ',
    'AQ=',
    'AR==',
    'AQ==,',
    ',AQ==',
    'A Q=',
    ' 8=',
    'AQ%3D%3D',
    '(null)',
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => decodeDer(value), undecodable);
    });
  }
});

describe('decodeEscapedDer', () => {
  it('reads both spellings of Traefik', () => {
    for (const value of ['+/8=,AQ==', '%2B%2F8%3D%2CAQ%3D%3D']) {
      assert.deepEqual(
        decodeEscapedDer(value).map((one) => one.join()),
        ['251,255', '1'],
      );
    }
  });

  it('refuses what another reader made of a plus', () => {
    assert.throws(() => decodeEscapedDer(' /8='), undecodable);
  });
});

describe('decodeJoinedDer', () => {
  it('reads sequences whose bytes were joined', () => {
    const joined = Buffer.of(0x30, 1, 7, 0x30, 0).toString('base64');
    assert.deepEqual(
      decodeJoinedDer(joined).map((one) => one.join()),
      ['48,1,7', '48,0'],
    );
  });

  for (const [name, bytes] of Object.entries({
    'another element': [0x31, 0],
    'an element that is cut short': [0x30, 2, 0],
    'bytes behind the last one': [0x30, 0, 0],
  })) {
    it(`refuses ${name}`, () => {
      const joined = Buffer.from(bytes).toString('base64');
      assert.throws(() => decodeJoinedDer(joined), undecodable);
    });
  }
});
