// Mutual API keys, both halves of this package: what the service signs, the client confirms.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createVerifier } from 'countersign';
import { mutualAuth } from 'countersign/express';
import { signature, signedResponses } from 'countersign/signature';
import express from 'express';
import { type Client, createClient } from '../../src/client/index.ts';
import { signatureClient } from '../../src/methods/signature/client.ts';
import { type SignatureKeys, signatureKeys } from '../support/signatures.ts';
import { authority, site } from './support.ts';

const service = signatureKeys('ed25519');
const till = signatureKeys('hmac-sha256');

async function bank() {
  const app = express();
  const there = await site({}, {}, app);
  const verifier = createVerifier({
    methods: [signature({ keys: [{ keyId: 'till-7', ...till.verifier }] })],
    policy: { require: 'signature' },
    authorities: [there.origin],
    proof: signedResponses({ keyId: 'api-1', key: service.signer.key }),
  });
  app.use(mutualAuth(verifier));
  app.get('/json', (_req, res) => void res.json({ amount: 5 }));
  app.get('/stream', (_req, res) => {
    Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(50_000, 'x'))).pipe(res);
  });
  app.get('/small-stream', (_req, res) => void Readable.from(['a', 'b', 'c']).pipe(res));
  app.get('/nothing', (_req, res) => void res.status(204).end());
  app.get('/old', (_req, res) => res.redirect('/json?new'));
  app.post('/echo', (req, res) => void text(req).then((content) => res.type('text').send(content)));
  return there;
}

function clientOf(origin: string, { signer }: SignatureKeys = till, keyId = 'till-7'): Client {
  return createClient({
    methods: [signatureClient({ keyId, ...signer })],
    server: {
      origins: [origin],
      ca: authority.cert,
      proof: { keys: [{ keyId: 'api-1', ...service.verifier }] },
    },
  });
}

describe('a service and its client', () => {
  for (const [path, method, status, length] of [
    ['/json', 'GET', 200, 12],
    ['/json?a=b%20c&d', 'GET', 200, 12],
    ['/json', 'HEAD', 200, 0],
    ['/stream', 'GET', 200, 2_500_000],
    ['/small-stream', 'GET', 200, 3],
    ['/nothing', 'GET', 204, 0],
    ['/old', 'GET', 200, 12],
    ['/none', 'GET', 404, undefined],
  ] as const) {
    it(`agree on ${method} ${path}`, async () => {
      await using there = await bank();
      const client = clientOf(there.origin);
      const answer = await client.fetch(there.origin + path, { method });
      assert.equal(answer.status, status);
      const content = await answer.text();
      if (length !== undefined) assert.equal(content.length, length);
      assert.equal(client.identityOf(answer).evidence['proof']?.subject, 'key:api-1');
      await client.close();
    });
  }

  it('agree on content that is sent, also as a stream', async () => {
    await using there = await bank();
    const client = clientOf(there.origin);
    const url = `${there.origin}/echo`;
    for (const body of ['{"amount":5}', new Blob(['{"amount":5}']).stream()]) {
      const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
      assert.equal(await (await client.fetch(url, init)).text(), '{"amount":5}');
    }
    await client.close();
  });

  for (const [what, keys, keyId] of [
    ['a wrong key', signatureKeys('hmac-sha256'), 'till-7'],
    ['a key that nobody knows', till, 'till-8'],
  ] as const) {
    it(`agree that ${what} is refused`, async () => {
      await using there = await bank();
      const client = clientOf(there.origin, keys, keyId);
      const answer = await client.fetch(`${there.origin}/json`);
      assert.equal(answer.status, 401);
      assert.equal(client.identityOf(answer).evidence['proof']?.subject, 'key:api-1');
      await client.close();
    });
  }
});
