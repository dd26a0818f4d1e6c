// Signature-Input and Signature (RFC 9421 section 4), which belong together.
import { AuthError, quote } from '../../errors.ts';
import { type ParseOptions, parseDictionary } from '../structured-fields/parse.ts';
import { type InnerList, isInnerList } from '../structured-fields/values.ts';
import type { FieldLookup } from './message.ts';

export interface LabelledSignature {
  readonly label: string;
  /** Covered components and parameters, unchecked. */
  readonly input: InnerList;
  readonly signature: Uint8Array;
}

// A message has few signatures, and a server reads all of them before it knows anybody.
const ofInput: ParseOptions = { name: 'signature-input', maxLength: 16_384, maxMembers: 16 };
const ofSignature: ParseOptions = { name: 'signature', maxLength: 16_384, maxMembers: 16 };

/**
 * Every signature of a message, in the order of Signature-Input.
 *
 * @throws AuthError `ERR_FIELD_MALFORMED`, or `ERR_SIGNATURE_MALFORMED` where the two fields do not have
 * the same labels
 */
export function readSignatures(fields: FieldLookup): readonly LabelledSignature[] {
  const inputs = parseDictionary(fields('signature-input'), ofInput);
  const values = parseDictionary(fields('signature'), ofSignature);
  const signatures: LabelledSignature[] = [];
  for (const [label, input] of inputs) {
    const value = values.get(label);
    if (value === undefined) throw malformed(`${quote(label)} has no signature`);
    if (!isInnerList(input)) throw malformed(`${quote(label)} does not say what it covers`);
    // Parameters here would be signed by nobody.
    if (isInnerList(value) || !(value.value instanceof Uint8Array) || value.parameters.size > 0) {
      throw malformed(`${quote(label)} is no bytes`);
    }
    signatures.push({ label, input, signature: value.value });
  }
  // All labels of the one are among those of the other.
  if (values.size !== inputs.size) throw malformed('a signature does not say what it covers');
  return signatures;
}

/**
 * The one signature that is meant.
 *
 * @throws AuthError `ERR_CREDENTIAL_MISSING` where there is none, `ERR_SIGNATURE_MALFORMED` where there are
 * several: to pick one of them would leave it to the peer which one counts
 */
export function selectSignature(
  signatures: readonly LabelledSignature[],
  label: string | undefined,
  tag: string | undefined,
): LabelledSignature {
  const fitting = signatures.filter(
    (one) =>
      (label === undefined || one.label === label) &&
      (tag === undefined || one.input.parameters.get('tag') === tag),
  );
  if (fitting.length > 1) throw malformed('several signatures could be meant');
  return (
    fitting[0] ??
    absent(
      signatures.length === 0
        ? 'the message is not signed'
        : 'the message has no signature of the label and tag that are wanted',
    )
  );
}

function absent(reason: string): never {
  throw new AuthError('ERR_CREDENTIAL_MISSING', reason);
}

function malformed(reason: string): AuthError {
  return new AuthError('ERR_SIGNATURE_MALFORMED', `signatures: ${reason}`);
}
