import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { request as undiciRequest } from 'undici';
import {
  type Client,
  type ClientMethod,
  createClient,
  mtlsClient,
} from '../../src/client/index.ts';
import { signatureClient } from '../../src/methods/signature/client.ts';
import { signatureKeys } from '../support/signatures.ts';
import { type SigningServer, signingServer } from '../support/signing-server.ts';
import { authority, credentials, site } from './support.ts';

const server = signatureKeys('ed25519');
const client = signatureKeys('ed25519');
const keys = [{ keyId: 'api-1', ...server.verifier }];
const large = Buffer.alloc(3_000_000, 'x');

const methods: Readonly<Record<string, readonly ClientMethod[]>> = {
  mtls: [mtlsClient({ cert: credentials.cert, key: credentials.key })],
  signature: [signatureClient({ keyId: 'till-7', ...client.signer })],
};

function clientFor(origin: string, method = 'signature'): Client {
  const expected = { origins: [origin], ca: authority.cert, proof: { keys } };
  return createClient({ methods: methods[method]!, server: expected });
}

interface Got {
  readonly status: number;
  readonly text: string;
}

type Send = (client: Client, url: string, method?: string) => Promise<Got>;

const doors: Readonly<Record<string, Send>> = {
  async fetch({ fetch }, url, method = 'GET') {
    const response = await fetch(url, { method });
    return { status: response.status, text: await response.text() };
  },
  async dispatcher({ dispatcher }, url, method = 'GET') {
    const answer = await undiciRequest(url, { dispatcher, method: method as 'GET' });
    return { status: answer.statusCode, text: await answer.body.text() };
  },
};

const honest: Readonly<Record<string, Partial<SigningServer> & { method?: string }>> = {
  'a small response': {},
  'an empty response': { answer: () => ({ content: [] }) },
  'a response in trailers': { streams: true },
  'a large response': { answer: () => ({ content: [large] }) },
  'a large response in trailers': { streams: true, answer: () => ({ content: [large, large] }) },
  'a refusal': {
    answer: () => ({ status: 403, headers: { 'content-type': 'text/plain' }, content: ['no'] }),
  },
  'no content': { answer: () => ({ status: 204, content: [] }) },
  'not modified': { answer: () => ({ status: 304, headers: { etag: '"1"' }, content: [] }) },
  'an answer to HEAD': { method: 'HEAD', answer: () => ({ content: [] }) },
  cookies: { answer: () => ({ headers: { 'set-cookie': ['a=1', 'b=2'] }, content: ['c'] }) },
};

for (const [door, send] of Object.entries(doors)) {
  for (const method of Object.keys(methods)) {
    describe(`a signed response, by ${door} and ${method}`, () => {
      for (const [what, { method: verb, ...how }] of Object.entries(honest)) {
        it(`is ${what}`, async () => {
          const listener = signingServer({ ...server, ...how });
          await using there = await site({}, {}, listener);
          const own = clientFor(there.origin, method);
          const { text } = await send(own, `${there.origin}/a/b?c=d`, verb);
          const content = how.answer?.(undefined!, undefined!).content ?? ['hello'];
          assert.equal(text, Buffer.concat(content.map((chunk) => Buffer.from(chunk))).toString());
          await own.close();
        });
      }
    });
  }
}
