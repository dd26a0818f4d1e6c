import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { contentDigest, signMessage } from 'countersign/signature';
import { ConfigError } from '../../../src/index.ts';
import {
  type ResponseKeyLookup,
  type ResponseKeyOptions,
  signedResponses,
} from '../../../src/methods/signature/index.ts';
import { type Asked, acceptSignature, ask, authority, confirm } from '../../support/confirming.ts';
import { recordEvents } from '../../support/events.ts';
import { signingService, signingVerifier } from '../../support/signing-service.ts';
import { everyAlgorithm, signatureKeys } from '../../support/signatures.ts';

const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
const secret = createSecretKey(randomBytes(32));

async function answer(keys: ResponseKeyOptions | ResponseKeyLookup, asked: Asked = {}) {
  const verifier = signingVerifier(signedResponses(keys));
  await using service = await signingService((_req, res) => res.end('hello'), { verifier });
  return await ask(service.port, asked);
}

describe('the key of signedResponses', () => {
  for (const algorithm of everyAlgorithm.filter((one) => !/hmac|rsa/.test(one))) {
    it(`says its algorithm itself: ${algorithm}`, async () => {
      const { signer, verifier } = signatureKeys(algorithm);
      const answered = await answer({ keyId: 'k', key: signer.key });
      assert.deepEqual(confirm(answered, verifier), { content: 'in the head', keyid: 'k' });
    });
  }

  it('may be PEM', async () => {
    const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
    const answered = await answer({ keyId: 'k', key: pem });
    assert.equal(confirm(answered, { key: publicKey }).keyid, 'k');
  });

  it('may be elsewhere, behind a function that signs', async () => {
    const answered = await answer({
      keyId: 'k',
      algorithm: 'ed25519',
      sign: (base) => sign(null, base, key),
    });
    assert.equal(confirm(answered, { key: publicKey }).keyid, 'k');
  });

  const rejected: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    'one secret for all peers': [{ keyId: 'k', key: secret }, /pose as the service/],
    'one secret that is elsewhere': [
      { keyId: 'k', algorithm: 'hmac-sha256', sign: () => Buffer.alloc(32) },
      /pose as the service/,
    ],
    'a public key': [{ keyId: 'k', key: publicKey }, /private key/],
    'a key of a kind that signs nothing here': [
      { keyId: 'k', key: generateKeyPairSync('x25519').privateKey },
      /fits none, or several/,
    ],
    'a curve that no algorithm has': [
      { keyId: 'k', key: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey },
      /fits none, or several/,
    ],
    'an algorithm of another key': [{ keyId: 'k', key, algorithm: 'rsa-pss-sha512' }, /RSA/],
    'an algorithm that nobody knows': [
      { keyId: 'k', key, algorithm: 'ed448' },
      /none that responses are/,
    ],
    'an algorithm of the past': [
      { keyId: 'k', key, algorithm: 'rsa-v1_5-sha256' },
      /none that responses are signed with/,
    ],
    'text that is no PEM': [{ keyId: 'k', key: 'secret' }, /KeyObject, PEM, or/],
    bytes: [{ keyId: 'k', key: Buffer.alloc(32) }, /pose as the service/],
    'a key that fits several algorithms': [
      { keyId: 'k', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
      /fits none, or several/,
    ],
    'no key': [{ keyId: 'k' }, /either `key` or `sign`/],
    both: [{ keyId: 'k', key, algorithm: 'ed25519', sign: () => 0 }, /either `key` or `sign`/],
    'a signer without an algorithm': [{ keyId: 'k', sign: () => 0 }, /must be said/],
    'a signer that is none': [{ keyId: 'k', algorithm: 'ed25519', sign: 1 }, /must be a function/],
    'no name': [{ key }, /must be the name of the key/],
    'a name with a line break': [{ keyId: 'a\nb', key }, /must be the name of the key/],
    'an option that is none': [{ keyid: 'k', key }, /Did you mean `keyId`/],
    'an option that is unset': [{ keyId: 'k', key: undefined }, /is undefined/],
  };
  for (const [what, [options, message]] of Object.entries(rejected)) {
    it(`is refused while the program starts: ${what}`, () => {
      assert.throws(
        () => signedResponses(options as ResponseKeyOptions),
        (error) => error instanceof ConfigError && message.test(error.message),
      );
    });
  }
});

describe('a function that says the key', () => {
  it('is asked with the identity of the peer, and may answer a secret of that peer', async () => {
    const seen: unknown[] = [];
    const answered = await answer((identity) => {
      seen.push(identity?.subject);
      return Promise.resolve({ keyId: 'of-a', key: secret });
    });
    const confirmed = confirm(answered, { algorithm: 'hmac-sha256', key: secret });
    assert.deepEqual([confirmed.keyid, seen], ['of-a', ['key:a']]);
  });

  it('is asked without one for a peer that is refused, and may leave that response unsigned', async () => {
    const keys: ResponseKeyLookup = (identity) =>
      identity === undefined ? undefined : { keyId: 'k', key };
    const refused = await answer(keys, { headers: { 'x-refuse': '1' } });
    assert.equal(refused.status, 403);
    assert.throws(() => confirm(refused), { code: 'ERR_CREDENTIAL_MISSING' });
    assert.deepEqual(refused.trailers, []);
  });

  const wrong: Readonly<Record<string, ResponseKeyLookup>> = {
    'a secret for nobody in particular': (identity) =>
      identity === undefined ? { keyId: 'k', key: secret } : undefined,
    'what is no key': () => ({ keyId: 'k', key: publicKey }),
    'an error': () => {
      throw new Error('the key store is gone');
    },
    'a rejection': () => Promise.reject(new Error('the key store is gone')),
  };
  for (const [what, keys] of Object.entries(wrong)) {
    it(`ends the response where it answers ${what}`, async () => {
      using events = recordEvents();
      await assert.rejects(answer(keys, { headers: { 'x-refuse': '1' } }), { code: 'ECONNRESET' });
      assert.equal(events.proof[0]?.method, 'signedResponses');
    });
  }
});

describe('a signer', () => {
  it('ends the response where it gives what is no signature', async () => {
    using events = recordEvents();
    const short = { keyId: 'k', algorithm: 'ed25519', sign: () => Buffer.alloc(63) } as const;
    await assert.rejects(answer(short), { code: 'ECONNRESET' });
    assert.match(String(events.proof[0]?.cause), /63 bytes/);
  });
});

describe('what a request asks of the signature', () => {
  const ours = 'tag="countersign-response"';

  for (const [what, value, label, nonce] of [
    ['the usual', acceptSignature('n-1'), 'cs', 'n-1'],
    ['another label', `other=();created;nonce="n";${ours}`, 'other', 'n'],
    ['another order', `cs=();${ours};nonce="n";created`, 'cs', 'n'],
    ['a nonce that needs escapes', String.raw`cs=();nonce="a\"b\\c";${ours}`, 'cs', 'a"b\\c'],
    ['no nonce', `cs=();${ours}`, 'cs', undefined],
    ['a list of its own', `cs=("@status");nonce="n";${ours}`, 'cs', 'n'],
    ['others as well', `a=("@status");tag="x", cs=();nonce="n";${ours}, b=()`, 'cs', 'n'],
    ['the longest nonce', acceptSignature('n'.repeat(256)), 'cs', 'n'.repeat(256)],
  ] as const) {
    it(`is what it gets: ${what}`, async () => {
      const answered = await answer(
        { keyId: 'k', key },
        { headers: { 'accept-signature': value } },
      );
      assert.equal(answered.status, 200);
      confirm(answered, { key: publicKey });
      const input = answered.headers.find(([name]) => name === 'signature-input')![1];
      assert.ok(input.startsWith(`${label}=(`));
      assert.equal(input.includes('nonce='), nonce !== undefined);
    });
  }

  for (const [what, value] of [
    ['what is no dictionary', 'cs=('],
    ['a member that is no list', `cs=1;nonce="n";${ours}`],
    ['a nonce that is no string', `cs=();nonce=1;${ours}`],
    ['a nonce that is empty', `cs=();created;nonce="";${ours}`],
    ['a nonce that is too long', acceptSignature('n'.repeat(257))],
    ['a label that is too long', `${'l'.repeat(65)}=();nonce="n";${ours}`],
    ['two members for us', `a=();nonce="n";${ours}, b=();nonce="n";${ours}`],
  ] as const) {
    it(`is refused, in a signed response, where it cannot be read: ${what}`, async () => {
      using events = recordEvents();
      const answered = await answer(
        { keyId: 'k', key },
        { headers: { 'accept-signature': value } },
      );
      assert.equal(answered.status, 400);
      const unasking = { ...answered.request, headers: {} };
      confirm({ ...answered, request: unasking }, { key: publicKey });
      assert.equal(events.refused.length, 1);
    });
  }

  it('is nothing, where others alone are asked, or nobody is', async () => {
    for (const headers of [{ 'accept-signature': 'a=("@status");tag="x"' }, {}]) {
      const verifier = signingVerifier(signedResponses({ keyId: 'k', key }));
      await using service = await signingService((_req, res) => res.end('hello'), { verifier });
      const answered = await ask(service.port, { headers: { 'accept-signature': '', ...headers } });
      assert.equal(confirm(answered, { key: publicKey }).content, 'in the head');
    }
  });
});

describe('a response to a signed request', () => {
  const body = '{"amount":5}';
  const components = ['@method', '@authority', '@path', '@query', 'content-digest', 'x-order'];

  function signedRequest(more: Readonly<Record<string, string>> = {}, tag = 'countersign-request') {
    const headers: Record<string, string> = {
      host: authority,
      'accept-signature': acceptSignature(),
      'content-type': 'application/json',
      'content-digest': contentDigest(body),
      'x-order': '7',
      ...more,
    };
    const message = { method: 'POST', url: `http://${authority}/pay?to=8`, headers };
    const { signer } = signatureKeys();
    const parameters = { created: 1, keyid: 'till', tag };
    const fields = signMessage(message, { components, parameters, signer, label: 'req' });
    const signed: Record<string, string> = { ...headers, ...fields };
    return { method: 'POST', path: '/pay?to=8', body, headers: signed };
  }

  async function coverage(asked: Asked): Promise<string> {
    const answered = await answer({ keyId: 'k', key }, asked);
    assert.equal(answered.status, 200);
    confirm(answered, { key: publicKey });
    return answered.headers.find(([name]) => name === 'signature-input')![1];
  }

  it('covers what the request covered, and its Signature-Input, but not its signature', async () => {
    const input = await coverage(signedRequest());
    for (const covered of ['"x-order";req', '"signature-input";req;key="req"']) {
      assert.ok(input.includes(covered), input);
    }
    assert.doesNotMatch(input, /"signature";req/);
  });

  it('leaves signatures of other people alone', async () => {
    assert.doesNotMatch(await coverage(signedRequest({}, 'other')), /x-order|signature-input/);
  });

  it('covers the usual where the signature of the request cannot be bound to', async () => {
    const { headers, ...asked } = signedRequest();
    const { 'x-order': _order, ...others } = headers;
    const twice = 'a=();tag="countersign-request", b=();tag="countersign-request"';
    for (const changed of [
      others,
      { ...headers, 'signature-input': 'req=(' },
      { ...headers, 'signature-input': twice },
      { ...headers, 'signature-input': 'req=1;tag="countersign-request"' },
      { ...headers, 'signature-input': 'req=("@nothing");tag="countersign-request"' },
      { ...headers, 'signature-input': 'req=("content-digest";tr);tag="countersign-request"' },
      { ...headers, 'signature-input': 'req=("@status");tag="countersign-request"' },
      { ...headers, 'signature-input': 'req=("@method";req);tag="countersign-request"' },
    ]) {
      const input = await coverage({ ...asked, headers: changed });
      assert.doesNotMatch(input, /"signature-input"/);
      assert.match(input, /"content-digest";req/);
    }
  });
});

describe('a request that cannot be told from others', () => {
  it('gets its refusal unsigned', async () => {
    const answered = await answer({ keyId: 'k', key }, { headers: { host: 'a b' } });
    assert.equal(answered.status, 400);
    assert.throws(() => confirm(answered, { key: publicKey }), { code: 'ERR_CREDENTIAL_MISSING' });
  });

  it('is none for another service, whose refusal is signed', async () => {
    const answered = await answer({ keyId: 'k', key }, { headers: { host: 'other.example' } });
    assert.equal(answered.status, 421);
    assert.equal(confirm(answered, { key: publicKey }).content, 'in the head');
  });

  it('is none where its target is absolute, or the service itself', async () => {
    const absolute = `http://${authority}/a?b`;
    const answered = await answer({ keyId: 'k', key }, { path: absolute });
    const request = { ...answered.request, url: absolute };
    assert.equal(confirm({ ...answered, request }, { key: publicKey }).content, 'in the head');
    const options = await answer({ keyId: 'k', key }, { method: 'OPTIONS', path: '*' });
    const whole = { ...options.request, url: `http://${authority}` };
    assert.equal(
      confirm({ ...options, request: whole }, { key: publicKey }).content,
      'in the head',
    );
  });
});

describe('signatures that a response has already', () => {
  it('stay, beside ours', async () => {
    const verifier = signingVerifier(signedResponses({ keyId: 'k', key }));
    await using service = await signingService(
      (_req, res) => {
        const other = { 'signature-input': 'up=("@status")', signature: 'up=:AAAA:' };
        res.writeHead(200, other).end('hello');
      },
      { verifier },
    );
    const answered = await ask(service.port);
    assert.equal(confirm(answered, { key: publicKey }).content, 'in the head');
    assert.match(answered.headers.find(([name]) => name === 'signature-input')![1], /^up=.*, cs=/);
  });
});
