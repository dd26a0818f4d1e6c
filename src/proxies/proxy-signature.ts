// A proxy that signs what it hands over (RFC 9421 appendix B.3): whoever the request comes from, it says so
// about this request, and once.
import { AuthError, ConfigError } from '../errors.ts';
import type { Exchange, FieldLine } from '../exchange.ts';
import type { SignatureAlgorithm } from '../http/message-signatures/algorithms.ts';
import { type Freshness, checkFreshness } from '../http/message-signatures/freshness.ts';
import {
  type KeyMaterial,
  type UsableKey,
  usableKey,
} from '../http/message-signatures/key-material.ts';
import { targetUri } from '../http/request-target.ts';
import { type VerifiedSignature, verifyMessage } from '../http/message-signatures/verify.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import { checkOptions, checkSeconds } from '../options.ts';
import { spendSignature } from '../spend-signature.ts';
import type { Store } from '../stores/store.ts';

/** A key that a proxy signs with. */
export interface ProxyKey {
  readonly keyId: string;
  /** Public; with `hmac-sha256` a secret that only the proxy and this service share. */
  readonly key: KeyMaterial;
  /** @defaultValue what the key is for; to be given for RSA */
  readonly algorithm?: SignatureAlgorithm;
}

/** How a proxy signs its fields. */
export interface ProxySignatureOptions {
  readonly keys: readonly ProxyKey[];
  /** The label of its signature. @defaultValue `ttrp`, as in RFC 9421 */
  readonly label?: string;
  /** How long after it was made, in seconds, a signature may be used. @defaultValue 60 */
  readonly lifetime?: number;
  /** How far, in seconds, the clock of the proxy may be off. @defaultValue 5 */
  readonly clockTolerance?: number;
}

/** `ProxySignatureOptions`, checked. */
export class ProxySignature {
  readonly #keys = new Map<string, UsableKey>();
  readonly #label: string;
  readonly #freshness: Freshness;

  /** @throws ConfigError */
  constructor(path: string, given: unknown) {
    const options = checkOptions(path, given as ProxySignatureOptions, [
      'keys',
      'label',
      'lifetime',
      'clockTolerance',
    ]);
    const { keys, label = 'ttrp', lifetime = 60, clockTolerance = 5 } = options;
    if (!Array.isArray(keys) || keys.length === 0) {
      throw new ConfigError(`${path}.keys`, 'must be a list of keys');
    }
    (keys as readonly ProxyKey[]).forEach((one, i) => {
      const at = `${path}.keys[${i}]`;
      const { keyId, key, algorithm } = checkOptions(at, one, ['keyId', 'key', 'algorithm']);
      if (typeof keyId !== 'string' || keyId === '' || this.#keys.has(keyId)) {
        throw new ConfigError(`${at}.keyId`, 'must be a name that no other key has');
      }
      this.#keys.set(keyId, usableKey(at, key, algorithm, 'verify'));
    });
    if (typeof label !== 'string' || !/^[a-z*][a-z0-9_.*-]*$/.test(label)) {
      throw new ConfigError(`${path}.label`, 'must be in lower-case letters and digits');
    }
    this.#label = label;
    this.#freshness = {
      lifetime: checkSeconds(`${path}.lifetime`, lifetime),
      clockTolerance: checkSeconds(`${path}.clockTolerance`, clockTolerance),
    };
  }

  /**
   * Whether this proxy has signed the request, and with it every field that is named.
   *
   * @param lines the fields of proxies, which are not among those of the request any more
   * @param names of the fields that it must have signed, lower case
   * @throws AuthError, or rejects with one, where its signature is there and bad
   */
  hasSigned(
    exchange: Exchange,
    lines: readonly FieldLine[],
    names: readonly string[],
    store: Store,
  ): MaybePromise<boolean> {
    if (exchange.field('signature-input')?.includes(`${this.#label}=`) !== true) return false;
    const verified = this.#verified(exchange, lines, names);
    return verified === undefined ? false : this.#spent(verified, exchange, store);
  }

  #verified(
    exchange: Exchange,
    lines: readonly FieldLine[],
    names: readonly string[],
  ): VerifiedSignature<UsableKey> | undefined {
    const { method, target, authority } = exchange;
    // A proxy that has a client's certificate has spoken TLS with it.
    const url = targetUri({ target, scheme: 'https', authority });
    if (url === undefined) return undefined;
    const taken = (name: string): readonly string[] =>
      lines.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
    try {
      return verifyMessage<UsableKey>(
        {
          method,
          url,
          target,
          headers: (name) => [...exchange.fieldLines(name), ...taken(name)],
        },
        {
          label: this.#label,
          required: ['@method', '@authority', '@path', '@query', ...names],
          key: (keyid) => this.#keys.get(keyid ?? ''),
        },
      );
    } catch (error) {
      // Another label only ends in the same way.
      if (error instanceof AuthError && error.code === 'ERR_CREDENTIAL_MISSING') return undefined;
      throw error;
    }
  }

  #spent(
    { parameters }: VerifiedSignature<UsableKey>,
    { now }: Exchange,
    store: Store,
  ): MaybePromise<true> {
    const seconds = Math.max(now.getTime(), Date.now()) / 1000;
    const fresh = checkFreshness(parameters, this.#freshness, seconds);
    return andThen(spendSignature(store, 'proxy', fresh), () => true as const);
  }
}
