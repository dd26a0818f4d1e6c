import { AuthError, quote } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { checkingDigest } from '../../http/content-digest.ts';
import { serialiseAcceptSignature } from '../../http/message-signatures/accept-signature.ts';
import { type VerifiedSignature, verifyMessage } from '../../http/message-signatures/verify.ts';
import { type MaybePromise, andThen, isPromise } from '../../maybe-promise.ts';
import type { ServerMethod } from '../../method.ts';
import { checkOptions, checkSeconds } from '../../options.ts';
import { spendSignature } from '../../spend-signature.ts';
import type { Store } from '../../stores/store.ts';
import { requestCoverage, requestTag } from './coverage.ts';
import { type Freshness, checkFreshness } from '../../http/message-signatures/freshness.ts';
import { type CheckedKey, KeyRing, type PeerKeys } from './key-ring.ts';
import { hasSignature, requestMessage, requiredCoverage } from './signed-request.ts';

export interface SignatureOptions {
  /**
   * The peers' keys, or a function that finds one by its name: each with its algorithm, its subject and how
   * long it counts.
   */
  readonly keys: PeerKeys;
  /** For how long, in seconds, what a function answered is remembered. @defaultValue 60 */
  readonly keyTtl?: number;
  /** How long after it was made, in seconds, a signature may be used. @defaultValue 60 */
  readonly lifetime?: number;
  /** How far, in seconds, the clocks of peers may be off. @defaultValue 5 */
  readonly clockTolerance?: number;
  /** Where used nonces are kept. @defaultValue the verifier's */
  readonly store?: Store;
}

const optionNames = [
  'keys',
  'keyTtl',
  'lifetime',
  'clockTolerance',
  'store',
] as const satisfies readonly (keyof SignatureOptions)[];

/**
 * Requests that peers sign with keys of their own (RFC 9421): mutual API keys and key pairs. No key is ever
 * sent. A signature covers where the request goes and what it says, and counts once.
 *
 * The service proves itself by `proof: signedResponses(...)`, or by its certificate.
 *
 * @throws ConfigError
 */
export function signature(given: SignatureOptions): ServerMethod {
  const options = checkOptions('signature', given, optionNames);
  const keyTtl = checkSeconds('signature.keyTtl', options.keyTtl ?? 60);
  const ring = new KeyRing('signature.keys', options.keys, keyTtl);
  const freshness: Freshness = {
    lifetime: checkSeconds('signature.lifetime', options.lifetime ?? 60),
    clockTolerance: checkSeconds('signature.clockTolerance', options.clockTolerance ?? 5),
  };

  return {
    name: 'signature',
    needsAuthorities: true,
    mapsSubject: true,
    prepare(exchange) {
      if (!hasSignature(exchange)) return;
      // Whether it is covered `verify` will say, before the handler has seen any of the content.
      const lines = exchange.fieldLines('content-digest');
      if (lines.length === 0) return;
      const check = checkingDigest(lines);
      // Content that was cut off to nothing is another content as well.
      if (exchange.content.isEmpty) check.end();
      else exchange.content.tap(check);
    },
    verify(exchange, services) {
      if (!hasSignature(exchange)) return null;
      return andThen(verified(exchange, ring), (one) => {
        if (one === null) return null;
        // Now, and not when the head came: keys or content may have been waited for, while nonces were forgotten.
        const now = Math.max(exchange.now.getTime(), Date.now());
        checkKeyState(one.key, new Date(now));
        const fresh = checkFreshness(one.parameters, freshness, now / 1000);
        const store = options.store ?? services.store;
        return andThen(spendSignature(store, 'signature', fresh), () => one.key.evidence);
      });
    },
    challenge: () => challenge,
  };
}

/** The signature of ours that holds; null where the request has none. */
function verified(
  exchange: Exchange,
  ring: KeyRing,
): MaybePromise<VerifiedSignature<CheckedKey> | null> {
  let key: CheckedKey | undefined;
  const refuse = (error: unknown): null => {
    if (!(error instanceof AuthError)) throw error;
    // A tag that only looked like ours.
    if (error.code === 'ERR_CREDENTIAL_MISSING') return null;
    if (key?.isDecoy !== true) throw error;
    throw new AuthError('ERR_KEY_UNKNOWN', 'the signature names a key that is not known');
  };
  try {
    const answer = verifyMessage<CheckedKey>(requestMessage(exchange), {
      tag: requestTag,
      required: requiredCoverage(exchange),
      key: (keyid) =>
        andThen(ring.lookUp(keyid ?? '', exchange.now.getTime()), (found) => (key = found)),
    });
    return isPromise(answer) ? answer.catch(refuse) : answer;
  } catch (error) {
    return refuse(error);
  }
}

// Only of who has signed with it: what becomes of keys is nobody else's business.
function checkKeyState({ keyId, state, notBefore, notAfter }: CheckedKey, now: Date): void {
  const why =
    state === 'revoked'
      ? 'was revoked'
      : notBefore !== undefined && now < notBefore
        ? 'does not count yet'
        : notAfter !== undefined && now > notAfter
          ? 'counts no more'
          : undefined;
  if (why === undefined) return;
  throw new AuthError('ERR_KEY_UNKNOWN', `the key ${quote(keyId)} ${why}`);
}

const challenge = {
  // No such scheme is registered; a 401 must name one (RFC 9110 section 15.5.2).
  'www-authenticate': 'Signature',
  'accept-signature': serialiseAcceptSignature([
    {
      label: 'sig',
      components: requestCoverage({ has: () => false }, false),
      created: true,
      tag: requestTag,
    },
  ]),
};
