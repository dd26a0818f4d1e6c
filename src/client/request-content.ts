// The content of a request, hashed before its head leaves. A signature covers the digest, so the bytes
// must be known first.
import type { Dispatcher } from 'undici';
import { ConfigError } from '../errors.ts';
import { contentDigest } from '../http/content-digest.ts';
import type { Fields } from './request-fields.ts';
import { loadUndici } from './undici.ts';

type Content = Dispatcher.DispatchOptions['body'];

/** How much of a stream is held in memory to hash it, where nobody says how long it is. */
const maxHeld = 1_048_576;

/**
 * Adds Content-Digest to `fields` where there is content, and answers what to send: bytes that were a
 * stream before. `fetch` makes a stream of every content, with its length among the fields.
 *
 * Where the caller gave the digest, the content is sent as it is: a long stream need not be held.
 *
 * @throws ConfigError for a stream that is too long to be held, and says no length
 */
export async function digested(body: Content, fields: Fields): Promise<Content> {
  if (body === undefined || body === null || fields['content-digest'] !== undefined) return body;
  const bytes = await bytesOf(body, fields);
  if (bytes.length === 0) return null;
  fields['content-digest'] = contentDigest(bytes);
  return bytes;
}

async function bytesOf(body: unknown, fields: Fields): Promise<Buffer> {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (isNamed(body, 'FormData') || isNamed(body, 'Blob', 'File')) return encoded(body, fields);
  const length = /^\d+$/.test(fields['content-length'] ?? '')
    ? Number(fields['content-length'])
    : 0;
  return collected(body as AsyncIterable<unknown>, Math.max(length, maxHeld));
}

/** A form or a Blob, with its media type among the fields. */
async function encoded(body: object, fields: Fields): Promise<Buffer> {
  const { Response: Theirs } = body instanceof FormData ? globalThis : loadUndici();
  const response = new Theirs(body as never);
  const type = response.headers.get('content-type');
  if (type !== null) fields['content-type'] ??= type;
  return Buffer.from(await response.arrayBuffer());
}

async function collected(body: AsyncIterable<unknown>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
      throw new TypeError('the content is a stream of something else than bytes and strings');
    }
    const bytes = Buffer.from(chunk as string);
    length += bytes.length;
    if (length > limit) {
      throw new ConfigError(
        'content-digest',
        `a stream of over ${limit} bytes must be hashed by you; give this field with the request`,
      );
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, length);
}

function isNamed(body: unknown, ...names: readonly string[]): body is object {
  const name: unknown = (body as Partial<Record<symbol, unknown>>)[Symbol.toStringTag];
  return typeof name === 'string' && names.includes(name);
}
