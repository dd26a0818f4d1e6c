import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { contentDigest } from 'countersign/signature';
import {
  type Answered,
  type ProvenContent,
  ask,
  askHttp2,
  confirm,
  field,
  seesTrailers,
} from '../support/confirming.ts';
import { signingService } from '../support/signing-service.ts';

interface Way {
  readonly write: (response: ServerResponse) => unknown;
  readonly content: string;
  readonly status?: number;
  readonly method?: string;
  /** How the content is proven, without trailers and with them. */
  readonly proven: readonly [ProvenContent, ProvenContent];
  readonly fields?: Readonly<Record<string, string>>;
}

const inHead = ['in the head', 'in the head'] as const;
const streamed = ['in the head', 'in trailers'] as const;
const none = ['it has none', 'it has none'] as const;
const large = 'x'.repeat(700_000);

/** Each way in which a handler may write. */
const ways: Readonly<Record<string, Way>> = {
  'end with content': { write: (res) => res.end('hello'), content: 'hello', proven: inHead },
  'end with bytes': {
    write: (res) => res.end(Buffer.from('hello')),
    content: 'hello',
    proven: inHead,
  },
  'end with an encoding': {
    write: (res) => res.end('68656c6c6f', 'hex'),
    content: 'hello',
    proven: inHead,
  },
  'end with text beyond ASCII': {
    write: (res) => res.end('h\u00e9llo'),
    content: 'h\u00e9llo',
    proven: inHead,
  },
  'end without content': { write: (res) => res.end(), content: '', proven: inHead },
  'end with a callback': {
    write: (res) => new Promise<void>((resolve) => void res.end('hello', resolve)),
    content: 'hello',
    proven: inHead,
  },
  'a head, then end': {
    write: (res) => res.writeHead(201, { 'Content-Type': 'text/plain', ETag: '"a"' }).end('hello'),
    content: 'hello',
    status: 201,
    proven: inHead,
    fields: { 'content-type': 'text/plain', etag: '"a"' },
  },
  'a head with a reason and a list': {
    write: (res) =>
      res.writeHead(202, 'Fine', ['set-cookie', 'a=1', 'set-cookie', 'b=2']).end('hi'),
    content: 'hi',
    status: 202,
    proven: inHead,
    fields: { 'set-cookie': 'a=1, b=2' },
  },
  'a head, and fields behind it': {
    write(res) {
      res.writeHead(200);
      assert.equal(res.headersSent, true);
      if (!('stream' in res)) {
        assert.throws(() => res.setHeader('x-late', '1'), { code: 'ERR_HTTP_HEADERS_SENT' });
        assert.throws(() => res.removeHeader('x-late'), { code: 'ERR_HTTP_HEADERS_SENT' });
      }
      assert.throws(() => res.writeHead(201), { code: 'ERR_HTTP_HEADERS_SENT' });
      res.end('hello');
    },
    content: 'hello',
    proven: inHead,
  },
  'write and end': {
    write(res) {
      res.write('hel');
      res.end('lo');
    },
    content: 'hello',
    proven: streamed,
  },
  'several writes': {
    async write(res) {
      res.writeHead(200, { 'content-type': 'text/csv' });
      for (const text of ['a', 'b', 'c']) {
        await new Promise((resolve) => void res.write(text, resolve));
      }
      res.end();
    },
    content: 'abc',
    proven: streamed,
    fields: { 'content-type': 'text/csv' },
  },
  'a pipe': {
    write: (res) => Readable.from([Buffer.from('hel'), Buffer.from('lo')]).pipe(res),
    content: 'hello',
    proven: streamed,
  },
  'a pipe of a known length': {
    write(res) {
      res.setHeader('content-length', 5);
      Readable.from([Buffer.from('hel'), Buffer.from('lo')]).pipe(res);
    },
    content: 'hello',
    proven: inHead,
    fields: { 'content-length': '5' },
  },
  'a pipe of more than is kept back': {
    write: (res) => Readable.from([large, large]).pipe(res),
    content: large + large,
    proven: ['not at all', 'in trailers'],
  },
  'a pipe of a known length beyond it': {
    write(res) {
      res.setHeader('content-length', 2 * large.length);
      Readable.from([large, large]).pipe(res);
    },
    content: large + large,
    proven: ['not at all', 'in trailers'],
  },
  'a pipe with a digest that the handler knows': {
    write(res) {
      res.setHeader('content-digest', contentDigest('hello'));
      Readable.from([Buffer.from('hello')]).pipe(res);
    },
    content: 'hello',
    proven: inHead,
  },
  'a head that is flushed': {
    write(res) {
      res.flushHeaders();
      res.end('hello');
    },
    content: 'hello',
    proven: streamed,
  },
  events: {
    write(res) {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: 1\n\n');
      res.end('data: 2\n\n');
    },
    content: 'data: 1\n\ndata: 2\n\n',
    proven: ['not at all', 'in trailers'],
  },
  '204': { write: (res) => res.writeHead(204).end(), content: '', status: 204, proven: none },
  '304': {
    write(res) {
      res.setHeader('etag', '"a"');
      res.writeHead(304).end();
    },
    content: '',
    status: 304,
    proven: none,
    fields: { etag: '"a"' },
  },
  HEAD: {
    write(res) {
      res.setHeader('content-length', 5);
      res.end();
    },
    content: '',
    method: 'HEAD',
    proven: none,
    fields: { 'content-length': '5' },
  },
  'HEAD with a stream': {
    write(res) {
      res.writeHead(200, { 'content-length': '5' });
      res.flushHeaders();
      res.end();
    },
    content: '',
    method: 'HEAD',
    proven: none,
  },
  'a range': {
    write: (res) => res.writeHead(206, { 'content-range': 'bytes 0-1/5' }).end('he'),
    content: 'he',
    status: 206,
    proven: inHead,
    fields: { 'content-range': 'bytes 0-1/5' },
  },
  'a redirection': {
    write: (res) => res.writeHead(302, { location: '/elsewhere' }).end(),
    content: '',
    status: 302,
    proven: inHead,
    fields: { location: '/elsewhere' },
  },
  'trailers of its own': {
    write(res) {
      res.setHeader('trailer', 'x-time');
      res.write('hello');
      res.addTrailers({ 'x-time': '7' });
      res.end();
    },
    content: 'hello',
    proven: streamed,
  },
};

const protocols: Readonly<Record<string, typeof ask>> = { 'HTTP/1.1': ask, 'HTTP/2': askHttp2 };

function assertAnswered(answered: Answered, { content, status = 200, fields = {} }: Way): void {
  assert.equal(answered.status, status);
  assert.equal(answered.content.toString(), content);
  for (const [name, value] of Object.entries(fields)) assert.equal(field(answered, name), value);
  assert.equal(field(answered, 'cache-control'), 'no-store');
}

describe('trailers of the handler', () => {
  for (const [protocol, send] of Object.entries(protocols)) {
    it(`are sent in front of ours, over ${protocol}`, async () => {
      const { write } = ways['trailers of its own']!;
      const http2 = protocol === 'HTTP/2';
      await using service = await signingService((_req, res) => write(res), { http2 });
      for (const headers of [{}, seesTrailers]) {
        const answered = await send(service.port, { headers });
        const [first] = answered.trailers;
        assert.deepEqual(first, ['x-time', '7']);
        confirm(answered);
      }
    });
  }
});

for (const [protocol, send] of Object.entries(protocols)) {
  describe(`a response that is signed, over ${protocol}`, () => {
    for (const [name, way] of Object.entries(ways)) {
      it(`is confirmed: ${name}`, async () => {
        const http2 = protocol === 'HTTP/2';
        await using service = await signingService((_req, res) => way.write(res), { http2 });
        for (const [i, headers] of [{}, seesTrailers].entries()) {
          const asked = { headers, ...(way.method === undefined ? {} : { method: way.method }) };
          const answered = await send(service.port, asked);
          assertAnswered(answered, way);
          assert.deepEqual(confirm(answered), { content: way.proven[i], keyid: 'api-2026' });
        }
      });
    }
  });
}
