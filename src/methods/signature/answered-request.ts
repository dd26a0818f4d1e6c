// The request that a response answers, as far as the signature of the response binds to it.
import { AuthError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { type CoveredLines, coveredLines } from '../../http/message-signatures/base.ts';
import { componentsOf, parseComponent } from '../../http/message-signatures/components.ts';
import { MessageView } from '../../http/message-signatures/view.ts';
import { parseDictionary } from '../../http/structured-fields/parse.ts';
import { isInnerList } from '../../http/structured-fields/values.ts';
import { type Coverable, type RequestSignature, requestTag, responseCoverage } from './coverage.ts';

/**
 * What a response has to cover of this request, with the values; undefined where the request cannot be told
 * from others, because it names no authority, say. No client of ours sends such a one.
 */
export function linesOfRequest(exchange: Exchange): CoveredLines | undefined {
  return attempt(() => {
    const url = urlOf(exchange);
    if (url === undefined) return undefined;
    const headers = (name: string): readonly string[] => exchange.fieldLines(name);
    const request = { method: exchange.method, url, headers };
    const view = new MessageView({ status: 200, headers: nothing, request });
    // The lines that came: handlers take fields out of `headers`, that of a content they have decoded say.
    const fields: Coverable = { has: (name) => headers(name).length > 0 };
    const signature = signatureOf(exchange);
    // A signature over what is not there holds for nobody, and whoever made it misses it in the response.
    const signed =
      signature && attempt(() => coveredLines(view, bound(fields, signature), undefined));
    return signed ?? coveredLines(view, bound(fields, undefined), undefined);
  });
}

function nothing(): readonly string[] {
  return [];
}

function bound(request: Coverable, signature: RequestSignature | undefined) {
  return responseCoverage({ has: () => false }, false, request, signature)
    .map((id) => parseComponent(id, 'components'))
    .filter(({ ofRequest }) => ofRequest);
}

/** The signature of ours that the request has, whether it holds or not. */
function signatureOf(exchange: Exchange): RequestSignature | undefined {
  const field = exchange.fieldLines('signature-input');
  if (field.length === 0) return undefined;
  return attempt(() => {
    const [one, ...others] = [...parseDictionary(field, limits)].filter(
      ([, { parameters }]) => parameters.get('tag') === requestTag,
    );
    // Several cannot all be meant: their method refuses them.
    if (one === undefined || others.length > 0) return undefined;
    const [label, member] = one;
    return isInnerList(member)
      ? { label, components: [...componentsOf(member.items).ids] }
      : undefined;
  });
}

const limits = { name: 'signature-input', maxLength: 16_384, maxMembers: 16 };

/** The target URI, with every character of path and query as it came. */
function urlOf({ target, scheme, authority }: Exchange): string | undefined {
  if (authority === undefined) return undefined;
  const origin = `${scheme}://${authority}`;
  if (target.startsWith('/')) return origin + target;
  // Of the service itself: `OPTIONS *` (RFC 9112 section 3.2.4).
  if (target === '*') return origin;
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(target) ?? [];
  return rest === undefined ? undefined : origin + rest;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}
