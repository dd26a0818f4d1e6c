import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { bitString, nothing, objectIdentifier, sequence } from './der-writer.ts';

/** The kinds of key that can be made. 1024-bit RSA is for tests of its refusal. */
export type KeyType =
  'ec-p256' | 'ec-p384' | 'ec-p521' | 'rsa-1024' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ed25519';

export type SignatureHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A private key and the hash that it signs with. Ed25519 has its own and ignores this one. */
export interface Signer {
  readonly key: KeyObject;
  readonly hash: SignatureHash;
}

/** All key types, for checking a value that came as text. */
export const keyTypes: readonly KeyType[] = [
  'ec-p256',
  'ec-p384',
  'ec-p521',
  'rsa-1024',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ed25519',
];

const ecdsa: Readonly<Record<SignatureHash, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};

const rsaPkcs1: Readonly<Record<SignatureHash, string>> = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};

const curves: Readonly<Record<string, string>> = { p256: 'P-256', p384: 'P-384', p521: 'P-521' };

/** A new key pair. RSA takes a moment: 2048 bits some 100 ms, 4096 bits a second or more. */
export function newKeyPair(type: KeyType): KeyPair {
  const [family, size = ''] = type.split('-');
  if (family === 'ec') return generateKeyPairSync('ec', { namedCurve: curves[size]! });
  if (family === 'rsa') return generateKeyPairSync('rsa', { modulusLength: Number(size) });
  return generateKeyPairSync('ed25519');
}

/** PEM (PKCS#8), not encrypted. */
export function privatePem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** The hash that fits a key: as strong as its curve, SHA-256 for RSA. */
export function defaultHash(key: KeyObject): SignatureHash {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'secp384r1') return 'sha384';
  return curve === 'secp521r1' ? 'sha512' : 'sha256';
}

/** The AlgorithmIdentifier of a signature by `signer`. @throws TypeError for a key of another kind. */
export function signatureAlgorithm(signer: Signer): Buffer {
  switch (signer.key.asymmetricKeyType) {
    case 'ec':
      return sequence(objectIdentifier(ecdsa[signer.hash]));
    case 'rsa':
      return sequence(objectIdentifier(rsaPkcs1[signer.hash]), nothing());
    case 'ed25519':
      return sequence(objectIdentifier('1.3.101.112'));
    default:
      throw new TypeError(
        `cannot sign with a key of type ${signer.key.asymmetricKeyType ?? 'secret'}`,
      );
  }
}

/**
 * The triple that certificates, CRLs and OCSP responses are: what is signed, the algorithm, the signature.
 *
 * @param tampered whether the signature is to be well-formed and wrong
 * @param along what follows the signature, and is not under it
 */
export function signed(
  body: Buffer,
  signer: Signer,
  tampered = false,
  ...along: readonly Buffer[]
): Buffer {
  const hash = signer.key.asymmetricKeyType === 'ed25519' ? null : signer.hash;
  const signature = sign(hash, body, signer.key);
  if (tampered) signature[signature.length - 1]! ^= 1;
  return sequence(body, signatureAlgorithm(signer), bitString(signature), ...along);
}
