import { KeyObject, createPrivateKey, createPublicKey, createSecretKey } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import { checkKey } from './keys.ts';

/** A key: a KeyObject, PEM, or the bytes of a shared secret. */
export type KeyMaterial = KeyObject | string | Uint8Array;

/** A key that is fit for its algorithm. */
export interface UsableKey {
  readonly key: KeyObject;
  readonly algorithm: SignatureAlgorithm;
}

/**
 * Reads a key, and checks that it may be used so.
 *
 * @param algorithm may be left out where the key leaves no choice, that is for all but RSA
 * @throws ConfigError
 */
export function usableKey(
  path: string,
  given: unknown,
  algorithm: SignatureAlgorithm | undefined,
  use: 'sign' | 'verify',
): UsableKey {
  const key = keyObject(`${path}.key`, given, use);
  const chosen = algorithm ?? onlyAlgorithm(key);
  if (chosen === undefined) {
    throw new ConfigError(`${path}.algorithm`, 'must be given: this key fits none, or several');
  }
  checkKey(key, chosen, use, path);
  return { key, algorithm: chosen };
}

function keyObject(path: string, given: unknown, use: 'sign' | 'verify'): KeyObject {
  if (given instanceof KeyObject) {
    // Whoever holds the private half may as well name it where the public one is asked for.
    return given.type === 'private' && use === 'verify' ? createPublicKey(given) : given;
  }
  try {
    // What a program reads from a file is text for one and bytes for another.
    if (typeof given === 'string' || isPem(given)) {
      const text = typeof given === 'string' ? given : Buffer.from(given);
      return use === 'sign' ? createPrivateKey(text) : createPublicKey(text);
    }
    if (given instanceof Uint8Array) return createSecretKey(given);
  } catch {
    // What it says of unreadable keys may quote them.
  }
  throw new ConfigError(path, 'must be a KeyObject, PEM, or the bytes of a shared secret');
}

function isPem(given: unknown): given is Uint8Array {
  return given instanceof Uint8Array && Buffer.from(given).includes('-----BEGIN ');
}

function onlyAlgorithm(key: KeyObject): SignatureAlgorithm | undefined {
  if (key.type === 'secret') return 'hmac-sha256';
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ed25519') return 'ed25519';
  if (asymmetricKeyType === 'rsa-pss') return 'rsa-pss-sha512';
  if (asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ecdsa-p256-sha256';
  if (asymmetricKeyDetails?.namedCurve === 'secp384r1') return 'ecdsa-p384-sha384';
  return undefined;
}
