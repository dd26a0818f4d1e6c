// The algorithms that RFC 9421 registers (section 3.3), over keys of node:crypto. Which keys may be used
// with which, keys.ts says; nothing here looks at a key.
import { type KeyObject, constants, createHmac, sign, verify } from 'node:crypto';
import { equalInConstantTime } from '../../crypto/constant-time.ts';

export type SignatureAlgorithm =
  | 'hmac-sha256'
  | 'ed25519'
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256';

export interface Primitive {
  /** How long a signature is, in bytes; undefined where the key decides. */
  readonly length: number | undefined;
  sign(base: string, key: KeyObject): Uint8Array;
  verify(base: string, key: KeyObject, signature: Uint8Array): boolean;
}

/** Every algorithm there is. */
export const algorithms: Readonly<Record<SignatureAlgorithm, Primitive>> = {
  'hmac-sha256': {
    length: 32,
    sign: hmac,
    verify: (base, key, signature) => equalInConstantTime(hmac(base, key), signature),
  },
  ed25519: primitive(null, 64, (key) => key),
  'ecdsa-p256-sha256': primitive('sha256', 64, ecdsa),
  'ecdsa-p384-sha384': primitive('sha384', 96, ecdsa),
  'rsa-pss-sha512': primitive('sha512', undefined, (key) => ({
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 64,
  })),
  'rsa-v1_5-sha256': primitive('sha256', undefined, (key) => ({
    key,
    padding: constants.RSA_PKCS1_PADDING,
  })),
};

export function isAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === 'string' && Object.hasOwn(algorithms, name);
}

type NodeKey = KeyObject | Exclude<Parameters<typeof verify>[2], KeyObject>;

function primitive(
  hash: string | null,
  length: number | undefined,
  how: (key: KeyObject) => NodeKey,
): Primitive {
  return {
    length,
    sign: (base, key) => sign(hash, Buffer.from(base, 'latin1'), how(key) as KeyObject),
    verify: (base, key, signature) =>
      verify(hash, Buffer.from(base, 'latin1'), how(key), signature),
  };
}

/** r and s one after the other, instead of OpenSSL's DER. */
function ecdsa(key: KeyObject): NodeKey {
  return { key, dsaEncoding: 'ieee-p1363' };
}

function hmac(base: string, key: KeyObject): Uint8Array {
  return createHmac('sha256', key).update(base, 'latin1').digest();
}
