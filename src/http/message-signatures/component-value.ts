// What a component is in a message (RFC 9421 sections 2.1, 2.2 and 2.4).
import { AuthError, quote } from '../../errors.ts';
import { parseDictionary, parseItem, parseList } from '../structured-fields/parse.ts';
import {
  serialiseBytes,
  serialiseDictionary,
  serialiseItem,
  serialiseList,
  serialiseMember,
} from '../structured-fields/serialise.ts';
import type { Component } from './components.ts';
import { isResponse, type RequestMessage } from './message.ts';
import { type StructuredFieldTypes, structuredFieldType } from './structured-field-types.ts';
import type { MessageView } from './view.ts';

/**
 * The value of a component, one line of ASCII.
 *
 * @throws AuthError `ERR_SIGNATURE_MALFORMED` where the message has none, or one that cannot be signed;
 * `ERR_FIELD_MALFORMED` and `ERR_REQUEST_MALFORMED` where it cannot be read
 */
export function componentValue(
  component: Component,
  view: MessageView,
  types: StructuredFieldTypes | undefined,
): string {
  const source = component.ofRequest ? requestOf(view, component) : view;
  return component.isDerived
    ? derivedValue(component, source)
    : signable(fieldValue(component, source, types), component);
}

/** A line break would begin another component, and what is not ASCII has no one form. */
function signable(value: string, component: Component): string {
  return /[^\t -~]/.test(value) ? fail(component, 'holds characters that cannot be signed') : value;
}

function requestOf(view: MessageView, component: Component): MessageView {
  if (!isResponse(view.message))
    throw unsignable(component, 'is of a request that a request answers');
  if (view.request === undefined)
    throw unsignable(component, 'is of a request that is not at hand');
  return view.request;
}

function derivedValue(component: Component, view: MessageView): string {
  const { message } = view;
  if (component.name === '@status') {
    if (!isResponse(message)) throw unsignable(component, 'is no part of a request');
    if (!(Number.isInteger(message.status) && message.status >= 100 && message.status <= 999)) {
      throw unsignable(component, 'is no status');
    }
    return String(message.status);
  }
  if (isResponse(message)) throw unsignable(component, 'is no part of a response');
  return ofRequest(component, view, message);
}

function ofRequest(component: Component, view: MessageView, request: RequestMessage): string {
  const { method, url } = request;
  if (component.name === '@method') {
    return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) ? method : fail(component, 'is no method');
  }
  const target = view.target(url);
  switch (component.name) {
    case '@target-uri':
      return `${target.scheme}://${target.authority}${target.path}${target.query}`;
    case '@authority':
      return target.authority;
    case '@scheme':
      return target.scheme;
    case '@request-target': {
      const given = request.target ?? target.path + target.query;
      return /^[!-~]+$/.test(given) ? given : fail(component, 'is no request target');
    }
    case '@path':
      return target.path;
    case '@query':
      return target.query === '' ? '?' : target.query;
    case '@query-param': {
      const value = view.query(url).get(component.queryName ?? '');
      if (value === undefined) throw unsignable(component, 'is not in the message');
      return value ?? fail(component, 'is there more than once, or is not UTF-8');
    }
    default:
      return fail(component, 'is not known');
  }
}

function fieldValue(
  component: Component,
  view: MessageView,
  types: StructuredFieldTypes | undefined,
): string {
  const { name, key } = component;
  const found = (component.ofTrailers ? view.trailers : view.headers)(name);
  if (found.length === 0) throw unsignable(component, 'is not in the message');
  const isPlain = key === undefined && !component.strict && !component.binary;
  if (isPlain && found.length === 1) return unfolded(found[0]!, component);
  const lines = found.map((line) => unfolded(line, component));
  if (key !== undefined) {
    if (structuredFieldType(name, types) !== 'dictionary')
      fail(component, 'is no known dictionary');
    const place = component.ofTrailers ? `${name};tr` : name;
    const member = view.dictionary(place, name, lines).get(key);
    return member === undefined
      ? fail(component, 'is not in the message')
      : serialiseMember(member);
  }
  if (component.strict) return inCanonicalForm(component, lines, types);
  return component.binary
    ? lines.map((line) => bytesOf(line, component)).join(', ')
    : lines.join(', ');
}

function inCanonicalForm(
  component: Component,
  lines: readonly string[],
  types: StructuredFieldTypes | undefined,
): string {
  const { name } = component;
  switch (structuredFieldType(name, types)) {
    case 'item':
      return serialiseItem(parseItem(lines, { name }));
    case 'list':
      return serialiseList(parseList(lines, { name }));
    case 'dictionary':
      return serialiseDictionary(parseDictionary(lines, { name }));
    case undefined:
      return fail(component, 'is no known structured field');
  }
}

function bytesOf(line: string, component: Component): string {
  // Node reads each byte as one character.
  return /[^\0-\xff]/.test(line)
    ? fail(component, 'holds characters that are no bytes')
    : serialiseBytes(Buffer.from(line, 'latin1'));
}

/** A line without blanks around it, continued lines made one (RFC 9112 section 5.2). */
function unfolded(line: string, component: Component): string {
  if (!line.includes('\n')) return trim(line);
  const parts = line.split('\n').map((part) => (part.endsWith('\r') ? part.slice(0, -1) : part));
  if (parts.slice(1).some((part) => !/^[\t ]/.test(part))) fail(component, 'holds a line break');
  return trim(parts.map(trim).join(' '));
}

/** Blanks are spaces and tabs here; JavaScript's own trim takes away more. */
function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function fail(component: Component, what: string): never {
  throw unsignable(component, what);
}

function unsignable(component: Component, what: string): AuthError {
  const reason = `the signature covers ${quote(component.id)}, which ${what}`;
  return new AuthError('ERR_SIGNATURE_MALFORMED', reason);
}
