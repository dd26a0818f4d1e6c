// Keys as options give them.
import { KeyObject, createPrivateKey, createPublicKey, createSecretKey } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import type { SignatureAlgorithm } from '../../http/message-signatures/algorithms.ts';
import { checkKey } from '../../http/message-signatures/keys.ts';

/** A key: a KeyObject, PEM text, or the bytes of a shared secret. */
export type KeyMaterial = KeyObject | string | Uint8Array;

/** A key that is fit for its algorithm. */
export interface UsableKey {
  readonly key: KeyObject;
  readonly algorithm: SignatureAlgorithm;
}

/**
 * Reads a key, and checks that its algorithm may use it.
 *
 * @param path where key and algorithm are among the options
 * @param algorithm may be left out where the key leaves no choice, that is for all but RSA
 * @throws ConfigError for what is no key, or none for this use
 */
export function usableKey(
  path: string,
  given: unknown,
  algorithm: SignatureAlgorithm | undefined,
  use: 'sign' | 'verify',
): UsableKey {
  const key = keyObject(`${path}.key`, given, use);
  const own = algorithm ?? onlyAlgorithm(key);
  if (own === undefined) {
    throw new ConfigError(`${path}.algorithm`, 'must be given: the key fits several, or none');
  }
  checkKey(key, own, use, path);
  return { key, algorithm: own };
}

function keyObject(path: string, given: unknown, use: 'sign' | 'verify'): KeyObject {
  if (given instanceof KeyObject) return given;
  try {
    if (typeof given === 'string') {
      return use === 'sign' ? createPrivateKey(given) : createPublicKey(given);
    }
    // PEM as bytes is refused as a secret later on: everybody may know it.
    if (given instanceof Uint8Array) return createSecretKey(given);
  } catch {
    // The reason may quote what is none.
  }
  throw new ConfigError(path, 'must be a KeyObject, PEM text, or the bytes of a shared secret');
}

function onlyAlgorithm(key: KeyObject): SignatureAlgorithm | undefined {
  if (key.type === 'secret') return 'hmac-sha256';
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return 'ed25519';
    case 'rsa-pss':
      return 'rsa-pss-sha512';
    default:
      return curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  }
}

const curves: Readonly<Record<string, SignatureAlgorithm | undefined>> = {
  prime256v1: 'ecdsa-p256-sha256',
  secp384r1: 'ecdsa-p384-sha384',
};
