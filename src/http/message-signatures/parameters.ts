// Signature parameters (RFC 9421 section 2.3).
import { AuthError, ConfigError, quote } from '../../errors.ts';
import { suggestion } from '../../options.ts';
import type { BareItem, Parameters } from '../structured-fields/values.ts';

/** What a signature says of itself, under the names of RFC 9421. Instants are seconds since 1970. */
export interface SignatureParameters {
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  /** The algorithm. The key decides on it; where this says another one, the signature is refused. */
  readonly alg?: string;
  readonly keyid?: string;
  readonly tag?: string;
}

const types = new Map<string, 'number' | 'string'>([
  ['created', 'number'],
  ['expires', 'number'],
  ['nonce', 'string'],
  ['alg', 'string'],
  ['keyid', 'string'],
  ['tag', 'string'],
]);

/** Reads those of a peer. @throws AuthError `ERR_SIGNATURE_MALFORMED` for others, or of other types */
export function readParameters(parameters: Parameters): SignatureParameters {
  const read: Record<string, BareItem> = {};
  for (const [name, value] of parameters) {
    if (!fits(name, value)) {
      const reason = `the signature has a parameter that is not accepted, ${quote(name)}`;
      throw new AuthError('ERR_SIGNATURE_MALFORMED', reason);
    }
    read[name] = value;
  }
  return read;
}

/** Takes our own, in their order. @throws ConfigError for others, or of other types */
export function ownParameters(parameters: SignatureParameters): Parameters {
  const own = new Map<string, BareItem>();
  for (const [name, value] of Object.entries(parameters) as [string, BareItem][]) {
    if (!types.has(name)) {
      const known = suggestion(name, [...types.keys()]);
      throw new ConfigError(`parameters.${name}`, `is no signature parameter.${known}`);
    }
    if (!fits(name, value) || (typeof value === 'string' && /[^ -~]/.test(value))) {
      const fix =
        types.get(name) === 'number'
          ? 'must be whole seconds since 1970'
          : 'must be a string of printable ASCII';
      throw new ConfigError(`parameters.${name}`, fix);
    }
    own.set(name, value);
  }
  return own;
}

function fits(name: string, value: BareItem): boolean {
  const type = types.get(name);
  if (type === 'number') return typeof value === 'number' && isInstant(value);
  return type === 'string' && typeof value === 'string';
}

/** Whole seconds, as many as an Integer of structured fields can say. */
function isInstant(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 999_999_999_999_999;
}
