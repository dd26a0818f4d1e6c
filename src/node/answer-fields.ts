import type { Http2ServerRequest } from 'node:http2';
import type { Answer } from '../decision.ts';
import type { NodeRequest } from './exchange.ts';

/**
 * The header fields of an answer to this request, on the connection that it came over.
 *
 * Where nothing may follow on that connection, HTTP/1.1 says so in a field. HTTP/2 has none for it: it
 * says GOAWAY, here and now, and the streams that are open come to their end.
 */
export function answerFields(
  request: NodeRequest,
  { headers }: Answer,
): Record<string, string | string[]> {
  const { connection, ...fields } = headers as Record<string, string | string[]>;
  if (request.httpVersionMajor >= 2) {
    if (connection === 'close') (request as Http2ServerRequest).stream.session?.close();
    return fields;
  }
  const last = connection === 'close' || leavesContent(request);
  return last ? { ...fields, connection: 'close' } : fields;
}

// Content that nobody will read must not be taken for the next request. `complete` alone does not tell: a
// request without any is not complete either until its listeners have returned.
function leavesContent({ complete, headers }: NodeRequest): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
