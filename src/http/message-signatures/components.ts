// Component identifiers (RFC 9421 section 2): what they may be, and when two are the same. What is not
// known here is refused, a component as well as a parameter of one.
import { AuthError, ConfigError, messageOf, quote } from '../../errors.ts';
import { parseItem } from '../structured-fields/parse.ts';
import { serialiseParameters } from '../structured-fields/serialise.ts';
import type { BareItem, Item, Parameters } from '../structured-fields/values.ts';

/** One component that a signature covers. */
export interface Component {
  readonly name: string;
  /** As it stands in a signature base: the name in quotes, parameters in the order they came in. */
  readonly text: string;
  /** The same for two identifiers that are equal: without quotes, parameters in one order. */
  readonly id: string;
  readonly isDerived: boolean;
  /** `;req`: of the request that a response answers. */
  readonly ofRequest: boolean;
  /** `;tr`: from the trailers. */
  readonly ofTrailers: boolean;
  /** `;sf`: in the canonical spelling of structured fields. */
  readonly strict: boolean;
  /** `;bs`: each line as bytes. */
  readonly binary: boolean;
  /** `;key`: of a Dictionary, the member with this key. */
  readonly key: string | undefined;
  /** `;name`: the name of a query parameter, encoded. */
  readonly queryName: string | undefined;
}

/** What a signature covers, in its order, none of it twice. */
export interface Covered {
  readonly components: readonly Component[];
  readonly ids: ReadonlySet<string>;
}

const derived = new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '@query-param',
  '@status',
]);

/** More than any message has use for. */
const maxComponents = 128;

/**
 * The components that items name, in their order.
 *
 * @throws AuthError `ERR_SIGNATURE_MALFORMED` where one is none, or there twice
 */
export function componentsOf(items: readonly Item[]): Covered {
  if (items.length > maxComponents) throw malformed(`covers more than ${maxComponents} components`);
  const components: Component[] = [];
  const ids = new Set<string>();
  for (const item of items) {
    const component = componentOf(item);
    ids.add(component.id);
    components.push(component);
    if (ids.size < components.length) throw malformed(`covers ${quote(component.id)} twice`);
  }
  return { components, ids };
}

/**
 * The component that text of our own names, as in `content-digest;req`: the RFC's form,
 * `"content-digest";req`, in which the quotes may be left out.
 *
 * @throws ConfigError where it names none
 */
export function parseComponent(text: string, path: string): Component {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  let component: Component;
  try {
    component = componentOf(parseItem(quoted(text)));
  } catch (error) {
    const given = typeof text === 'string' ? quote(text) : typeof text;
    throw new ConfigError(path, `${given} is no component (${messageOf(error)})`);
  }
  if (parsed.size < maxParsed && text.length <= maxParsedLength) parsed.set(text, component);
  return component;
}

/** As `parseComponent`, for a list in which none comes twice. @throws ConfigError */
export function parseComponents(texts: readonly string[], path: string): readonly Component[] {
  checkList(texts, path);
  const components = texts.map((text, i) => parseComponent(text, `${path}[${i}]`));
  const ids = new Set(components.map(({ id }) => id));
  if (ids.size < components.length) throw new ConfigError(path, 'names a component twice');
  return components;
}

/** @throws ConfigError where this is no list */
export function checkList(texts: unknown, path: string): void {
  if (!Array.isArray(texts)) throw new ConfigError(path, 'must be a list of components');
}

// What a program signs and requires, it names in the same few texts each time.
const parsed = new Map<string, Component>();
const maxParsed = 256;
const maxParsedLength = 128;

function quoted(text: string): string {
  if (text.startsWith('"')) return text;
  const end = text.indexOf(';');
  return end < 0 ? `"${text}"` : `"${text.slice(0, end)}"${text.slice(end)}`;
}

function componentOf({ value: name, parameters }: Item): Component {
  if (typeof name !== 'string') throw malformed('covers something that has no name');
  if (parameters.size === 0) {
    if (name === '@query-param') throw malformed('covers a query parameter without a name');
    return usual.get(name) ?? plain(checkName(name));
  }
  return withParameters(checkName(name), parameters);
}

function checkName(name: string): string {
  const isKnown = name.startsWith('@')
    ? derived.has(name)
    : /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name);
  return isKnown ? name : fail(`covers ${quote(name)}, which is no component`);
}

/** What most signatures cover. Made once, since every request covers them. */
const usual = new Map(
  [...derived, 'authorization', 'content-digest', 'content-length', 'content-type', 'date']
    .filter((name) => name !== '@query-param')
    .map((name) => [name, plain(name)]),
);

function plain(name: string): Component {
  return {
    name,
    text: `"${name}"`,
    id: name,
    isDerived: name.startsWith('@'),
    ofRequest: false,
    ofTrailers: false,
    strict: false,
    binary: false,
    key: undefined,
    queryName: undefined,
  };
}

function withParameters(name: string, parameters: Parameters): Component {
  const isDerived = name.startsWith('@');
  for (const [parameter, value] of parameters) {
    const type = isDerived ? ofDerived(name, parameter) : ofFields[parameter];
    if (type === undefined || (type === 'flag' ? value !== true : typeof value !== 'string')) {
      throw malformed(`covers ${quote(name)} with a parameter it has not, ${quote(parameter)}`);
    }
  }
  const key = parameters.get('key') as string | undefined;
  const strict = parameters.has('sf');
  const binary = parameters.has('bs');
  if (binary && (strict || key !== undefined)) {
    throw malformed(`covers ${quote(name)} both as bytes and as a structured field`);
  }
  const queryName = parameters.get('name') as string | undefined;
  if (name === '@query-param' && queryName === undefined) {
    throw malformed('covers a query parameter without a name');
  }
  return {
    name,
    text: `"${name}"${serialiseParameters(parameters)}`,
    id: name + serialiseParameters(parameters.size === 1 ? parameters : inOneOrder(parameters)),
    isDerived,
    ofRequest: parameters.has('req'),
    ofTrailers: parameters.has('tr'),
    strict,
    binary,
    key,
    queryName,
  };
}

// Section 6.5.2.
const ofFields: Readonly<Record<string, 'flag' | 'text'>> = Object.assign(
  Object.create(null) as object,
  { sf: 'flag', key: 'text', bs: 'flag', tr: 'flag', req: 'flag' } as const,
);

function ofDerived(name: string, parameter: string): 'flag' | 'text' | undefined {
  // A response's own status is never a request's.
  if (parameter === 'req') return name === '@status' ? undefined : 'flag';
  return parameter === 'name' && name === '@query-param' ? 'text' : undefined;
}

function inOneOrder(parameters: Parameters): Parameters {
  return new Map<string, BareItem>([...parameters].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function fail(what: string): never {
  throw malformed(what);
}

function malformed(what: string): AuthError {
  return new AuthError('ERR_SIGNATURE_MALFORMED', `the signature ${what}`);
}
