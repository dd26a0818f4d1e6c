// The request that a response answers, as far as the signature of the response binds to it.
import { AuthError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { baseOf } from '../../http/message-signatures/base.ts';
import { type Component, componentsOf } from '../../http/message-signatures/components.ts';
import type { FieldLookup, RequestMessage } from '../../http/message-signatures/message.ts';
import { MessageView } from '../../http/message-signatures/view.ts';
import { targetUri } from '../../http/request-target.ts';
import { parseDictionary } from '../../http/structured-fields/parse.ts';
import { isInnerList } from '../../http/structured-fields/values.ts';
import { type Coverable, type RequestSignature, requestTag } from './coverage.ts';

/** A request, for the signatures of what answers it. */
export class AnsweredRequest implements Coverable, RequestMessage {
  readonly method: string;
  readonly url: string;
  // The lines that came. Handlers take fields out of `headers`: that of a content they have decoded, say.
  readonly headers: FieldLookup;
  /** The signature of ours that the request has, whether it holds or not. */
  readonly signature: RequestSignature | undefined;

  /** @param url as the client knows it */
  constructor(exchange: Exchange, url: string) {
    this.method = exchange.method;
    this.url = url;
    this.headers = (name) => exchange.fieldLines(name);
    this.signature = signatureIn(this.headers('signature-input'));
  }

  has(name: string): boolean {
    return this.headers(name).length > 0;
  }

  /** Whether each of these is in the request. */
  holds(components: readonly Component[]): boolean {
    const view = new MessageView({ status: 200, headers: () => [], request: this });
    const ofRequest = components.filter((component) => component.ofRequest);
    return attempt(() => baseOf(view, ofRequest, new Map(), undefined)) !== undefined;
  }
}

/**
 * The request of an exchange; undefined where it cannot be told from others, because it names no authority,
 * say. No client of ours sends such a one.
 */
export function answeredRequest(exchange: Exchange): AnsweredRequest | undefined {
  const url = attempt(() => targetUri(exchange));
  return url === undefined ? undefined : new AnsweredRequest(exchange, url);
}

function signatureIn(lines: readonly string[]): RequestSignature | undefined {
  if (lines.length === 0) return undefined;
  return attempt(() => {
    const [one, ...others] = [...parseDictionary(lines, limits)].filter(
      ([, { parameters }]) => parameters.get('tag') === requestTag,
    );
    // Several cannot all be meant: their method refuses them.
    if (one === undefined || others.length > 0) return undefined;
    const [label, member] = one;
    if (!isInnerList(member)) return undefined;
    const { components, ids } = componentsOf(member.items);
    // No request has these, and of a response they would be other parts.
    const isOdd = components.some(
      ({ name, ofRequest, ofTrailers }) => ofRequest || ofTrailers || name === '@status',
    );
    return isOdd ? undefined : { label, components: [...ids] };
  });
}

const limits = { name: 'signature-input', maxLength: 16_384, maxMembers: 16 };

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}
