import { ConfigError } from '../errors.ts';
import type { VerificationKey } from '../http/message-signatures/verify.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import { type CheckedKey, KeyRing, type PeerKeys } from '../methods/signature/key-ring.ts';
import { checkOptions, checkSeconds } from '../options.ts';

/** How every response must be proven. */
export interface ServerProofOptions {
  /**
   * The keys that the server signs its responses with, or a function that finds one by its name: each with
   * its algorithm, its subject and how long it counts.
   */
  readonly keys: PeerKeys;
  /** For how long, in seconds, what a function answered is remembered. @defaultValue 60 */
  readonly keyTtl?: number;
  /** Whose keys count, where `keys` has those of others too; any one of several. @defaultValue all */
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
  const { keys, keyTtl = 60, subject } = checkOptions(path, options, ['keys', 'keyTtl', 'subject']);
  const ring = new KeyRing(`${path}.keys`, keys, checkSeconds(`${path}.keyTtl`, keyTtl));
  const subjects = subject === undefined ? undefined : readSubjects(subject);
  return (keyId) => {
    if (keyId === undefined) return undefined;
    const now = Date.now();
    return andThen(ring.lookUp(keyId, now), (found) => {
      const { subject: own } = found.evidence;
      if (!counts(found, now) || subjects?.includes(own) === false) return undefined;
      return { key: found.key, algorithm: found.algorithm, subject: own };
    });
  };
}

function counts({ isDecoy, state, notBefore, notAfter }: CheckedKey, now: number): boolean {
  if (isDecoy || state === 'revoked') return false;
  return now >= (notBefore?.getTime() ?? -Infinity) && now <= (notAfter?.getTime() ?? Infinity);
}

function readSubjects(subject: unknown): readonly string[] {
  const subjects: unknown[] = Array.isArray(subject) ? subject : [subject];
  if (subjects.length > 0 && subjects.every((one) => typeof one === 'string' && one !== '')) {
    return subjects as string[];
  }
  throw new ConfigError(`${path}.subject`, 'must be a name, or a list with at least one');
}
