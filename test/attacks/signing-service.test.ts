// S12, S13: somebody stands between the client and a service that signs its responses, ends TLS, and may hold
// back, change and replay whatever passes. Nothing of it must pass for the service's answer to this request.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { contentDigest } from 'countersign/signature';
import { signedResponses } from '../../src/methods/signature/proof.ts';
import {
  type Answered,
  type Asked,
  acceptSignature,
  ask,
  confirm,
  field,
  seesTrailers,
} from '../support/confirming.ts';
import { signingService, signingVerifier } from '../support/signing-service.ts';

function pay(_req: unknown, res: ServerResponse): void {
  res.writeHead(200, {
    'content-type': 'text/plain',
    location: '/receipt/7',
    'set-cookie': ['a=1', 'b=2'],
    etag: '"7"',
  });
  res.end('paid 5');
}

function stream(_req: unknown, res: ServerResponse): void {
  res.setHeader('content-type', 'text/plain');
  res.write('paid ');
  res.end(String(5));
}

async function genuine(asked: Asked = {}, handler = pay): Promise<Answered> {
  await using service = await signingService(handler);
  const answered = await ask(service.port, asked);
  confirm(answered);
  return answered;
}

/** The same, with this field instead. */
function withField(answered: Answered, name: string, value: string | undefined): Answered {
  const others = answered.headers.filter(([given]) => given !== name);
  const headers = value === undefined ? others : [...others, [name, value] as const];
  return { ...answered, headers };
}

const changes: Readonly<Record<string, (answered: Answered) => Answered>> = {
  'the signature is stripped': (answered) =>
    withField(withField(answered, 'signature', undefined), 'signature-input', undefined),
  'the status is another': (answered) => ({ ...answered, status: 201 }),
  'the redirection leads elsewhere': (answered) =>
    withField(answered, 'location', 'https://evil.example/'),
  'the type of the content is another': (answered) =>
    withField(answered, 'content-type', 'text/html'),
  'the cookies are others': (answered) => withField(answered, 'set-cookie', 'a=1, b=2'),
  'caches are told to keep it': (answered) =>
    withField(answered, 'cache-control', 'public, max-age=600'),
  'a field that counts is new': (answered) =>
    withField(answered, 'access-control-allow-origin', '*'),
  'a field that counts is gone': (answered) => withField(answered, 'etag', undefined),
  'the content is another': (answered) => ({ ...answered, content: Buffer.from('paid 6') }),
  'the content is cut short': (answered) => ({ ...answered, content: Buffer.from('paid') }),
  'the content and its digest are others': (answered) => ({
    ...withField(answered, 'content-digest', contentDigest('paid 6')),
    content: Buffer.from('paid 6'),
  }),
  'the digest is gone': (answered) => withField(answered, 'content-digest', undefined),
  'it is of another nonce': (answered) => ({
    ...answered,
    request: { ...answered.request, headers: { 'accept-signature': acceptSignature() } },
  }),
  'it answers another path': ({ request, ...answered }) => ({
    ...answered,
    request: { ...request, url: `${request.url}other` },
  }),
  'it answers another query': ({ request, ...answered }) => ({
    ...answered,
    request: { ...request, url: `${request.url}?other` },
  }),
  'it answers another method': ({ request, ...answered }) => ({
    ...answered,
    request: { ...request, method: 'DELETE' },
  }),
  'it answers for another service': ({ request, ...answered }) => ({
    ...answered,
    request: { ...request, url: 'http://other.example/' },
  }),
  'it answers somebody else': ({ request, ...answered }) => ({
    ...answered,
    request: { ...request, headers: { ...request.headers, authorization: 'Bearer other' } },
  }),
};

describe('S12: a signed response', () => {
  for (const [what, change] of Object.entries(changes)) {
    it(`is not confirmed where ${what}`, async () => {
      const answered = await genuine();
      assert.throws(() => confirm(change(answered)));
    });
  }

  it('is bound to the content that the request said it has', async () => {
    const digest = contentDigest('{"amount":5}');
    const headers = { 'content-type': 'application/json', 'content-digest': digest };
    const asked = { method: 'POST', headers, body: '{"amount":5}' };
    const { request, ...answered } = await genuine(asked);
    for (const [name, value] of [
      ['content-digest', contentDigest('{"amount":500}')],
      ['content-type', 'application/xml'],
    ] as const) {
      const changed = { ...request, headers: { ...request.headers, [name]: value } };
      assert.throws(() => confirm({ ...answered, request: changed }));
    }
  });

  it('is not confirmed where another key has signed it', async () => {
    const { privateKey: key } = generateKeyPairSync('ed25519');
    const verifier = signingVerifier(signedResponses({ keyId: 'api-2026', key }));
    await using service = await signingService(pay, { verifier });
    const answered = await ask(service.port);
    assert.throws(() => confirm(answered), { code: 'ERR_SIGNATURE_INVALID' });
  });

  it('is not confirmed where a refusal or 304 stands in for another', async () => {
    const refused = await genuine({ headers: { 'x-refuse': '1' } });
    assert.throws(() => confirm({ ...refused, status: 200 }));
    const unchanged = await genuine({}, (_req, res) => res.writeHead(304, { etag: '"7"' }).end());
    assert.throws(() => confirm({ ...unchanged, status: 200, content: Buffer.from('x') }));
    assert.throws(() => confirm({ ...unchanged, content: Buffer.from('x') }));
    assert.throws(() => confirm(withField(unchanged, 'etag', '"8"')));
    const head = await genuine({ method: 'HEAD' });
    const request = { ...head.request, method: 'GET' };
    assert.throws(() => confirm({ ...head, request }));
  });
});

describe('S12: a stream whose proof is in its trailers', () => {
  it('is not confirmed where content or trailers are others, or gone', async () => {
    const answered = await genuine({ headers: seesTrailers }, stream);
    assert.equal(confirm(answered).content, 'in trailers');
    assert.throws(() => confirm({ ...answered, content: Buffer.from('paid 6') }));
    assert.throws(() => confirm({ ...answered, content: Buffer.from('paid ') }));
    const forged = contentDigest('paid 6');
    const trailers = answered.trailers.map(([name, value]) =>
      name === 'content-digest' ? ([name, forged] as const) : ([name, value] as const),
    );
    assert.throws(() => confirm({ ...answered, trailers, content: Buffer.from('paid 6') }));
    // What is left is a head alone, and says so: no client takes the content for proven.
    assert.equal(confirm({ ...answered, trailers: [] }).content, 'not at all');
  });

  it('is not put together from the head of one response and the trailers of another', async () => {
    let count = 0;
    await using service = await signingService((_req, res) => {
      res.setHeader('content-type', count++ === 0 ? 'text/plain' : 'text/html');
      res.write('paid ');
      res.end(String(count));
    });
    // The same request, sent twice.
    const headers = { ...seesTrailers, 'accept-signature': acceptSignature() };
    const first = await ask(service.port, { headers });
    const second = await ask(service.port, { headers });
    assert.equal(confirm(first).content, 'in trailers');
    const { content, trailers } = second;
    assert.throws(() => confirm({ ...first, content, trailers }));
  });
});

describe('S13: a response that was kept', () => {
  it('answers no later request', async () => {
    const kept = await genuine();
    const later = { ...kept.request.headers, 'accept-signature': acceptSignature() };
    assert.throws(() => confirm({ ...kept, request: { ...kept.request, headers: later } }));
  });

  it('is kept by no cache, or by one that knows what it depends on', async () => {
    assert.equal(field(await genuine(), 'cache-control'), 'no-store');
    const cached = await genuine({}, (_req, res) =>
      res.writeHead(200, { 'cache-control': 'max-age=60', vary: 'origin' }).end('x'),
    );
    assert.equal(field(cached, 'cache-control'), 'max-age=60');
    assert.equal(field(cached, 'vary'), 'origin, accept-signature');
    const anyway = await genuine({}, (_req, res) =>
      res.writeHead(200, { 'cache-control': 'no-cache, no-store' }).end('x'),
    );
    assert.equal(field(anyway, 'vary'), undefined);
  });
});
