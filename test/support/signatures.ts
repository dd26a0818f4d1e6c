import { type KeyObject, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  type KeySigner,
  type Message,
  type RequestMessage,
  type SignatureAlgorithm,
  type SignatureFields,
  type VerificationKey,
  contentDigest,
  signMessage,
} from 'countersign/signature';

export interface SignatureKeys {
  readonly signer: KeySigner;
  readonly verifier: VerificationKey;
}

const pairs: Readonly<
  Record<SignatureAlgorithm, () => Record<'privateKey' | 'publicKey', KeyObject>>
> = {
  'hmac-sha256': () => {
    const secret = createSecretKey(randomBytes(32));
    return { privateKey: secret, publicKey: secret };
  },
  ed25519: () => generateKeyPairSync('ed25519'),
  'ecdsa-p256-sha256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ecdsa-p384-sha384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'rsa-pss-sha512': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa-v1_5-sha256': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

export const everyAlgorithm = Object.keys(pairs) as readonly SignatureAlgorithm[];

/** New keys that fit together. */
export function signatureKeys(algorithm: SignatureAlgorithm = 'hmac-sha256'): SignatureKeys {
  const { privateKey, publicKey } = pairs[algorithm]();
  return {
    signer: { algorithm, key: privateKey },
    verifier: { algorithm, key: publicKey },
  };
}

export const payment: RequestMessage & { readonly headers: Readonly<Record<string, string>> } = {
  method: 'POST',
  url: 'https://api.bank.example/accounts/7/pay?to=8&amount=5',
  headers: {
    host: 'api.bank.example',
    'content-type': 'application/json',
    'content-digest': contentDigest('{"amount":5}'),
    date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  },
};

/** What a request that moves money has to cover. */
export const everything = [
  '@method',
  '@authority',
  '@path',
  '@query',
  'content-digest',
  'content-type',
];

export const parameters = {
  created: 1_618_884_473,
  nonce: 'b3k2pp5k7z50gnwpyemd',
  keyid: 'till-7',
  tag: 'countersign-request',
};

/** The message with these fields as well. */
export function withFields<M extends Message>(
  message: M,
  fields: Partial<SignatureFields> | Record<string, string>,
): M {
  return { ...message, headers: { ...(message.headers as Record<string, string>), ...fields } };
}

/** The message, signed over all that matters. */
export function signed<M extends Message>(
  message: M,
  signer: KeySigner,
  components = everything,
): M {
  return withFields(message, signMessage(message, { components, parameters, signer }));
}
