// The head of a response, before it leaves.
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { ResponseHead } from '../method.ts';

/** The response to a request of HTTP/1.1 or of HTTP/2. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** RFC 9113 section 7. Written out, for loading node:http2 takes time that most programs never need. */
const http2InternalError = 0x2;

/** Ends a response so that its peer sees that it is no whole one. */
export function tearDown(response: NodeResponse): void {
  // On HTTP/2 a stream that is merely destroyed would read as one that ended in good order.
  if ('stream' in response) response.stream.close(http2InternalError);
  else response.destroy();
}

/** Whether nobody reads the response any more. */
export function isGone(response: NodeResponse): boolean {
  return 'stream' in response
    ? response.stream.destroyed || response.stream.closed
    : response.destroyed;
}

/** Sets the fields that were given to writeHead itself, and are invisible to getHeader until they are set. */
export function setFields(response: NodeResponse, given: unknown): void {
  if (given === undefined || given === null) return;
  const pairs: readonly (readonly [string, OutgoingHttpHeader])[] = Array.isArray(given)
    ? typeof given[0] === 'string'
      ? given.flatMap((name: string, i) => (i % 2 === 0 ? [[name, given[i + 1]] as const] : []))
      : given
    : Object.entries(given as Record<string, OutgoingHttpHeader>);
  const seen = new Set<string>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (seen.has(key)) response.appendHeader(name, value as string);
    else response.setHeader(name, value);
    seen.add(key);
  }
}

export function headOf(response: NodeResponse): ResponseHead {
  return {
    status: response.statusCode,
    field(name) {
      const value = response.getHeader(name);
      return value === undefined ? undefined : [value].flat().join(', ');
    },
    setField(name, value) {
      response.setHeader(name, value);
    },
  };
}

/** The lines of a field, as they are going to leave. @param name in lower case */
export function linesOf(response: NodeResponse, name: string): readonly string[] {
  const value = response.getHeader(name);
  if (value === undefined) return noLines;
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

const noLines: readonly string[] = [];

/** The whole of a head, to see whether somebody changes it. */
export function spell(response: NodeResponse): string {
  return JSON.stringify([response.statusCode, response.getHeaders()]);
}
