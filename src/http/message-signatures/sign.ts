import type { KeyObject } from 'node:crypto';
import { AuthError, ConfigError, messageOf } from '../../errors.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import { quickOptions, suggestion } from '../../options.ts';
import { isMadeOf, keyPart, keyStart } from '../structured-fields/characters.ts';
import { serialiseBytes } from '../structured-fields/serialise.ts';
import { type SignatureAlgorithm, algorithms, isAlgorithm } from './algorithms.ts';
import { type Base, baseOf } from './base.ts';
import { parseComponents } from './components.ts';
import { checkKey } from './keys.ts';
import type { FieldLookup, Message } from './message.ts';
import { type SignatureParameters, ownParameters } from './parameters.ts';
import { readSignatures } from './signature-fields.ts';
import type { StructuredFieldTypes } from './structured-field-types.ts';
import { MessageView } from './view.ts';

/** A key that signs, with the one algorithm that it is for. */
export interface KeySigner {
  readonly algorithm: SignatureAlgorithm;
  /** A private key; for `hmac-sha256` a secret one of at least 32 bytes. */
  readonly key: KeyObject;
}

/** A key that is elsewhere, in a KMS or an HSM. */
export interface RemoteSigner {
  readonly algorithm: SignatureAlgorithm;
  /** The signature over these bytes; with ECDSA r and s one after the other, not in DER. */
  readonly sign: (base: Uint8Array) => MaybePromise<Uint8Array>;
}

export interface SignatureBaseOptions {
  /** What to cover, in this order: `@method`, `content-digest;req`, `@query-param;name="id"`. */
  readonly components: readonly string[];
  /** What the signature says of itself, in this order. @defaultValue nothing */
  readonly parameters?: SignatureParameters;
  /** Types of structured fields, beyond those that RFCs define, for `;sf` and `;key`. */
  readonly structuredFields?: StructuredFieldTypes;
}

export interface SignMessageOptions<Signer = KeySigner> extends SignatureBaseOptions {
  readonly signer: Signer;
  /** The name of this signature among those of the message. @defaultValue 'sig' */
  readonly label?: string;
  /** Where the signature will stand, beside others that are there. @defaultValue 'headers' */
  readonly section?: 'headers' | 'trailers';
}

/** The fields to set on the message, by name. Signatures that it has already are in them. */
export interface SignatureFields {
  readonly 'signature-input': string;
  readonly signature: string;
}

const ofBase = ['components', 'parameters', 'structuredFields'];
const known = [...ofBase, 'signer', 'label', 'section'];

/**
 * The text that a signature with these options signs (RFC 9421 section 2.5).
 *
 * @throws ConfigError for what is no option, or no part of this message
 */
export function signatureBase(message: Message, options: SignatureBaseOptions): string {
  return ownBase(new MessageView(message), quickOptions('', options, ofBase)).text;
}

/**
 * Signs a message (RFC 9421 section 3.1). It does not change the message: the fields that come back are
 * for its owner to set. A promise comes back only where the signature comes later.
 *
 * @throws ConfigError for what is no option, no part of this message, or no key to sign with
 * @throws AuthError where signatures that the message has already cannot be read
 */
export function signMessage(message: Message, options: SignMessageOptions): SignatureFields;
export function signMessage(
  message: Message,
  options: SignMessageOptions<KeySigner | RemoteSigner>,
): MaybePromise<SignatureFields>;
export function signMessage(
  message: Message,
  options: SignMessageOptions<KeySigner | RemoteSigner>,
): MaybePromise<SignatureFields> {
  const checked = quickOptions('', options, known);
  const { signer, label = 'sig', section, parameters } = checked;
  if (!isMadeOf(label, keyStart, keyPart)) {
    throw new ConfigError('label', 'must be a lower-case letter, then letters, digits, _ - . or *');
  }
  const { alg } = parameters ?? {};
  if (alg !== undefined && alg !== signer.algorithm) {
    throw new ConfigError(
      'parameters.alg',
      `must be ${signer.algorithm}, as the signer's, or left out`,
    );
  }
  const view = new MessageView(message);
  const base = ownBase(view, checked);
  const fields = section === 'trailers' ? view.trailers : view.headers;
  return andThen(signatureOf(signer, base.text), (signature) =>
    withOthers(fields, label, base.input, serialiseBytes(signature)),
  );
}

function ownBase(view: MessageView, options: SignatureBaseOptions): Base {
  const { components, parameters = {}, structuredFields } = options;
  const covered = parseComponents(components, 'components');
  const own = ownParameters(parameters);
  try {
    return baseOf(view, covered, own, structuredFields);
  } catch (error) {
    // It is the signer's own choice what to cover, so no peer is at fault.
    if (!(error instanceof AuthError)) throw error;
    throw new ConfigError('components', messageOf(error));
  }
}

/** @throws ConfigError for a key that may not sign, and for a signature that cannot be one */
export function signatureOf(
  signer: KeySigner | RemoteSigner,
  base: string,
): MaybePromise<Uint8Array> {
  if ('key' in signer) {
    checkKey(signer.key, signer.algorithm, 'sign', 'signer');
    return algorithms[signer.algorithm].sign(base, signer.key);
  }
  if (!isAlgorithm(signer.algorithm)) {
    const names = suggestion(String(signer.algorithm), Object.keys(algorithms));
    throw new ConfigError('signer.algorithm', `is no signature algorithm.${names}`);
  }
  return andThen(signer.sign(Buffer.from(base, 'latin1')), (signature) => {
    const { length } = algorithms[signer.algorithm];
    const fits = length === undefined ? signature.length >= 256 : signature.length === length;
    if (fits) return signature;
    throw new ConfigError(
      'signer.sign',
      `gave ${signature.length} bytes, which no ${signer.algorithm} signature has (r and s, not DER)`,
    );
  });
}

/** The two fields with this signature behind the ones that are there. @throws as `signMessage` */
export function withOthers(
  fields: FieldLookup,
  label: string,
  input: string,
  signature: string,
): SignatureFields {
  const inputs = fields('signature-input');
  const signatures = fields('signature');
  // To be added to what cannot be read would make it no better.
  if (
    inputs.length + signatures.length > 0 &&
    readSignatures(fields).some((one) => one.label === label)
  ) {
    throw new ConfigError('label', `the message has a signature ${JSON.stringify(label)} already`);
  }
  return {
    'signature-input': [...inputs, `${label}=${input}`].join(', '),
    signature: [...signatures, `${label}=${signature}`].join(', '),
  };
}
