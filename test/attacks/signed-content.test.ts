// Row S3 of the attack table, over the wire: content that is not what was signed.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import express from 'express';
import { createVerifier } from '../../src/index.ts';
import { signature } from '../../src/methods/signature/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { mutualAuth, prepare } from '../../adapters/express.ts';
import { recordEvents } from '../support/events.ts';
import { type Signing, signedFields } from '../support/signed-request.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const verifier = createVerifier({
  methods: [signature({ keys: [{ keyId: 'alice', key: publicKey }] })],
  authorities: ['https://api.example'],
});

/** What the handler has read: all of it, or how its reading ended. */
type Handled = { readonly text: string } | { readonly error: string };

async function service() {
  const handled: Handled[] = [];
  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const decision = await guard(verifier, request, response);
    if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
    try {
      let text = '';
      for await (const chunk of request.setEncoding('utf8')) text += chunk;
      handled.push({ text });
      response.end('done');
    } catch (error) {
      handled.push({ error: (error as { code?: string }).code ?? String(error) });
      response.destroy();
    }
  }
  return { handled, ...(await listening(server)) };
}

async function listening(server: ReturnType<typeof createServer>) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const mismatch = { error: 'ERR_DIGEST_MISMATCH' };
const content = 'a content of some length';
const signing = (change: Partial<Signing> = {}): Signing => ({
  method: 'POST',
  content,
  fields: { 'content-type': 'text/plain' },
  key: privateKey,
  algorithm: 'ed25519',
  now: new Date(),
  ...change,
});

/** Sends a head and a content as they are, and answers with the status line; none where it is cut off. */
async function send(
  port: number,
  fields: Readonly<Record<string, string>>,
  body: string,
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const lines = Object.entries({ host: 'api.example', connection: 'close', ...fields });
  socket.on('error', () => {});
  socket.write(
    `POST / HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n${body}`,
  );
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  await once(socket, 'close');
  return text.split('\r\n')[0]!;
}

function chunked(...parts: readonly string[]): string {
  return [...parts, ''].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
}

function withoutLength(fields: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-length': _, ...others } = fields;
  return { ...others, 'transfer-encoding': 'chunked' };
}

describe('S3 signed content', () => {
  it('reaches the handler as it was signed, in one piece or in several', async () => {
    await using site = await service();
    assert.equal(await send(site.port, signedFields(signing()), content), 'HTTP/1.1 200 OK');
    const fields = withoutLength(signedFields(signing()));
    const body = chunked(content.slice(0, 5), content.slice(5));
    assert.equal(await send(site.port, fields, body), 'HTTP/1.1 200 OK');
    assert.deepEqual(site.handled, [{ text: content }, { text: content }]);
  });

  const other = content.replace('some', 'Some');
  for (const [name, body] of [
    ['changed', other],
    ['changed at its end', content.slice(0, -1) + '!'],
  ] as const) {
    it(`never ends well where it was ${name}`, async () => {
      await using site = await service();
      assert.equal(await send(site.port, signedFields(signing()), body), '');
      const fields = withoutLength(signedFields(signing()));
      assert.equal(await send(site.port, fields, chunked(body)), '');
      assert.deepEqual(site.handled, [mismatch, mismatch]);
    });
  }

  it('never ends well where it is longer, shorter or not there', async () => {
    await using site = await service();
    for (const body of [chunked(content, 'x'), chunked(content.slice(1)), chunked()]) {
      const fields = withoutLength(signedFields(signing()));
      assert.equal(await send(site.port, fields, body), '');
    }
    assert.deepEqual(site.handled, [mismatch, mismatch, mismatch]);
  });

  it('is refused where nothing is left of it', async () => {
    await using site = await service();
    const { 'content-length': _, ...fields } = signedFields(signing());
    for (const one of [fields, { ...fields, 'content-length': '0' }]) {
      assert.equal(await send(site.port, one, ''), 'HTTP/1.1 400 Bad Request');
    }
    assert.deepEqual(site.handled, []);
    const empty = signedFields(signing({ content: '' }));
    assert.equal(await send(site.port, empty, ''), 'HTTP/1.1 200 OK');
  });

  const sha256 = createHash('sha256').update(content).digest('base64');
  const sha512 = createHash('sha512').update(content).digest('base64');
  const wrong = createHash('sha512').update(other).digest('base64');
  for (const [digest, status] of [
    [`sha-256=:${sha256}:, sha-512=:${sha512}:`, 'HTTP/1.1 200 OK'],
    [`sha-512=:${sha512}:`, 'HTTP/1.1 200 OK'],
    [`sha-256=:${sha256}:, sha-512=:${wrong}:`, ''],
    [`md5=:${sha256}:`, 'HTTP/1.1 400 Bad Request'],
    ['sha-256=:AA==:', 'HTTP/1.1 400 Bad Request'],
    ['sha-256', 'HTTP/1.1 400 Bad Request'],
  ] as const) {
    it(`with the digest ${digest.replaceAll(/:[^:]{4}[^:]*:/g, ':...:')} is ${status === '' ? 'cut off' : status}`, async () => {
      await using site = await service();
      const fields = { 'content-type': 'text/plain', 'content-digest': digest };
      assert.equal(await send(site.port, signedFields(signing({ fields })), content), status);
    });
  }

  it('without a digest is refused before anybody reads it', async () => {
    await using site = await service();
    using events = recordEvents();
    const { 'content-length': length, ...fields } = signedFields(
      signing({ components: ['@method', '@authority', '@path', '@query'] }),
    );
    const { 'content-digest': _, ...without } = fields;
    for (const one of [fields, without]) {
      const sent = { ...one, 'content-length': length! };
      assert.equal(await send(site.port, sent, content), 'HTTP/1.1 401 Unauthorized');
      assert.equal(events.refused.at(-1)?.code, 'ERR_SIGNATURE_COVERAGE');
    }
    assert.deepEqual(site.handled, []);
  });
});

describe('S3, X4 signed content and body parsers', () => {
  async function application(...first: readonly express.RequestHandler[]) {
    const app = express();
    for (const middleware of first) app.use(middleware);
    app.use(mutualAuth(verifier));
    app.use(express.text());
    app.post('/', (request, response) => void response.send(request.body));
    return await listening(createServer(app));
  }

  it('is checked in front of a parser behind the guard', async () => {
    await using site = await application();
    assert.equal(await send(site.port, signedFields(signing()), content), 'HTTP/1.1 200 OK');
    assert.equal(await send(site.port, signedFields(signing()), content.toUpperCase()), '');
  });

  it('is checked in front of a parser before the guard, where prepare goes first', async () => {
    await using site = await application(prepare(verifier), express.text());
    assert.equal(await send(site.port, signedFields(signing()), content), 'HTTP/1.1 200 OK');
    assert.equal(await send(site.port, signedFields(signing()), content.toUpperCase()), '');
  });

  it('is our own fault where a parser had it first', async () => {
    await using site = await application(express.text());
    using events = recordEvents();
    assert.equal(
      await send(site.port, signedFields(signing()), content),
      'HTTP/1.1 500 Internal Server Error',
    );
    assert.equal(events.refused.at(-1)?.code, 'ERR_BODY_CONSUMED');
  });
});
