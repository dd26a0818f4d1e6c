import assert from 'node:assert/strict';
import {
  type KeyObject,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { describe, it } from 'node:test';
import type { SignatureAlgorithm } from 'countersign/signature';
import { checkKey } from '../../../src/http/message-signatures/keys.ts';
import { configError } from '../../support/errors.ts';
import { everyAlgorithm, signatureKeys } from '../../support/signatures.ts';

const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });
// The types of Node 20 want a salt length that is text; Node itself wants a number.
const pss = (hashAlgorithm: string, mgf1HashAlgorithm: string, saltLength: number) =>
  generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    hashAlgorithm,
    mgf1HashAlgorithm,
    saltLength: saltLength as never,
  });
const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa2048 = rsa(2048);
const modulus = Buffer.from(rsa2048.publicKey.export({ format: 'jwk' }).n!, 'base64url');

describe('checkKey', () => {
  for (const algorithm of everyAlgorithm) {
    it(`takes the halves of a key for ${algorithm}, each for its own use`, () => {
      const { signer, verifier } = signatureKeys(algorithm);
      checkKey(signer.key, algorithm, 'sign', 'key');
      checkKey(verifier.key, algorithm, 'verify', 'key');
      if (algorithm === 'hmac-sha256') return;
      assert.throws(() => checkKey(verifier.key, algorithm, 'sign', 'key'), configError('key.key'));
      assert.throws(() => checkKey(signer.key, algorithm, 'verify', 'key'), configError('key.key'));
    });
  }

  it('takes a key of RSA-PSS that is bound to the right hash', () => {
    checkKey(pss('sha512', 'sha512', 64).publicKey, 'rsa-pss-sha512', 'verify', 'key');
  });

  const spki = ed25519.publicKey.export({ type: 'spki', format: 'der' });
  const secrets: readonly (readonly [what: string, bytes: Uint8Array | string])[] = [
    ['31 bytes', randomBytes(31)],
    ['a public key in PEM', ed25519.publicKey.export({ type: 'spki', format: 'pem' })],
    ['a private key in PEM', ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['a public key in DER', spki],
    ['an RSA key in DER', rsa2048.publicKey.export({ type: 'pkcs1', format: 'der' })],
  ];
  for (const [what, bytes] of secrets) {
    it(`refuses ${what} as the secret of hmac-sha256`, () => {
      const key = createSecretKey(Buffer.from(bytes));
      assert.throws(() => checkKey(key, 'hmac-sha256', 'verify', 'key'), configError('key.key'));
    });
  }

  const wrong: readonly (readonly [what: string, key: KeyObject, algorithm: SignatureAlgorithm])[] =
    [
      ['a public key', ed25519.publicKey, 'hmac-sha256'],
      ['a private key', ed25519.privateKey, 'hmac-sha256'],
      ['a secret', createSecretKey(randomBytes(64)), 'ed25519'],
      ['a secret', createSecretKey(randomBytes(64)), 'rsa-pss-sha512'],
      ['Ed448', generateKeyPairSync('ed448').publicKey, 'ed25519'],
      ['X25519', generateKeyPairSync('x25519').publicKey, 'ed25519'],
      ['P-384', p384.publicKey, 'ecdsa-p256-sha256'],
      ['P-256', p256.publicKey, 'ecdsa-p384-sha384'],
      ['Ed25519', ed25519.publicKey, 'ecdsa-p256-sha256'],
      ['P-256', p256.publicKey, 'rsa-v1_5-sha256'],
      ['RSA of 1024 bits', rsa(1024).publicKey, 'rsa-v1_5-sha256'],
      ['RSA of 2047 bits', rsa(2047).publicKey, 'rsa-pss-sha512'],
      ['RSA of 8,200 bits', rsaOf(Buffer.alloc(1025, 0xff)), 'rsa-pss-sha512'],
      ['RSA with the exponent 1', rsaOf(modulus, 'AQ'), 'rsa-pss-sha512'],
      ['RSA with an even exponent', rsaOf(modulus, 'AQAA'), 'rsa-pss-sha512'],
      ['a key bound to PSS', pss('sha512', 'sha512', 64).publicKey, 'rsa-v1_5-sha256'],
      ['PSS bound to SHA-256', pss('sha256', 'sha256', 32).publicKey, 'rsa-pss-sha512'],
      ['PSS with two hashes', pss('sha512', 'sha256', 32).publicKey, 'rsa-pss-sha512'],
    ];
  for (const [what, key, algorithm] of wrong) {
    it(`refuses ${what} for ${algorithm}`, () => {
      assert.throws(() => checkKey(key, algorithm, 'verify', 'key'), configError('key.key'));
    });
  }

  it('says of a public key for hmac-sha256 that it is none of that kind', () => {
    assert.throws(
      () => checkKey(ed25519.publicKey, 'hmac-sha256', 'verify', 'key'),
      configError('key.key', /is a public key; hmac-sha256 takes a secret one/),
    );
  });

  it('does not take for one algorithm what it took for another', () => {
    checkKey(rsa2048.publicKey, 'rsa-pss-sha512', 'verify', 'key');
    assert.throws(
      () => checkKey(rsa2048.publicKey, 'ed25519', 'verify', 'key'),
      configError('key.key'),
    );
    assert.throws(
      () => checkKey(rsa2048.publicKey, 'rsa-pss-sha512', 'sign', 'key'),
      configError('key.key'),
    );
  });

  it('refuses what is no KeyObject, and algorithms that are none', () => {
    for (const key of [undefined, null, 'secret', randomBytes(32), {}]) {
      assert.throws(
        () => checkKey(key as never, 'hmac-sha256', 'sign', 'key'),
        configError('key.key', /KeyObject/),
      );
    }
    for (const algorithm of ['none', 'constructor', 'hmac-sha1', undefined]) {
      assert.throws(
        () => checkKey(ed25519.publicKey, algorithm as never, 'verify', 'key'),
        configError('key.algorithm'),
      );
    }
  });
});

/** A public key with these numbers, whether anybody has its other half or not. */
function rsaOf(n: Buffer, e = 'AQAB'): KeyObject {
  return createPublicKey({ key: { kty: 'RSA', n: n.toString('base64url'), e }, format: 'jwk' });
}
