import type { Dispatcher } from 'undici';

/** Header fields by lower-case name, several lines joined. */
export type Fields = Record<string, string>;

/** The header fields of a request, from any of the forms that undici takes. */
export function fieldsOf(headers: Dispatcher.DispatchOptions['headers']): Fields {
  const fields: Fields = Object.create(null) as Fields;
  for (const [name, value] of entriesOf(headers ?? {})) {
    if (value !== undefined) add(fields, name.toLowerCase(), value);
  }
  return fields;
}

function entriesOf(headers: object): Iterable<readonly [string, unknown]> {
  if (Array.isArray(headers)) {
    return Array.from({ length: headers.length / 2 }, (_, i) => [
      String(headers[2 * i]),
      headers[2 * i + 1] as unknown,
    ]);
  }
  return Symbol.iterator in headers
    ? (headers as Iterable<readonly [string, unknown]>)
    : Object.entries(headers);
}

function add(fields: Fields, name: string, value: unknown): void {
  // RFC 9110 section 5.3, and RFC 6265 section 5.4 for the one that is no list.
  const separator = name === 'cookie' ? '; ' : ', ';
  const lines = [fields[name] ?? [], value ?? ''].flat();
  fields[name] = lines.map(String).join(separator);
}
