import { ConfigError } from '../errors.ts';
import type { SignatureAlgorithm } from '../http/message-signatures/algorithms.ts';
import type { VerificationKey } from '../http/message-signatures/verify.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import { type KeyMaterial, usableKey } from '../methods/signature/key-material.ts';
import { checkOptions } from '../options.ts';

/** A key of the server's. */
export interface ServerKey {
  /** A public key; with `hmac-sha256` the secret that the server shares with this client alone. */
  readonly key: KeyMaterial;
  /** @defaultValue what the key is for; to be given for RSA */
  readonly algorithm?: SignatureAlgorithm;
  /** Whose key it is. @defaultValue `key:<keyId>` */
  readonly subject?: string;
}

/** A key of the server's, under the name that its signatures give it. */
export interface NamedServerKey extends ServerKey {
  readonly keyId: string;
}

/** How every response must be proven. */
export interface ServerProofOptions {
  /** The keys to sign with: a list, or what finds one by its name. "Not found" is undefined. */
  readonly keys:
    readonly NamedServerKey[] | ((keyId: string) => MaybePromise<ServerKey | undefined>);
  /** Whose keys count, where `keys` has those of others too; any one of several. */
  readonly subject?: string | readonly string[];
}

/** A key that a response may be signed with. */
export interface ProofKey extends VerificationKey {
  readonly subject: string;
}

/** Finds a key of the expected server. */
export type ProofKeys = (keyId: string | undefined) => MaybePromise<ProofKey | undefined>;

const path = 'server.proof';

/** @throws ConfigError for what is missing, unknown, or no key */
export function readProofOptions(options: ServerProofOptions): ProofKeys {
  const { keys, subject } = checkOptions(path, options, ['keys', 'subject']);
  const subjects = subject === undefined ? undefined : readSubjects(subject);
  const ofServer = (key: ProofKey | undefined): ProofKey | undefined =>
    key !== undefined && subjects?.includes(key.subject) === false ? undefined : key;
  if (typeof keys === 'function') {
    return (keyId) =>
      keyId === undefined
        ? undefined
        : andThen(keys(keyId), (found) =>
            ofServer(found && readServerKey(`${path}.keys()`, found, keyId)),
          );
  }
  const named = readKeys(keys);
  if (![...named.values()].some(ofServer)) {
    throw new ConfigError(`${path}.subject`, 'is that of none of the keys; nobody could answer');
  }
  return (keyId) => ofServer(named.get(keyId ?? ''));
}

function readKeys(keys: unknown): ReadonlyMap<string, ProofKey> {
  if (!Array.isArray(keys) || keys.length === 0) {
    throw new ConfigError(
      `${path}.keys`,
      "must list the server's keys, as [{ keyId, key }], or be a function that finds them",
    );
  }
  const named = new Map<string, ProofKey>();
  (keys as readonly NamedServerKey[]).forEach((given, index) => {
    const where = `${path}.keys[${index}]`;
    const known = ['keyId', 'key', 'algorithm', 'subject'];
    const { keyId, ...key } = checkOptions(where, given, known);
    if (typeof keyId !== 'string' || keyId === '' || named.has(keyId)) {
      throw new ConfigError(`${where}.keyId`, 'must be a name of its own');
    }
    named.set(keyId, readServerKey(where, key, keyId));
  });
  return named;
}

function readServerKey(where: string, given: ServerKey, keyId: string): ProofKey {
  const own = checkOptions(where, given, ['key', 'algorithm', 'subject']);
  const { key, algorithm, subject = `key:${keyId}` } = own;
  if (typeof subject !== 'string' || subject === '') {
    throw new ConfigError(`${where}.subject`, 'must be a name');
  }
  return { ...usableKey(where, key, algorithm, 'verify'), subject };
}

function readSubjects(subject: unknown): readonly string[] {
  const subjects: unknown[] = Array.isArray(subject) ? subject : [subject];
  if (subjects.length > 0 && subjects.every((one) => typeof one === 'string' && one !== '')) {
    return subjects as string[];
  }
  throw new ConfigError(`${path}.subject`, 'must be a name, or a list with at least one');
}
