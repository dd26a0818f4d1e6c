import assert from 'node:assert/strict';
import { createSecretKey, randomBytes, sign } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { type Verifier, createVerifier } from 'countersign';
import { guard } from 'countersign/node';
import { checkDigest, contentDigest, signature, verifyMessage } from 'countersign/signature';
import { FormData as UndiciFormData, request as undiciRequest } from 'undici';
import { type Client, createClient } from '../../src/client/index.ts';
import {
  type SignatureClientOptions,
  signatureClient,
} from '../../src/methods/signature/client.ts';
import { configError } from '../support/errors.ts';
import { everyAlgorithm, signatureKeys } from '../support/signatures.ts';
import { signingServer } from '../support/signing-server.ts';
import { authority, site } from './support.ts';

const server = signatureKeys('ed25519');
const till = signatureKeys('ed25519');

function clientWith(origin: string, options: Partial<SignatureClientOptions> = {}): Client {
  const signing = { keyId: 'till-7', ...till.signer, ...options } as SignatureClientOptions;
  return createClient({
    methods: [signatureClient(signing)],
    server: {
      origins: [origin],
      ca: authority.cert,
      proof: { keys: [{ keyId: 'api-1', ...server.verifier }] },
    },
  });
}

interface Arrived {
  readonly req: IncomingMessage;
  readonly content: Buffer;
}

/** A site that keeps the requests that arrive. */
function keeping(arrived: Arrived[]) {
  const signer = server.signer;
  return site(
    {},
    {},
    signingServer({
      signer,
      answer: (req, content) => {
        arrived.push({ req, content });
        return { content: [content] };
      },
    }),
  );
}

function verified({ req }: Arrived, key = till.verifier) {
  const message = {
    method: req.method!,
    url: `https://${req.headers.host}${req.url}`,
    headers: req.headersDistinct as Record<string, string[]>,
  };
  const required = ['@method', '@authority', '@path', '@query'];
  return verifyMessage(message, { key, required, tag: 'countersign-request' });
}

describe('signatureClient', () => {
  for (const algorithm of everyAlgorithm) {
    it(`signs with ${algorithm}`, async () => {
      const arrived: Arrived[] = [];
      await using there = await keeping(arrived);
      const { signer, verifier } = signatureKeys(algorithm);
      const client = clientWith(there.origin, signer);
      await (await client.fetch(`${there.origin}/a?b=c`)).text();
      const { label, parameters } = verified(arrived[0]!, verifier);
      assert.equal(label, 'cs-request');
      assert.equal(parameters.keyid, 'till-7');
      assert.equal(Buffer.from(parameters.nonce!, 'base64url').length, 16);
      assert.ok(Math.abs(parameters.created! - Date.now() / 1000) < 5);
      await client.close();
    });
  }

  it('has a key elsewhere sign', async () => {
    const arrived: Arrived[] = [];
    await using there = await keeping(arrived);
    const { signer, verifier } = signatureKeys('ecdsa-p256-sha256');
    const client = createClient({
      methods: [
        signatureClient({
          keyId: 'till-7',
          algorithm: 'ecdsa-p256-sha256',
          sign: async (base) =>
            sign('sha256', base, { key: signer.key, dsaEncoding: 'ieee-p1363' }),
        }),
      ],
      server: {
        origins: [there.origin],
        ca: authority.cert,
        proof: { keys: [{ keyId: 'api-1', ...server.verifier }] },
      },
    });
    await (await client.fetch(there.origin)).text();
    verified(arrived[0]!, verifier);
    await client.close();
  });

  it('sends nothing where the key elsewhere does not sign', async () => {
    await using there = await site();
    const failing = signatureClient({
      keyId: 'till-7',
      algorithm: 'ed25519',
      sign: async () => {
        throw new Error('the HSM is out');
      },
    });
    const client = createClient({
      methods: [failing],
      server: {
        origins: [there.origin],
        ca: authority.cert,
        proof: { keys: [{ keyId: 'api-1', ...server.verifier }] },
      },
    });
    await assert.rejects(client.fetch(there.origin));
    assert.equal(there.connections(), 0);
    await client.close();
  });

  it('uses a nonce for one request only', async () => {
    const arrived: Arrived[] = [];
    await using there = await keeping(arrived);
    const client = clientWith(there.origin);
    for (let i = 0; i < 3; i++) await (await client.fetch(there.origin)).text();
    assert.equal(new Set(arrived.map((one) => verified(one).parameters.nonce)).size, 3);
    assert.equal(new Set(arrived.map(({ req }) => req.headers['accept-signature'])).size, 3);
    await client.close();
  });

  it('covers the fields that change what a request means', async () => {
    const arrived: Arrived[] = [];
    await using there = await keeping(arrived);
    const client = clientWith(there.origin);
    const headers = {
      authorization: 'Bearer x',
      'idempotency-key': '"1"',
      'if-none-match': '"2"',
      'x-http-method-override': 'DELETE',
      'x-other': '1',
    };
    await (await client.fetch(there.origin, { method: 'POST', headers, body: '{}' })).text();
    const { components } = verified(arrived[0]!);
    for (const name of Object.keys(headers)) {
      assert.equal(components.includes(name), name !== 'x-other', name);
    }
    for (const name of ['content-digest', 'content-type']) assert.ok(components.includes(name));
    await client.close();
  });

  it('asks for a signed response, and for trailers', async () => {
    const arrived: Arrived[] = [];
    await using there = await keeping(arrived);
    const client = clientWith(there.origin);
    await (await client.fetch(there.origin)).text();
    const { headers } = arrived[0]!.req;
    assert.match(
      headers['accept-signature'] as string,
      /^cs=\(\);created;nonce="[\w-]{22}";tag="countersign-response"$/,
    );
    assert.equal(headers['te'], 'trailers');
    assert.equal(headers['want-content-digest'], 'sha-256=10');
    await client.close();
  });
});

describe('a signed request, at the server half', () => {
  for (const algorithm of everyAlgorithm) {
    it(`is accepted once, with ${algorithm}`, async () => {
      const keys = signatureKeys(algorithm);
      const honest = signingServer({ signer: server.signer });
      const decisions: string[] = [];
      let verifier: Verifier | undefined;
      await using there = await site({}, {}, (req, res) => {
        verifier ??= createVerifier({
          methods: [signature({ keys: [{ keyId: 'till-7', ...keys.verifier }] })],
          policy: { require: 'signature' },
          authorities: [there.origin],
        });
        void guard(verifier, req, res).then((decision) => {
          decisions.push(
            decision.outcome === 'accepted'
              ? decision.identity!.subject
              : String((decision as { error?: Error }).error),
          );
          honest(req, res);
        });
      });
      const client = clientWith(there.origin, keys.signer);
      for (const init of [{}, { method: 'POST', body: '{"amount":5}' }, { method: 'DELETE' }]) {
        await (await client.fetch(`${there.origin}/pay?to=8&x=a%20b`, init)).text();
      }
      assert.deepEqual(decisions, ['key:till-7', 'key:till-7', 'key:till-7']);
      await client.close();
    });
  }
});

const form = new FormData();
form.set('amount', '5');
const theirs = new UndiciFormData();
theirs.set('amount', '5');
const bytes = new TextEncoder().encode('ten pounds');
const longer = Buffer.alloc(2_000_000, 'y');

const contents: Readonly<Record<string, readonly [body: () => unknown, text?: string | RegExp]>> = {
  'a string': [() => 'ten pounds \u20ac', 'ten pounds \u20ac'],
  'an empty string': [() => '', ''],
  bytes: [() => bytes, 'ten pounds'],
  'a Buffer': [() => Buffer.from('ten pounds'), 'ten pounds'],
  'a form': [() => form, /name="amount"/],
  'a Blob': [() => new Blob(['ten ', 'pounds'], { type: 'text/plain' }), 'ten pounds'],
  'a long Buffer': [() => longer, longer.toString()],
};

describe('the content of a signed request', () => {
  for (const [what, [body, text]] of Object.entries({
    ...contents,
    'an ArrayBuffer': [() => bytes.buffer, 'ten pounds'],
    URLSearchParams: [() => new URLSearchParams({ to: 'bob' }), 'to=bob'],
    'a stream': [() => new Blob(['ten pounds']).stream(), 'ten pounds'],
  } as typeof contents)) {
    it(`is ${what}, by fetch`, async () => {
      const arrived: Arrived[] = [];
      await using there = await keeping(arrived);
      const client = clientWith(there.origin);
      const init = { method: 'POST', body: body(), duplex: 'half' } as RequestInit;
      await (await client.fetch(there.origin, init)).text();
      checkArrived(arrived[0]!, text!);
      await client.close();
    });
  }

  for (const [what, [body, text]] of Object.entries({
    ...contents,
    "undici's form": [() => theirs, /name="amount"/],
    'a Readable': [() => Readable.from(['ten ', Buffer.from('pounds')]), 'ten pounds'],
    'a list of chunks': [() => [Buffer.from('ten '), 'pounds'], 'ten pounds'],
  } as typeof contents)) {
    it(`is ${what}, by the dispatcher`, async () => {
      const arrived: Arrived[] = [];
      await using there = await keeping(arrived);
      const client = clientWith(there.origin);
      const { dispatcher } = client;
      const options = { dispatcher, method: 'POST' as const, body: body() as string };
      await (await undiciRequest(there.origin, options)).body.dump();
      checkArrived(arrived[0]!, text!);
      await client.close();
    });
  }

  it('is sent as it comes where its digest is given', async () => {
    const arrived: Arrived[] = [];
    await using there = await keeping(arrived);
    const client = clientWith(there.origin);
    const { dispatcher } = client;
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(100_000, 'y'));
    const headers = { 'content-digest': contentDigest(Buffer.concat(chunks)) };
    const body = Readable.from(chunks);
    await (
      await undiciRequest(there.origin, { dispatcher, method: 'POST', body, headers })
    ).body.dump();
    assert.equal(arrived[0]!.req.headers['transfer-encoding'], 'chunked');
    checkArrived(arrived[0]!, longer.toString());
    await client.close();
  });

  it('is no long stream of unknown length', async () => {
    await using there = await site();
    const client = clientWith(there.origin);
    const { dispatcher } = client;
    const body = Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(100_000)));
    await assert.rejects(
      undiciRequest(there.origin, { dispatcher, method: 'POST', body }),
      configError('content-digest', /give this field/),
    );
    assert.equal(there.connections(), 0);
    await client.close();
  });

  it('that fails sends nothing', async () => {
    await using there = await site();
    const client = clientWith(there.origin);
    const { dispatcher } = client;
    const body = new Readable({ read: () => body.destroy(new Error('the disk is gone')) });
    await assert.rejects(undiciRequest(there.origin, { dispatcher, method: 'POST', body }), {
      message: 'the disk is gone',
    });
    assert.equal(there.connections(), 0);
    await client.close();
  });
});

function checkArrived(arrived: Arrived, text: string | RegExp): void {
  const { components } = verified(arrived);
  const content = arrived.content.toString();
  if (typeof text === 'string') assert.equal(content, text);
  else assert.match(content, text);
  assert.equal(components.includes('content-digest'), content !== '');
  if (content === '') return;
  checkDigest(arrived.req.headers['content-digest'] as string, arrived.content);
  const type = arrived.req.headers['content-type'];
  assert.equal(components.includes('content-type'), type !== undefined);
}

const pem = till.signer.key.export({ type: 'pkcs8', format: 'pem' });
const rsa = signatureKeys('rsa-pss-sha512').signer.key;
const refused: Readonly<Record<string, readonly [options: object, path: string]>> = {
  'no key': [{ keyId: 'a' }, 'signatureClient'],
  'a key and a signer': [
    { keyId: 'a', key: pem, algorithm: 'ed25519', sign: () => bytes },
    'signatureClient',
  ],
  'no keyId': [{ key: pem }, 'signatureClient.keyId'],
  'an empty keyId': [{ keyId: '', key: pem }, 'signatureClient.keyId'],
  'a keyId of two lines': [{ keyId: 'a\nb', key: pem }, 'signatureClient.keyId'],
  'a public key': [{ keyId: 'a', key: till.verifier.key }, 'signatureClient.key'],
  'a key for another algorithm': [
    { keyId: 'a', key: pem, algorithm: 'hmac-sha256' },
    'signatureClient.key',
  ],
  'RSA without its algorithm': [{ keyId: 'a', key: rsa }, 'signatureClient.algorithm'],
  'a short secret': [{ keyId: 'a', key: randomBytes(16) }, 'signatureClient.key'],
  'a text that is no key': [{ keyId: 'a', key: 'secret' }, 'signatureClient.key'],
  'a signer without its algorithm': [
    { keyId: 'a', sign: () => bytes },
    'signatureClient.algorithm',
  ],
  'a signer that is none': [
    { keyId: 'a', sign: 'kms', algorithm: 'ed25519' },
    'signatureClient.sign',
  ],
  'an unknown option': [{ keyId: 'a', key: pem, keyid: 'b' }, 'signatureClient.keyid'],
};

describe('the options of signatureClient', () => {
  for (const [what, [options, path]] of Object.entries(refused)) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => signatureClient(options as SignatureClientOptions),
        (error: unknown) => configError(path)(error) && !String(error).includes('secret"'),
      );
    });
  }

  for (const [what, key] of Object.entries({
    PEM: pem as string,
    'a KeyObject': till.signer.key,
    'the bytes of a secret': randomBytes(32),
    'a secret': createSecretKey(randomBytes(32)),
  })) {
    it(`take ${what}`, () => assert.equal(signatureClient({ keyId: 'a', key }).name, 'signature'));
  }

  it('need a server that proves itself', () => {
    const methods = [signatureClient({ keyId: 'till-7', ...till.signer })];
    assert.throws(
      () => createClient({ methods, server: { origins: ['https://a.example'], ca: 'system' } }),
      configError('methods[0]', /server\.proof: \{ keys/),
    );
  });
});
