// The messages that signatures are made of and for: plain data, whatever framework they come from.

/**
 * Header or trailer fields: an object by lower-case name (Node's `headersDistinct`, or `headers`, where
 * Node has joined lines and dropped some), names and values one after another (`Headers`, a Map), or a
 * function that answers with the lines of a field, its name in lower case.
 */
export type Fields =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [name: string, value: string]>
  | FieldLookup;

/** The lines of a field, in their order; none where it is absent. */
export type FieldLookup = (name: string) => readonly string[];

export interface RequestMessage {
  readonly method: string;
  /**
   * The target URI, absolute, and every character as it goes over the wire: dot segments, percent-encoding
   * and a `?` without a query are all signed as they are.
   */
  readonly url: string;
  /** What the request line says. @defaultValue path and query of `url` */
  readonly target?: string;
  readonly headers: Fields;
  readonly trailers?: Fields;
}

export interface ResponseMessage {
  readonly status: number;
  readonly headers: Fields;
  readonly trailers?: Fields;
  /** The request that it answers, for components with `;req`. */
  readonly request?: RequestMessage;
}

export type Message = RequestMessage | ResponseMessage;

export function isResponse(message: Message): message is ResponseMessage {
  return 'status' in message;
}

/** A way to look fields up by lower-case name. */
export function lookupIn(fields: Fields | undefined): FieldLookup {
  if (fields === undefined) return () => none;
  if (typeof fields === 'function') return fields;
  return isIterable(fields) ? lookupInPairs(fields) : (name) => ownLines(fields, name);
}

const none: readonly string[] = [];

function isIterable(fields: object): fields is Iterable<readonly [string, string]> {
  return Symbol.iterator in fields;
}

function lookupInPairs(pairs: Iterable<readonly [string, string]>): FieldLookup {
  const lines = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const known = lines.get(key);
    if (known === undefined) lines.set(key, [value]);
    else known.push(value);
  }
  return (name) => lines.get(name) ?? none;
}

function ownLines(
  fields: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): readonly string[] {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value !== undefined) return typeof value === 'string' ? [value] : value;
  // A field that is there under another spelling must not pass for one that is absent.
  for (const given of Object.keys(fields)) {
    if (given !== name && given.toLowerCase() === name && fields[given] !== undefined) {
      throw new TypeError(`headers: write ${JSON.stringify(given)} in lower case`);
    }
  }
  return none;
}
