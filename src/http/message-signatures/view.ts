import { parseDictionary } from '../structured-fields/parse.ts';
import type { Dictionary } from '../structured-fields/values.ts';
import { lookupIn, isResponse, type FieldLookup, type Message } from './message.ts';
import { queryParameters, type QueryParameters } from './query-parameters.ts';
import { splitUri, type TargetUri } from './target.ts';

/** A message as a signature looks at it: each part is taken apart once, when a component needs it. */
export class MessageView {
  readonly message: Message;
  readonly headers: FieldLookup;
  #trailers: FieldLookup | undefined;
  #request: MessageView | undefined;
  #dictionaries: Map<string, Dictionary> | undefined;
  #target: TargetUri | undefined;
  #query: QueryParameters | undefined;

  constructor(message: Message) {
    this.message = message;
    this.headers = lookupIn(message.headers);
  }

  get trailers(): FieldLookup {
    return (this.#trailers ??= lookupIn(this.message.trailers));
  }

  /** The request that a response answers, where it is known. */
  get request(): MessageView | undefined {
    if (!isResponse(this.message) || this.message.request === undefined) return undefined;
    return (this.#request ??= new MessageView(this.message.request));
  }

  /**
   * A field as a Dictionary. A peer may have each member of a long one covered by itself.
   *
   * @param place a name for the field and its section
   * @throws AuthError `ERR_FIELD_MALFORMED`
   */
  dictionary(place: string, name: string, lines: readonly string[]): Dictionary {
    this.#dictionaries ??= new Map();
    const known = this.#dictionaries.get(place);
    if (known !== undefined) return known;
    const dictionary = parseDictionary(lines, { name });
    this.#dictionaries.set(place, dictionary);
    return dictionary;
  }

  /** Of a request. @throws AuthError `ERR_REQUEST_MALFORMED` */
  target(url: string): TargetUri {
    return (this.#target ??= splitUri(url));
  }

  /** Of a request. @throws AuthError `ERR_REQUEST_MALFORMED` */
  query(url: string): QueryParameters {
    return (this.#query ??= queryParameters(this.target(url).query));
  }
}
