// The keys that responses are signed with.
import { ConfigError } from '../../errors.ts';
import type { SignatureAlgorithm } from '../../http/message-signatures/algorithms.ts';
import { type KeyMaterial, usableKey } from '../../http/message-signatures/key-material.ts';
import type { KeySigner, RemoteSigner } from '../../http/message-signatures/sign.ts';
import type { Identity } from '../../identity.ts';
import type { MaybePromise } from '../../maybe-promise.ts';
import { checkOptions, suggestion } from '../../options.ts';

/** A key of the service's own. Either `key` is here, or `sign` reaches it where it is. */
export interface ResponseKeyOptions {
  /** What the signature names it by, and clients know it by. */
  readonly keyId: string;
  /** A private key, as a KeyObject or in PEM. Only a function of the identity may answer a secret one. */
  readonly key?: KeyMaterial;
  /** @defaultValue that of the key; it must be said for RSA, and where the key is elsewhere */
  readonly algorithm?: SignatureAlgorithm;
  /**
   * Has a KMS or an HSM sign these bytes; with ECDSA r and s one after the other. The response waits for it,
   * and is never sent where it fails.
   */
  readonly sign?: (base: Uint8Array) => MaybePromise<Uint8Array>;
}

/**
 * Says which key a peer is answered with, `undefined` for a peer that has not been accepted. Without a key
 * the response goes unsigned, and clients report it as unproven.
 */
export type ResponseKeyLookup = (
  identity: Identity | undefined,
) => MaybePromise<ResponseKeyOptions | undefined>;

export interface ResponseKey {
  readonly keyId: string;
  readonly signer: KeySigner | RemoteSigner;
  /** Whether whoever verifies it could have made it. */
  readonly isSymmetric: boolean;
}

const accepted: readonly SignatureAlgorithm[] = [
  'ed25519',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-pss-sha512',
  'hmac-sha256',
];

/**
 * One key for all peers.
 *
 * @throws ConfigError, for a symmetric one as well: each peer that verifies with it could pose as the service
 */
export function commonKey(options: ResponseKeyOptions): ResponseKey {
  const key = readResponseKey(options);
  if (!key.isSymmetric) return key;
  throw new ConfigError(
    `${path}.key`,
    'is symmetric, and every peer that can verify with it can pose as the service; ' +
      'give a private key, or a function that answers the secret of the one peer',
  );
}

/** @throws ConfigError for what is no key to sign with */
export function readResponseKey(given: ResponseKeyOptions): ResponseKey {
  const { keyId, key, algorithm, sign } = checkOptions(path, given, members);
  if (typeof keyId !== 'string' || !/^[ -~]{1,256}$/.test(keyId)) {
    throw new ConfigError(`${path}.keyId`, 'must be the name of the key, in printable ASCII');
  }
  if (algorithm !== undefined && !accepted.includes(algorithm)) {
    const known = suggestion(algorithm, accepted);
    throw new ConfigError(`${path}.algorithm`, `is none that responses are signed with.${known}`);
  }
  if ((key === undefined) === (sign === undefined)) {
    throw new ConfigError(path, 'needs either `key` or `sign`');
  }
  const signer =
    sign === undefined ? usableKey(path, key, algorithm, 'sign') : remote(sign, algorithm);
  return { keyId, signer, isSymmetric: signer.algorithm === 'hmac-sha256' };
}

const path = 'signedResponses';
const members = ['keyId', 'key', 'algorithm', 'sign'];

function remote(
  sign: NonNullable<ResponseKeyOptions['sign']>,
  algorithm: SignatureAlgorithm | undefined,
): RemoteSigner {
  if (typeof sign !== 'function') throw new ConfigError(`${path}.sign`, 'must be a function');
  if (algorithm === undefined) {
    throw new ConfigError(`${path}.algorithm`, 'must be said where `sign` signs');
  }
  return { algorithm, sign };
}
