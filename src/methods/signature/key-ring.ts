import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import type { SignatureAlgorithm } from '../../http/message-signatures/algorithms.ts';
import type { Evidence } from '../../identity.ts';
import { type MaybePromise, andThen, isPromise } from '../../maybe-promise.ts';
import { checkOptions } from '../../options.ts';
import {
  type KeyMaterial,
  type UsableKey,
  usableKey,
} from '../../http/message-signatures/key-material.ts';

/** A peer's key, and what it stands for. */
export interface PeerKey {
  /** Public; with `hmac-sha256` a secret that this peer alone shares with us. */
  readonly key: KeyMaterial;
  /** @defaultValue what the key is for; to be given for RSA */
  readonly algorithm?: SignatureAlgorithm;
  /** The subject of who signs with it. @defaultValue `key:` and its name */
  readonly subject?: string;
  /** From when it counts. @defaultValue always */
  readonly notBefore?: Date;
  /** The last instant at which it counts. @defaultValue never */
  readonly notAfter?: Date;
  /** `retiring` counts like `active`, and says in evidence that it should be replaced. @defaultValue `'active'` */
  readonly state?: 'active' | 'retiring' | 'revoked';
}

/** A key with the name that signatures call it by. */
export interface NamedPeerKey extends PeerKey {
  readonly keyId: string;
}

/** Peers' keys: all of them, or a function that finds one by its name. "Not found" is undefined. */
export type PeerKeys =
  readonly NamedPeerKey[] | ((keyId: string) => MaybePromise<PeerKey | undefined>);

/** What `signature` found of a peer that has signed its request. */
export interface SignatureEvidence extends Evidence {
  readonly keyId: string;
  /** Whether the key is `retiring`: it should be replaced. */
  readonly isRetiring: boolean;
}

/** A peer's key, checked. */
export interface CheckedKey extends UsableKey {
  readonly keyId: string;
  readonly notBefore: Date | undefined;
  readonly notAfter: Date | undefined;
  readonly state: 'active' | 'retiring' | 'revoked';
  /** Whether there is no such key, and this one stands in for it so that nobody can tell by the time it takes. */
  readonly isDecoy: boolean;
  /** The same for every request that it signs. */
  readonly evidence: SignatureEvidence;
}

const members = ['key', 'algorithm', 'subject', 'notBefore', 'notAfter', 'state'];
const states = ['active', 'retiring', 'revoked'];
/** Names are asked for by anybody. */
const maxRemembered = 10_000;
const maxNameLength = 256;

interface Remembered {
  readonly until: number;
  readonly answer: MaybePromise<CheckedKey | undefined>;
}

/** Finds peers' keys. What a function answers is remembered for a while, also that there is none. */
export class KeyRing {
  readonly #path: string;
  readonly #find: (keyId: string, now: number) => MaybePromise<CheckedKey | undefined>;
  readonly #ttlMs: number;
  readonly #remembered = new Map<string, Remembered>();
  readonly #decoys = new Map<SignatureAlgorithm, CheckedKey>();
  /** That of the last key found: most keys of a service are of one kind. */
  #usual: SignatureAlgorithm = 'ed25519';

  /** @throws ConfigError */
  constructor(path: string, keys: unknown, ttl: number) {
    this.#path = path;
    this.#ttlMs = ttl * 1000;
    if (typeof keys === 'function') {
      const find = keys as (keyId: string) => MaybePromise<unknown>;
      const checked = (keyId: string): MaybePromise<CheckedKey | undefined> =>
        andThen(find(keyId), (found) =>
          found === undefined ? undefined : checkedKey(this.#path, keyId, found),
        );
      this.#find = (keyId, now) => this.#remember(keyId, now, checked);
      return;
    }
    const named = namedKeys(path, keys);
    for (const { algorithm } of named.values()) this.#usual = algorithm;
    this.#find = (keyId) => named.get(keyId);
  }

  /** The key of this name; a decoy where there is none. */
  lookUp(keyId: string, now: number): MaybePromise<CheckedKey> {
    const found = keyId.length > maxNameLength ? undefined : this.#find(keyId, now);
    return andThen(found, (key) => {
      if (key === undefined) return this.#decoy();
      this.#usual = key.algorithm;
      return key;
    });
  }

  #remember(
    keyId: string,
    now: number,
    find: (keyId: string) => MaybePromise<CheckedKey | undefined>,
  ): MaybePromise<CheckedKey | undefined> {
    const known = this.#remembered.get(keyId);
    if (known !== undefined && now < known.until) return known.answer;
    const answer = find(keyId);
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(keyId, { until: now + this.#ttlMs, answer });
    // A source that fails is asked again.
    if (isPromise(answer)) answer.catch(() => this.#remembered.delete(keyId));
    return answer;
  }

  #decoy(): CheckedKey {
    let decoy = this.#decoys.get(this.#usual);
    if (decoy === undefined) {
      decoy = {
        ...checkedKey('decoy', '', { key: freshKey(this.#usual), algorithm: this.#usual }),
        isDecoy: true,
      };
      this.#decoys.set(this.#usual, decoy);
    }
    return decoy;
  }
}

function namedKeys(path: string, keys: unknown): ReadonlyMap<string, CheckedKey> {
  if (!Array.isArray(keys) || keys.length === 0) {
    throw new ConfigError(path, 'must be a list of keys, or a function from keyId to key');
  }
  const named = new Map<string, CheckedKey>();
  keys.forEach((given: NamedPeerKey, i) => {
    const { keyId, ...key } = checkOptions(`${path}[${i}]`, given, ['keyId', ...members]);
    if (typeof keyId !== 'string' || !/^[ -~]+$/.test(keyId) || keyId.length > maxNameLength) {
      throw new ConfigError(`${path}[${i}].keyId`, 'must be printable ASCII');
    }
    if (named.has(keyId)) {
      throw new ConfigError(`${path}[${i}].keyId`, `a second key is named "${keyId}"`);
    }
    named.set(keyId, checkedKey(`${path}[${i}]`, keyId, key));
  });
  return named;
}

function checkedKey(path: string, keyId: string, given: unknown): CheckedKey {
  const own = checkOptions(path, given as PeerKey, members);
  const { key, algorithm, subject = `key:${keyId}`, notBefore, notAfter, state = 'active' } = own;
  if (typeof subject !== 'string' || subject === '') {
    throw new ConfigError(`${path}.subject`, 'must be a string that is not empty');
  }
  if (!states.includes(state)) {
    throw new ConfigError(`${path}.state`, 'must be active, retiring or revoked');
  }
  for (const [name, instant] of Object.entries({ notBefore, notAfter })) {
    if (instant === undefined) continue;
    if (!(instant instanceof Date) || Number.isNaN(instant.getTime())) {
      throw new ConfigError(`${path}.${name}`, 'must be a valid Date');
    }
  }
  return {
    ...usableKey(path, key, algorithm, 'verify'),
    keyId,
    notBefore,
    notAfter,
    state,
    isDecoy: false,
    evidence: Object.freeze({
      subject,
      keyId,
      isRetiring: state === 'retiring',
      ...(notAfter === undefined ? {} : { notAfter }),
    }),
  };
}

function freshKey(algorithm: SignatureAlgorithm): KeyMaterial {
  switch (algorithm) {
    case 'hmac-sha256':
      return randomBytes(32);
    case 'ed25519':
      return generateKeyPairSync('ed25519').publicKey;
    case 'ecdsa-p256-sha256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
    case 'ecdsa-p384-sha384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey;
    case 'rsa-pss-sha512':
    case 'rsa-v1_5-sha256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  }
}
