import type { KeyObject } from 'node:crypto';
import { AuthError, quote } from '../../errors.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import { quickOptions } from '../../options.ts';
import { type SignatureAlgorithm, algorithms } from './algorithms.ts';
import { baseOf } from './base.ts';
import { checkList, componentsOf, parseComponent } from './components.ts';
import { checkKey } from './keys.ts';
import type { Message } from './message.ts';
import { type SignatureParameters, readParameters } from './parameters.ts';
import { readSignatures, selectSignature } from './signature-fields.ts';
import type { StructuredFieldTypes } from './structured-field-types.ts';
import { MessageView } from './view.ts';

/** A key that verifies, with the one algorithm that it is for. */
export interface VerificationKey {
  readonly algorithm: SignatureAlgorithm;
  /** A public key; for `hmac-sha256` a secret one of at least 32 bytes. */
  readonly key: KeyObject;
}

/** Finds the key that a signature names. "Not found" is undefined. */
export type KeyLookup<Answer> = (
  keyid: string | undefined,
  parameters: SignatureParameters,
) => Answer;

export interface VerifyMessageOptions<Answer> {
  /** The key, or what finds it; what else the found object holds comes back with the result. */
  readonly key: VerificationKey | KeyLookup<Answer>;
  /**
   * What the signature must cover, with its parameters: `@query` is not covered by `@query;req`. An empty
   * list accepts a signature over nothing at all, and is for callers that ask `covers` themselves.
   */
  readonly required: readonly string[];
  /** Which of these labels the signature has. Needed where a message may have several. */
  readonly label?: string;
  /** Which tag the signature has. Needed where a message may have several, or one for somebody else. */
  readonly tag?: string;
  /** Where the signature is looked for. @defaultValue 'headers' */
  readonly section?: 'headers' | 'trailers';
  /** Types of structured fields, beyond those that RFCs define, for `;sf` and `;key`. */
  readonly structuredFields?: StructuredFieldTypes;
}

/** A signature that holds. */
export interface VerifiedSignature<Key = VerificationKey> {
  readonly label: string;
  /** As signed. Neither `created` nor `expires` has been compared with any clock. */
  readonly parameters: SignatureParameters;
  /** What is covered, each as in `content-digest;req`. */
  readonly components: readonly string[];
  /** The key that it holds under. */
  readonly key: Key;
  /** Whether this component is covered, with exactly these parameters. */
  covers(component: string): boolean;
}

const known = ['key', 'required', 'label', 'tag', 'section', 'structuredFields'];

/**
 * Verifies one signature of a message (RFC 9421 section 3.2).
 *
 * What is **not** checked: how old the signature is, whether its nonce was used before, and whether the
 * content is what a covered digest says. A promise comes back only where the key comes later.
 *
 * @throws AuthError `ERR_CREDENTIAL_MISSING` without such a signature, `ERR_FIELD_MALFORMED`,
 * `ERR_REQUEST_MALFORMED` or `ERR_SIGNATURE_MALFORMED` where something cannot be read, `ERR_KEY_UNKNOWN`,
 * `ERR_SIGNATURE_INVALID`, and `ERR_SIGNATURE_COVERAGE` where it holds and covers less than required
 * @throws ConfigError for options that are none, and keys that may not be used
 */
export function verifyMessage<Key extends VerificationKey>(
  message: Message,
  options: VerifyMessageOptions<Key | undefined>,
): VerifiedSignature<Key>;
export function verifyMessage<Key extends VerificationKey>(
  message: Message,
  options: VerifyMessageOptions<MaybePromise<Key | undefined>>,
): MaybePromise<VerifiedSignature<Key>>;
export function verifyMessage<Key extends VerificationKey>(
  message: Message,
  options: VerifyMessageOptions<MaybePromise<Key | undefined>>,
): MaybePromise<VerifiedSignature<Key>> {
  const {
    key,
    required,
    section,
    structuredFields,
    label: wanted,
    tag,
  } = quickOptions('', options, known);
  checkList(required, 'required');
  const view = new MessageView(message);
  const fields = section === 'trailers' ? view.trailers : view.headers;
  const { label, input, signature } = selectSignature(readSignatures(fields), wanted, tag);
  const parameters = readParameters(input.parameters);
  const { components, ids } = componentsOf(input.items);
  const { text: base } = baseOf(view, components, input.parameters, structuredFields);
  const found = typeof key === 'function' ? key(parameters.keyid, parameters) : (key as Key);
  return andThen(found, (one) => {
    if (one === undefined) throw unknownKey(parameters);
    checkSignature(one, base, signature, parameters);
    const covers = (text: string): boolean =>
      ids.has(text) || ids.has(parseComponent(text, 'component').id);
    const missing = required.find((text) => !covers(text));
    if (missing !== undefined) throw uncovered(missing);
    return { label, parameters, components: [...ids], key: one, covers };
  });
}

function checkSignature(
  { algorithm, key }: VerificationKey,
  base: string,
  signature: Uint8Array,
  { alg }: SignatureParameters,
): void {
  checkKey(key, algorithm, 'verify', 'key');
  // The key decides. What the message says may only agree.
  if (alg !== undefined && alg !== algorithm) {
    throw invalid(
      `the signature names the algorithm ${quote(alg)}, and its key is for ${algorithm}`,
    );
  }
  if (!algorithms[algorithm].verify(base, key, signature)) {
    throw invalid("the signature is not this key's over this message");
  }
}

function uncovered(component: string): AuthError {
  const reason = `the signature does not cover ${quote(component)}`;
  return new AuthError('ERR_SIGNATURE_COVERAGE', reason);
}

function invalid(reason: string): AuthError {
  return new AuthError('ERR_SIGNATURE_INVALID', reason);
}

function unknownKey({ keyid }: SignatureParameters): AuthError {
  const named =
    keyid === undefined ? 'the signature names no key' : `no key is known as ${quote(keyid)}`;
  return new AuthError('ERR_KEY_UNKNOWN', named);
}
