// Query parameters as HTML forms encode them (RFC 9421 section 2.2.8).

/** Values by name, both encoded anew; null where a name is not that of one parameter alone. */
export type QueryParameters = ReadonlyMap<string, string | null>;

/** @param query with or without its question mark */
export function queryParameters(query: string): QueryParameters {
  const parameters = new Map<string, string | null>();
  for (const [rawName, rawValue] of new URLSearchParams(query)) {
    const name = encode(rawName);
    // What is not UTF-8 is read as one and the same character, and another value would pass for it.
    const isReadable = !rawName.includes('\ufffd') && !rawValue.includes('\ufffd');
    parameters.set(name, parameters.has(name) || !isReadable ? null : encode(rawValue));
  }
  return parameters;
}

/** The URL standard's percent-encode after encoding, with the set of `application/x-www-form-urlencoded`. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
