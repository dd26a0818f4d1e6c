import type { KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from './algorithms.ts';

/** The algorithm that a key is for where its owner names none; undefined for a key that fits none. */
export function usualAlgorithm(key: KeyObject): SignatureAlgorithm | undefined {
  if (key.type === 'secret') return 'hmac-sha256';
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return 'ed25519';
    case 'ec':
      return curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
    case 'rsa':
    case 'rsa-pss':
      return 'rsa-pss-sha512';
    default:
      return undefined;
  }
}

const curves: Readonly<Record<string, SignatureAlgorithm | undefined>> = {
  prime256v1: 'ecdsa-p256-sha256',
  secp384r1: 'ecdsa-p384-sha384',
};
