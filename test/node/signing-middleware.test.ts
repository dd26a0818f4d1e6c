import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import express from 'express';
import { mutualAuth, prepare } from '../../adapters/express.ts';
import { ask, askHttp2, confirm, field, seesTrailers } from '../support/confirming.ts';
import { recordEvents } from '../support/events.ts';
import { listening, signingService, signingVerifier } from '../support/signing-service.ts';

const verifier = signingVerifier();
const text = 'compress me '.repeat(1000);
const gzip = { 'accept-encoding': 'gzip' };

/** Express with these in front of a handler that answers in each way there is. */
function application(...before: readonly express.RequestHandler[]) {
  const app = express();
  app.set('env', 'test');
  for (const one of before) app.use(one);
  app.get('/json', (_req, res) => void res.json({ text }));
  app.get('/send', (_req, res) => void res.send(text));
  app.get('/pipe', (_req, res) => void Readable.from([text, text]).pipe(res.type('text')));
  app.get('/write', (_req, res) => {
    res.type('text').write(text);
    res.end(text);
  });
  app.get('/empty', (_req, res) => void res.status(204).end());
  app.get('/file', (_req, res) => res.sendFile(join(import.meta.dirname, '../../package.json')));
  app.get('/late', (_req, res, next) => {
    res.type('text').write(text);
    setImmediate(() => next(new Error('late')));
  });
  return listening(createServer(app));
}

describe('compression behind the signature', () => {
  for (const path of ['/json', '/send', '/pipe', '/write', '/file']) {
    it(`is part of what is signed: ${path}`, async () => {
      await using service = await application(
        prepare(verifier),
        compression(),
        mutualAuth(verifier),
      );
      const whole = await ask(service.port, { path, headers: gzip });
      assert.equal(field(whole, 'content-encoding'), 'gzip');
      assert.equal(confirm(whole).content, 'in the head');
      const passing = await ask(service.port, { path, headers: { ...gzip, ...seesTrailers } });
      assert.equal(confirm(passing).content, 'in trailers');
      assert.deepEqual(gunzipSync(passing.content), gunzipSync(whole.content));
      assert.ok(gunzipSync(whole.content).length > 1000);
    });
  }

  it('leaves alone what has no content', async () => {
    await using service = await application(prepare(verifier), compression(), mutualAuth(verifier));
    const head = await ask(service.port, { path: '/json', method: 'HEAD', headers: gzip });
    assert.equal(confirm(head).content, 'it has none');
    const empty = await ask(service.port, { path: '/empty', headers: gzip });
    assert.equal(confirm(empty).content, 'it has none');
  });
});

describe('compression in front of the signature', () => {
  for (const path of ['/json', '/send', '/pipe', '/write', '/file']) {
    it(`is told to leave the content alone: ${path}`, async () => {
      await using service = await application(compression(), mutualAuth(verifier));
      const whole = await ask(service.port, { path, headers: gzip });
      assert.equal(field(whole, 'content-encoding'), undefined);
      assert.match(field(whole, 'cache-control')!, /no-transform/);
      assert.equal(confirm(whole).content, 'in the head');
      const passing = await ask(service.port, { path, headers: { ...gzip, ...seesTrailers } });
      const isFile = path === '/file' || path === '/json' || path === '/send';
      assert.equal(confirm(passing).content, isFile ? 'in the head' : 'in trailers');
      assert.deepEqual(passing.content, whole.content);
    });
  }
});

describe('other middleware', () => {
  it('that changes the head behind the signature ends the connection', async () => {
    using events = recordEvents();
    const late: express.RequestHandler = (_req, res, next) => {
      const { writeHead } = res;
      res.writeHead = ((...args: Parameters<typeof writeHead>) => {
        res.setHeader('set-cookie', 'late=1');
        return writeHead.apply(res, args);
      }) as typeof writeHead;
      next();
    };
    await using behind = await application(late, mutualAuth(verifier));
    await assert.rejects(ask(behind.port, { path: '/json' }), { code: 'ECONNRESET' });
    assert.equal(events.proof[0]?.method, 'signedResponses');
    assert.match(String(events.proof[0]?.cause), /put prepare\(verifier\) first/);
    await using before = await application(prepare(verifier), late, mutualAuth(verifier));
    const answered = await ask(before.port, { path: '/json' });
    assert.equal(confirm(answered).content, 'in the head');
    assert.equal(field(answered, 'set-cookie'), 'late=1');
  });

  for (const http2 of [false, true]) {
    it(`that sends past the signature ends the response, over HTTP/${http2 ? 2 : 1}`, async () => {
      using events = recordEvents();
      let past: (() => unknown) | undefined;
      await using service = await signingService(() => past?.(), {
        http2,
        prepared: false,
        middleware(_req, res: import('node:http').ServerResponse, next) {
          const { end, write } = res;
          past = () => {
            if (http2) assert.throws(() => write.call(res, 'unsigned', 'utf8'));
            else end.call(res, 'unsigned', 'utf8');
          };
          next();
        },
      });
      await assert.rejects((http2 ? askHttp2 : ask)(service.port));
      assert.match(String(events.proof[0]?.cause), /sent past the proof/);
    });
  }

  it('that has begun to answer before anything is signed ends the response', async () => {
    using events = recordEvents();
    await using service = await signingService((_req, res) => res.end('secret'), {
      prepared: false,
      middleware(_req, res: import('node:http').ServerResponse, next) {
        res.write('prelude');
        next();
      },
    });
    await assert.rejects(ask(service.port));
    assert.match(String(events.proof[0]?.cause), /the head had left before/);
    assert.equal(events.proof[0]?.method, 'signedResponses');
  });

  it('finds the page of an error signed, and a response that has begun cut off', async () => {
    await using service = await application(prepare(verifier), mutualAuth(verifier));
    const missing = await ask(service.port, { path: '/nowhere' });
    assert.equal(missing.status, 404);
    assert.equal(confirm(missing).content, 'in the head');
    await assert.rejects(ask(service.port, { path: '/late', headers: seesTrailers }));
  });
});

describe('what is answered where no guard has spoken', () => {
  it('is signed as soon as `prepare` has seen the request', async () => {
    await using service = await application(prepare(verifier), express.json());
    const headers = { 'content-type': 'application/json' };
    const refused = await ask(service.port, { method: 'POST', body: '{', headers });
    assert.equal(refused.status, 400);
    assert.equal(confirm(refused).content, 'in the head');
  });
});
