import { randomBytes } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import {
  type SignatureAlgorithm,
  algorithms,
  isAlgorithm,
} from '../../http/message-signatures/algorithms.ts';
import {
  type KeySigner,
  type RemoteSigner,
  signMessage,
} from '../../http/message-signatures/sign.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import type { ClientMethod } from '../../method.ts';
import { checkOptions, suggestion } from '../../options.ts';
import { requestCoverage, requestTag } from './coverage.ts';
import { type KeyMaterial, usableKey } from '../../http/message-signatures/key-material.ts';

/** A key, or with `sign` a key that is elsewhere. One of the two. */
export type SignatureClientOptions = SignatureClientKey | SignatureClientSigner;

export interface SignatureClientKey {
  /** The name under which the server knows the key. */
  readonly keyId: string;
  /** A private key, or for `hmac-sha256` the secret that this client alone shares with the server. */
  readonly key: KeyMaterial;
  /** @defaultValue what the key is for; to be given for RSA */
  readonly algorithm?: SignatureAlgorithm;
}

export interface SignatureClientSigner {
  /** The name under which the server knows the key. */
  readonly keyId: string;
  /** The signature over these bytes, by a KMS or an HSM; with ECDSA r and s one after the other. */
  readonly sign: (base: Uint8Array) => MaybePromise<Uint8Array>;
  readonly algorithm: SignatureAlgorithm;
}

type Given = Partial<SignatureClientKey & SignatureClientSigner>;

const known = ['keyId', 'key', 'algorithm', 'sign'];
const label = 'cs-request';

/**
 * Signs each request: its target, its content by its digest, and the fields that change what it means.
 *
 * It proves nothing of the server, so a client with it needs `server.proof` too; that is also what adds
 * the digest.
 *
 * @throws ConfigError for a key that cannot be read, or that no algorithm may use
 */
export function signatureClient(options: SignatureClientOptions): ClientMethod {
  const own: Given = checkOptions('signatureClient', options, known);
  const keyid = readKeyId(own.keyId);
  const signer = readSigner(own);
  return {
    name: 'signature',
    present({ method, origin, target, fields }) {
      const has = (name: string): boolean => fields[name] !== undefined;
      const signed = signMessage(
        { method, url: origin + target, headers: fields },
        {
          label,
          signer,
          components: requestCoverage({ has }, has('content-digest')),
          parameters: {
            created: Math.floor(Date.now() / 1000),
            nonce: randomBytes(16).toString('base64url'),
            keyid,
            tag: requestTag,
          },
        },
      );
      return andThen(signed, (added) => ({ ...added }));
    },
  };
}

function readKeyId(keyId: unknown): string {
  if (typeof keyId === 'string' && /^[ -~]{1,256}$/.test(keyId)) return keyId;
  throw new ConfigError(
    'signatureClient.keyId',
    'must be the name that the server knows the key by: 1 to 256 characters of ASCII',
  );
}

function readSigner({ key, sign, algorithm }: Given): KeySigner | RemoteSigner {
  if ((key === undefined) === (sign === undefined)) {
    throw new ConfigError('signatureClient', 'needs `key`, or `sign` in its place: one of the two');
  }
  if (key !== undefined) return usableKey('signatureClient', key, algorithm, 'sign');
  if (typeof sign !== 'function') {
    throw new ConfigError('signatureClient.sign', 'must be a function');
  }
  if (!isAlgorithm(algorithm)) {
    const names = suggestion(String(algorithm), Object.keys(algorithms));
    throw new ConfigError('signatureClient.algorithm', `must say what \`sign\` makes.${names}`);
  }
  return { algorithm, sign };
}
