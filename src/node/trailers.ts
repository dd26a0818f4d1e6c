import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.ts';
import type { ProofFields } from '../proof.ts';
import type { NodeResponse } from './head.ts';

/** Whether trailers reach the client of this response: it says so, and its version of HTTP has some. */
export function seesTrailers({ req }: NodeResponse, exchange: Exchange): boolean {
  const te = exchange.field('te');
  if (te === undefined || (req.httpVersionMajor === 1 && req.httpVersionMinor === 0)) return false;
  return te.split(',').some((one) => one.trim().toLowerCase() === 'trailers');
}

/** Adds trailers behind those that the handler has added. */
export function addTrailers(response: NodeResponse, fields: ProofFields): void {
  // In HTTP/1.1, Node forgets the ones that were there before.
  const http1 = 'stream' in response ? undefined : (response as ServerResponse & WithTrailer);
  const before = http1?._trailer ?? '';
  response.addTrailers(fields);
  if (http1 !== undefined) http1._trailer = before + http1._trailer;
}

interface WithTrailer {
  _trailer: string;
}
