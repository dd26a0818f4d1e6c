// Accept-Signature (RFC 9421 section 5): what one end asks the other to sign.
import { AuthError, ConfigError, quote } from '../../errors.ts';
import { type FieldLines, parseDictionary } from '../structured-fields/parse.ts';
import { serialiseParameters } from '../structured-fields/serialise.ts';
import { type BareItem, type Parameters, isInnerList } from '../structured-fields/values.ts';
import { componentsOf, parseComponents } from './components.ts';
import { isMadeOf, keyPart, keyStart } from '../structured-fields/characters.ts';

/** One signature that is asked for. */
export interface SignatureRequest {
  /** The label that it is to have. */
  readonly label: string;
  /** What it is to cover, all of it and nothing else, each as in `content-digest;req`. */
  readonly components: readonly string[];
  /** Whether it is to say when it was made. */
  readonly created?: boolean;
  /** Whether it is to say when it ends. */
  readonly expires?: boolean;
  readonly nonce?: string;
  readonly alg?: string;
  readonly keyid?: string;
  readonly tag?: string;
}

const types = new Map<string, 'boolean' | 'string'>([
  ['created', 'boolean'],
  ['expires', 'boolean'],
  ['nonce', 'string'],
  ['alg', 'string'],
  ['keyid', 'string'],
  ['tag', 'string'],
]);

/**
 * Reads Accept-Signature, each request with the parameters that it has.
 *
 * @throws AuthError `ERR_FIELD_MALFORMED`, or `ERR_SIGNATURE_MALFORMED` where it asks for what is not known
 */
export function parseAcceptSignature(lines: FieldLines): readonly SignatureRequest[] {
  const limits = { name: 'accept-signature', maxLength: 16_384, maxMembers: 16 };
  return [...parseDictionary(lines, limits)].map(([label, member]) => {
    if (!isInnerList(member)) throw malformed(`${quote(label)} does not say what to cover`);
    const components = [...componentsOf(member.items).ids];
    return { label, components, ...wishesOf(member.parameters) };
  });
}

function wishesOf(parameters: Parameters): Record<string, BareItem> {
  const wishes: Record<string, BareItem> = {};
  for (const [name, value] of parameters) {
    if (!fits(name, value)) throw malformed(`a parameter that is not known, ${quote(name)}`);
    wishes[name] = value;
  }
  return wishes;
}

/**
 * Writes Accept-Signature, parameters in their order.
 *
 * @throws ConfigError where a request cannot be one
 */
export function serialiseAcceptSignature(requests: readonly SignatureRequest[]): string {
  const labels = new Set<string>();
  return requests
    .map(({ label, components, ...wishes }, i) => {
      if (!isMadeOf(label, keyStart, keyPart) || labels.has(label)) {
        throw new ConfigError(
          `[${i}].label`,
          'must be the only one, of lower-case letters and digits',
        );
      }
      labels.add(label);
      const covered = parseComponents(components, `[${i}].components`).map(({ text }) => text);
      return `${label}=(${covered.join(' ')})${serialiseParameters(ownWishes(wishes, i))}`;
    })
    .join(', ');
}

function ownWishes(wishes: Readonly<Record<string, unknown>>, i: number): Parameters {
  const own = new Map<string, BareItem>();
  for (const [name, value] of Object.entries(wishes)) {
    if (value === false && types.get(name) === 'boolean') continue;
    if (!fits(name, value)) {
      throw new ConfigError(`[${i}].${name}`, 'is no parameter, or not of its type');
    }
    own.set(name, value);
  }
  return own;
}

function fits(name: string, value: unknown): value is BareItem {
  const type = types.get(name);
  // That something is wanted has no value but true.
  if (type === 'boolean') return value === true;
  return type === 'string' && typeof value === 'string' && !/[^ -~]/.test(value);
}

function malformed(what: string): AuthError {
  return new AuthError('ERR_SIGNATURE_MALFORMED', `accept-signature: ${what}`);
}
