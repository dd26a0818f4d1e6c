// What someone between client and service, with a certificate that the client accepts, makes of responses
// that the service signs. None of it may reach the caller.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { contentDigest } from 'countersign/signature';
import { request as undiciRequest } from 'undici';
import { AuthError, type Client, createClient } from '../../src/client/index.ts';
import { signatureClient } from '../../src/methods/signature/client.ts';
import { authority, site } from '../client/support.ts';
import { signatureKeys } from '../support/signatures.ts';
import {
  type Answer,
  type Signing,
  type SigningServer,
  sendAnswer,
  signingServer,
} from '../support/signing-server.ts';

const { signer, verifier } = signatureKeys('ed25519');
const till = signatureKeys('ed25519');

function clientFor(...origins: readonly string[]): Client {
  return createClient({
    methods: [signatureClient({ keyId: 'till-7', ...till.signer })],
    server: { origins, ca: authority.cert, proof: { keys: [{ keyId: 'api-1', ...verifier }] } },
  });
}

type Send = (client: Client, url: string, method: 'GET' | 'HEAD') => Promise<unknown>;

const doors: Readonly<Record<string, Send>> = {
  fetch: async ({ fetch }, url, method) => (await fetch(url, { method })).text(),
  dispatcher: async ({ dispatcher }, url, method) =>
    (await undiciRequest(url, { dispatcher, method })).body.text(),
};

interface Attack extends Partial<SigningServer> {
  readonly code: string;
  readonly verb?: 'GET' | 'HEAD';
}

/** What is signed, changed in head and trailers alike. */
function parameters(
  change: Partial<Record<string, string | number>>,
): NonNullable<SigningServer['signing']> {
  return (signing) => {
    signing.parameters = Object.fromEntries(
      Object.entries({ ...signing.parameters, ...change }).filter(([, value]) => value !== ''),
    ) as Signing['parameters'];
  };
}

function without(...names: readonly string[]): NonNullable<SigningServer['signing']> {
  return (signing) => {
    const kept = signing.components.filter((one) => !names.includes(one));
    assert.ok(kept.length < signing.components.length, 'it was not covered before');
    signing.components = kept;
  };
}

function forRequest(change: (signing: Signing) => Partial<Signing['request']>) {
  return (signing: Signing): void => {
    signing.request = { ...signing.request, ...change(signing) };
  };
}

function fields(change: Record<string, string>) {
  return ({ headers }: Answer): Partial<Answer> => ({ headers: { ...headers, ...change } });
}

function dropped(...names: readonly string[]) {
  return ({ headers }: Answer): Partial<Answer> => ({
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name))),
  });
}

const now = (): number => Math.floor(Date.now() / 1000);
const unproven = 'ERR_SERVER_UNPROVEN';
const invalid = 'ERR_SIGNATURE_INVALID';
const malformed = 'ERR_SIGNATURE_MALFORMED';
const uncovered = 'ERR_SIGNATURE_COVERAGE';
const mismatch = 'ERR_DIGEST_MISMATCH';
const stale = 'ERR_SIGNATURE_STALE';
const cached = { 'cache-control': 'no-store', location: '/a' };
const answer = (): Partial<Answer> => ({ headers: cached, content: ['hello'] });
const large = (): Partial<Answer> => ({ content: [Buffer.alloc(2_500_000, 'x')] });
const empty = (): Partial<Answer> => ({ content: [] });

const attacks: Readonly<Record<string, Attack>> = {
  'is not signed': { code: unproven, sending: dropped('signature', 'signature-input') },
  'has lost its signature': { code: malformed, sending: dropped('signature') },
  'has lost what its signature covers': { code: malformed, sending: dropped('signature-input') },
  'has a signature with another tag only': {
    code: unproven,
    signing: parameters({ tag: 'somebody-else' }),
  },
  'has a signature without a tag': { code: unproven, signing: parameters({ tag: '' }) },
  'has two signatures with our tag': {
    code: malformed,
    sending: ({ headers }) => ({
      headers: {
        ...headers,
        'signature-input': `${headers['signature-input'] as string}, b=();tag="countersign-response"`,
        signature: `${headers['signature'] as string}, b=:AAAA:`,
      },
    }),
  },
  'is signed by another key': { code: invalid, signer: signatureKeys('ed25519').signer },
  'is signed by the client itself': {
    code: 'ERR_KEY_UNKNOWN',
    signer: till.signer,
    keyId: 'till-7',
  },
  'is signed by a key of no name that is known': { code: 'ERR_KEY_UNKNOWN', keyId: 'api-2' },
  'names no key': { code: 'ERR_KEY_UNKNOWN', signing: parameters({ keyid: '' }) },
  'is signed with the public key as a secret': {
    code: invalid,
    signing: (signing) => void (signing.signer = signatureKeys('hmac-sha256').signer),
  },
  'is for another nonce': {
    code: unproven,
    signing: parameters({ nonce: 'AAAAAAAAAAAAAAAAAAAAAA' }),
  },
  'is for no nonce': { code: unproven, signing: parameters({ nonce: '' }) },
  'is old': { code: stale, signing: parameters({ created: now() - 200 }) },
  'is from the future': { code: stale, signing: parameters({ created: now() + 200 }) },
  'has run out': { code: stale, signing: parameters({ created: now() - 50, expires: now() - 40 }) },
  'does not say when it was signed': { code: malformed, signing: parameters({ created: '' }) },
  'has another status': { code: invalid, sending: () => ({ status: 201 }) },
  'has a status that was not signed': { code: uncovered, signing: without('@status') },
  'has another field': { code: invalid, answer, sending: fields({ location: '/b' }) },
  'lacks a field': { code: malformed, answer, sending: dropped('cache-control') },
  'has a field more': { code: uncovered, answer, sending: fields({ etag: '"1"' }) },
  'sets a cookie more': { code: uncovered, sending: fields({ 'set-cookie': 'a=b' }) },
  'has a field that was not signed': { code: uncovered, answer, signing: without('location') },
  'has another digest': {
    code: invalid,
    sending: fields({ 'content-digest': contentDigest('b') }),
  },
  'has no digest': { code: malformed, sending: dropped('content-digest') },
  'has a digest that was not signed': { code: uncovered, signing: without('content-digest') },
  'has other content': { code: mismatch, sending: () => ({ content: ['hullo'] }) },
  'has content more': { code: mismatch, sending: () => ({ content: ['hello', '!'] }) },
  'has content less': { code: mismatch, sending: () => ({ content: ['hell'] }) },
  'has no content any more': { code: mismatch, sending: () => ({ content: [] }) },
  'is encoded otherwise': { code: uncovered, sending: fields({ 'content-encoding': 'gzip' }) },
  'is signed in its trailers only': {
    code: unproven,
    streams: true,
    sending: dropped('signature', 'signature-input'),
  },

  'is for another method': { code: invalid, signing: forRequest(() => ({ method: 'POST' })) },
  'is for another path': {
    code: invalid,
    signing: forRequest(({ request }) => ({ url: request.url.replace('/a/b', '/a/c') })),
  },
  'is for another query': {
    code: invalid,
    signing: forRequest(({ request }) => ({ url: request.url.replace('=d', '=e') })),
  },
  'is for another host': {
    code: invalid,
    signing: forRequest(({ request }) => ({ url: request.url.replace('localhost', 'other') })),
  },
  'is bound to no method': { code: uncovered, signing: without('@method;req') },
  'is bound to no host': { code: uncovered, signing: without('@authority;req') },
  'is bound to no path': { code: uncovered, signing: without('@path;req') },
  'is bound to no query': { code: uncovered, signing: without('@query;req') },
  'is bound to no signature': {
    code: uncovered,
    signing: without('signature-input;req;key="cs-request"'),
  },
  'is for a request that was signed anew': {
    code: invalid,
    signing: forRequest(({ request: { headers } }) => {
      const own = headers as Record<string, string[]>;
      const resigned = own['signature-input']!.map((line) => line.replace('till-7', 'till-8'));
      return { headers: { ...own, 'signature-input': resigned } };
    }),
  },

  'is 204 and was 200': { code: invalid, sending: () => ({ status: 204, content: [] }) },
  'is 304 and was 200': { code: invalid, sending: () => ({ status: 304, content: [] }) },
  'is 200 and was 204': {
    code: invalid,
    answer: () => ({ status: 204, content: [] }),
    sending: () => ({ status: 200, content: ['hello'] }),
  },
  'answers HEAD and was for GET': {
    code: invalid,
    verb: 'HEAD',
    signing: forRequest(() => ({ method: 'GET' })),
  },
  'answers HEAD without a signature': {
    code: unproven,
    verb: 'HEAD',
    answer: empty,
    sending: dropped('signature', 'signature-input'),
  },
  'redirects without a signature': {
    code: unproven,
    answer: () => ({ status: 302, headers: { location: '/c' }, content: [] }),
    sending: dropped('signature', 'signature-input'),
  },
  'redirects to where nobody signed': {
    code: invalid,
    answer: () => ({ status: 302, headers: { location: '/c' }, content: [] }),
    sending: fields({ location: '/d' }),
  },
};
// A small stream is held back like all that is small; a large one ends in an error.
for (const [size, content] of Object.entries({ small: answer, large })) {
  const trailing = (how: Partial<Attack> & { code: string }): Attack => ({
    streams: true,
    answer: content,
    ...how,
  });
  Object.assign(attacks, {
    [`is a ${size} stream without trailers`]: trailing({
      code: unproven,
      send: (res, signed) => sendAnswer(res, signed, {}),
    }),
    [`is a ${size} stream with an unsigned digest`]: trailing({
      code: unproven,
      sending: (_signed, trailers) => {
        delete trailers['signature'];
        delete trailers['signature-input'];
      },
    }),
    [`is a ${size} stream with other content`]: trailing({
      code: mismatch,
      sending: (signed) => ({ content: [...signed.content, '!'] }),
    }),
    [`is a ${size} stream with another digest`]: trailing({
      code: invalid,
      sending: (_signed, trailers) => {
        trailers['content-digest'] = contentDigest('other');
      },
    }),
    [`is a ${size} stream whose digest is not covered`]: trailing({
      code: uncovered,
      signing: (signing, section) => {
        if (section === 'trailers') without('content-digest;tr')(signing, section);
      },
    }),
    [`is a ${size} stream whose trailers are for another nonce`]: trailing({
      code: unproven,
      signing: (signing, section) => {
        if (section === 'trailers') parameters({ nonce: 'AAAAAAAAAAAAAAAA' })(signing, section);
      },
    }),
    [`is a ${size} stream whose trailers are bound to no path`]: trailing({
      code: uncovered,
      signing: (signing, section) => {
        if (section === 'trailers') without('@path;req')(signing, section);
      },
    }),
    [`is a ${size} stream whose trailers do not say the status`]: trailing({
      code: uncovered,
      signing: (signing, section) => {
        if (section === 'trailers') without('@status')(signing, section);
      },
    }),
    // Two answers to one question, and the head of one before the content of the other.
    [`is a ${size} stream whose trailers are those of another head`]: trailing({
      code: uncovered,
      answer: () => ({ ...content(), headers: { ...content().headers, etag: '"a"' } }),
      signing: (signing, section) => {
        if (section === 'trailers') without('etag')(signing, section);
      },
    }),
    [`is a ${size} stream whose trailers are signed by another key`]: trailing({
      code: invalid,
      signing: (signing, section) => {
        if (section === 'trailers') signing.signer = till.signer;
      },
    }),
    [`is a ${size} response with other content`]: {
      code: mismatch,
      answer: content,
      sending: (signed: Answer) => ({ content: [...signed.content, '!'] }),
    },
  });
}

for (const [door, send] of Object.entries(doors)) {
  describe(`S12: by ${door}, a response that`, () => {
    for (const [what, { code, verb = 'GET', ...how }] of Object.entries(attacks)) {
      it(what, async () => {
        await using there = await site({}, {}, signingServer({ signer, ...how }));
        const client = clientFor(there.origin);
        await assert.rejects(send(client, `${there.origin}/a/b?c=d`, verb), (error: unknown) => {
          const own = error instanceof AuthError ? error : ((error as Error).cause as AuthError);
          assert.deepEqual([own.code, own.status], [code, 502], String(own));
          assert.doesNotMatch(own.message, /[A-Za-z0-9+/]{43}/);
          return true;
        });
        assert.equal(there.requests.length, 1);
        await client.close();
      });
    }
  });
}

describe('S13: a response that was signed before', () => {
  for (const [door, send] of Object.entries(doors)) {
    it(`is replayed to the same request, by ${door}`, async () => {
      let first: Answer | undefined;
      const sending = (signed: Answer): Answer => (first ??= signed);
      await using there = await site({}, {}, signingServer({ signer, sending }));
      const client = clientFor(there.origin);
      await send(client, there.origin, 'GET');
      await assert.rejects(send(client, there.origin, 'GET'), { name: 'AuthError' });
      await client.close();
    });
  }
});

describe('a redirect that was signed', () => {
  const redirect = (location: string) => ({
    signer,
    answer: (req: IncomingMessage) =>
      req.url === '/old' ? { status: 302, headers: { location }, content: [] } : answer(),
  });

  it('is followed, and what it leads to is another request', async () => {
    const nonces: unknown[] = [];
    const listener = signingServer(redirect('/new'));
    await using there = await site({}, {}, (req, res) => {
      nonces.push(req.headers['accept-signature']);
      listener(req, res);
    });
    const client = clientFor(there.origin);
    assert.equal(await (await client.fetch(`${there.origin}/old`)).text(), 'hello');
    assert.deepEqual(there.requests, ['GET /old', 'GET /new']);
    assert.equal(new Set(nonces).size, 2);
    await client.close();
  });

  it('is not followed to another origin', async () => {
    await using thief = await site();
    await using there = await site({}, {}, signingServer(redirect(`${thief.origin}/take`)));
    const client = clientFor(there.origin);
    await assert.rejects(client.fetch(`${there.origin}/old`), { code: 'ERR_ORIGIN_NOT_LISTED' });
    assert.equal(thief.connections(), 0);
    await client.close();
  });

  it('is followed to a page that is not signed, and that is not shown', async () => {
    const { answer: redirecting } = redirect('/new');
    const how: SigningServer = { signer, answer: redirecting };
    await using there = await site({}, {}, (req, res) => {
      if (req.url === '/old') signingServer(how)(req, res);
      else res.end('hello');
    });
    const client = clientFor(there.origin);
    await assert.rejects(client.fetch(`${there.origin}/old`), { code: unproven });
    await client.close();
  });
});
