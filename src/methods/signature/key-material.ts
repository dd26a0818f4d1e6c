// Keys as options give them: PEM or a KeyObject, with the algorithm or without.
import { KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import type { SignatureAlgorithm } from '../../http/message-signatures/algorithms.ts';
import { usualAlgorithm } from '../../http/message-signatures/key-algorithm.ts';
import { checkKey } from '../../http/message-signatures/keys.ts';
import type { Pem } from '../../method.ts';

/** A key of `node:crypto`, or its text in PEM. A shared secret is a KeyObject: bytes have no mark. */
export type KeyMaterial = KeyObject | Pem;

export interface OwnKey {
  readonly key: KeyObject;
  readonly algorithm: SignatureAlgorithm;
}

/**
 * Reads a key with its algorithm, which is the key's usual one unless it is named.
 *
 * @param path where both are among the options
 * @throws ConfigError for what is no key, or none for this use
 */
export function readKey(
  path: string,
  material: KeyMaterial,
  algorithm: SignatureAlgorithm | undefined,
  use: 'sign' | 'verify',
): OwnKey {
  const key = keyFrom(path, material, use);
  const own = algorithm ?? usualAlgorithm(key);
  if (own === undefined) {
    throw new ConfigError(`${path}.key`, `is a ${key.asymmetricKeyType} key; use an Ed25519 key`);
  }
  checkKey(key, own, use, path);
  return { key, algorithm: own };
}

function keyFrom(path: string, material: KeyMaterial, use: 'sign' | 'verify'): KeyObject {
  if (material instanceof KeyObject) return material;
  const half = use === 'sign' ? 'private' : 'public';
  try {
    // Whoever may verify needs no more: from a private key this would take the public half in silence.
    const wanted = String(material).includes(
      use === 'sign' ? 'PRIVATE KEY-----' : 'PUBLIC KEY-----',
    );
    if (wanted) return use === 'sign' ? createPrivateKey(material) : createPublicKey(material);
  } catch {
    // It says of itself that it is one, and is none.
  }
  throw new ConfigError(
    `${path}.key`,
    `cannot be read; give a ${half} key in PEM, or a KeyObject (createSecretKey for a shared secret)`,
  );
}
