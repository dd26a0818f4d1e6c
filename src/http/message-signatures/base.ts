import { AuthError } from '../../errors.ts';
import { serialiseParameters } from '../structured-fields/serialise.ts';
import type { Parameters } from '../structured-fields/values.ts';
import { componentValue } from './component-value.ts';
import type { Component } from './components.ts';
import type { StructuredFieldTypes } from './structured-field-types.ts';
import type { MessageView } from './view.ts';

/** What is signed, and how the signature's own field puts it. */
export interface Base {
  readonly text: string;
  /** The covered components and the parameters: the member of Signature-Input. */
  readonly input: string;
}

/**
 * The signature base (RFC 9421 section 2.5), from which alone a signature is made and verified.
 *
 * @throws AuthError where a component has no value in the message, as `componentValue` says
 */
export function baseOf(
  view: MessageView,
  components: readonly Component[],
  parameters: Parameters,
  types: StructuredFieldTypes | undefined,
): Base {
  let text = '';
  let list = '';
  for (const component of components) {
    text += `${component.text}: ${componentValue(component, view, types)}\n`;
    list += list === '' ? component.text : ` ${component.text}`;
    if (text.length > maxLength) {
      const reason = 'the signature covers more than can be signed';
      throw new AuthError('ERR_SIGNATURE_MALFORMED', reason);
    }
  }
  const input = `(${list})${serialiseParameters(parameters)}`;
  return { text: `${text}"@signature-params": ${input}`, input };
}

/** Of the base: the same large field may be covered many times over, in its many forms. */
const maxLength = 1_048_576;
