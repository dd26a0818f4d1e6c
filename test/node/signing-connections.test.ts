// What signed responses look like on connections as they come: read from the socket itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import {
  type Answered,
  acceptSignature,
  authority,
  confirm,
  field,
  pairsOf,
} from '../support/confirming.ts';
import { type SigningHandler, signingService } from '../support/signing-service.ts';

/** Writes requests at once, and gives all that comes until the server hangs up. */
async function exchange(handler: SigningHandler, requests: string): Promise<string> {
  await using service = await signingService(handler);
  const socket = connect(service.port, '127.0.0.1').setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk: string) => (text += chunk));
  socket.write(requests);
  await once(socket, 'close');
  return text;
}

interface Raw {
  readonly path?: string;
  readonly version?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

function requestText({ path = '/', version = '1.1', fields = [], body = '' }: Raw): string {
  const method = body === '' ? 'GET' : 'POST';
  const lines = [`host: ${authority}`, `accept-signature: ${acceptSignature('n')}`, ...fields];
  return `${method} ${path} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** The first response in a text, and what follows it. */
function take(text: string, path = '/'): [answered: Answered, rest: string] {
  const end = text.indexOf('\r\n\r\n');
  const [status, ...lines] = text.slice(0, end).split('\r\n');
  const headers = pairsOf(lines.flatMap((line) => /^([^:]+): ?(.*)$/.exec(line)!.slice(1)));
  const answered = {
    request: {
      method: 'GET',
      url: `http://${authority}${path}`,
      headers: { 'accept-signature': acceptSignature('n') },
    },
    status: Number(status!.split(' ')[1]),
    headers,
    trailers: [],
    content: Buffer.alloc(0),
  };
  const from = end + 4;
  const length = field(answered, 'content-length');
  // Without a length it goes on until the server hangs up.
  const to = length === undefined ? text.length : from + Number(length);
  return [{ ...answered, content: Buffer.from(text.slice(from, to), 'latin1') }, text.slice(to)];
}

const hello: SigningHandler = (_req, res) => res.end('hello');

describe('a signed response on its connection', () => {
  it('keeps its place behind others that were asked for at once', async () => {
    const paths = ['/1', '/2', '/3'];
    const requests = paths.map((path) => requestText({ path })).join('');
    const slowFirst = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
      if (req.url === '/1') await new Promise((resolve) => setImmediate(resolve));
      res.end(`of ${String(req.url)}`);
    };
    const last = requestText({ path: '/4', fields: ['connection: close'] });
    let text = await exchange(slowFirst, requests + last);
    for (const path of [...paths, '/4']) {
      const [answered, rest] = take(text, path);
      assert.equal(answered.content.toString(), `of ${path}`);
      assert.equal(confirm(answered).content, 'in the head');
      text = rest;
    }
    assert.equal(text, '');
  });

  it('is the last where either end says so', async () => {
    const closing = await exchange(hello, requestText({ fields: ['connection: close'] }));
    assert.equal(confirm(take(closing)[0]).content, 'in the head');
    const closed = await exchange(
      (_req, res) => res.setHeader('connection', 'close').end('hello'),
      requestText({}),
    );
    assert.equal(field(take(closed)[0], 'connection'), 'close');
    assert.equal(confirm(take(closed)[0]).content, 'in the head');
  });

  it('reaches a client of HTTP/1.0, which has no trailers', async () => {
    for (const fields of [[], ['te: trailers']]) {
      const whole = await exchange(hello, requestText({ version: '1.0', fields }));
      assert.equal(confirm(take(whole)[0]).content, 'in the head');
      const streamed = await exchange(
        (_req, res) => {
          res.write('hel');
          res.end('lo');
        },
        requestText({ version: '1.0', fields }),
      );
      const [answered] = take(streamed);
      assert.equal(answered.content.toString(), 'hello');
      assert.equal(confirm(answered).content, 'in the head');
    }
  });

  it('follows what HTTP says in between', async () => {
    const fields = ['expect: 100-continue', 'content-length: 2', 'connection: close'];
    const came = await exchange(
      async (req, res) => {
        res.writeProcessing();
        res.writeEarlyHints({ link: '</a.css>; rel=preload' });
        await textOf(req);
        res.end('hello');
      },
      requestText({ fields, body: 'ab' }),
    );
    const between = came.match(/HTTP\/1\.1 1\d\d [^]*?\r\n\r\n/g)!;
    assert.deepEqual(
      between.map((one) => one.slice(9, 12)),
      ['100', '102', '103'],
    );
    const [answered] = take(came.slice(between.join('').length));
    const request = { ...answered.request, method: 'POST' };
    assert.equal(confirm({ ...answered, request }).content, 'in the head');
  });

  it('sends a stream as it comes, its digest behind it', async () => {
    const seen: string[] = [];
    await using service = await signingService(async (_req, res) => {
      for (const text of ['first', 'second']) {
        res.write(text);
        while (!seen.join('').includes(text)) await new Promise((go) => setImmediate(go));
      }
      res.end();
    });
    const socket = connect(service.port, '127.0.0.1').setEncoding('latin1');
    socket.on('data', (chunk: string) => seen.push(chunk));
    socket.write(requestText({ fields: ['te: gzip, Trailers', 'connection: close'] }));
    await once(socket, 'close');
    const text = seen.join('');
    assert.match(text, /\r\ntrailer: content-digest, signature-input, signature\r\n/i);

    assert.match(text, /\r\n0\r\ncontent-digest: /i);
  });
});
