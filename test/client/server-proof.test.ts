import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import axios from 'axios';
import {
  type Client,
  type ClientMethod,
  type ClientOptions,
  Continue,
  type ServerProofOptions,
  createClient,
  mtlsClient,
} from '../../src/client/index.ts';
import { signatureClient } from '../../src/methods/signature/client.ts';
import { configError } from '../support/errors.ts';
import { signatureKeys } from '../support/signatures.ts';
import { type Answer, type SigningServer, signingServer } from '../support/signing-server.ts';
import { authority, credentials, site } from './support.ts';

const { signer, verifier } = signatureKeys('ed25519');
const till = signatureKeys('ed25519');
const channel = mtlsClient({ cert: credentials.cert, key: credentials.key });
const signing = signatureClient({ keyId: 'till-7', ...till.signer });
const named = { keyId: 'api-1', ...verifier };

function clientFor(
  origin: string,
  proof: Partial<ServerProofOptions> = {},
  ...methods: readonly ClientMethod[]
): Client {
  const server = { origins: [origin], ca: authority.cert, proof: { keys: [named], ...proof } };
  return createClient({ methods: methods.length > 0 ? methods : [channel], server });
}

const refused: Readonly<Record<string, readonly [proof: unknown, path: string]>> = {
  'no object': [true, 'server.proof'],
  'no keys': [{}, 'server.proof.keys'],
  'an empty list of keys': [{ keys: [] }, 'server.proof.keys'],
  'keys by name': [{ keys: { 'api-1': verifier } }, 'server.proof.keys'],
  'a key without a name': [{ keys: [verifier] }, 'server.proof.keys[0].keyId'],
  'two keys of one name': [{ keys: [named, named] }, 'server.proof.keys[1].keyId'],
  'a key that cannot be read': [{ keys: [{ keyId: 'a', key: 'x' }] }, 'server.proof.keys[0].key'],
  'a key of no kind that signs': [
    { keys: [{ keyId: 'a', key: generateKeyPairSync('x25519').publicKey }] },
    'server.proof.keys[0].algorithm',
  ],
  'a key for another algorithm': [
    { keys: [{ ...named, algorithm: 'ecdsa-p256-sha256' }] },
    'server.proof.keys[0].key',
  ],
  'a key with an empty subject': [
    { keys: [{ ...named, subject: '' }] },
    'server.proof.keys[0].subject',
  ],
  'an unknown member of a key': [
    { keys: [{ ...named, subjekt: 'a' }] },
    'server.proof.keys[0].subjekt',
  ],
  'an empty subject': [{ keys: [named], subject: '' }, 'server.proof.subject'],
  'an empty list of subjects': [{ keys: [named], subject: [] }, 'server.proof.subject'],
  'a time that is no number': [{ keys: [named], keyTtl: '60' }, 'server.proof.keyTtl'],
  '`when`, which comes later': [{ keys: [named], when: 'always' }, 'server.proof.when'],
};

describe('server.proof', () => {
  for (const [what, [proof, path]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      const server = { origins: ['https://api.example'], ca: authority.cert, proof };
      const options = { methods: [channel], server } as ClientOptions;
      assert.throws(() => createClient(options), configError(path));
    });
  }

  it('leaves no name for a method of its own', () => {
    const own = { name: 'proof', present: () => ({}), confirm: () => ({ subject: 'key:x' }) };
    assert.throws(() => clientFor('https://api.example', {}, own), configError('methods[0]'));
  });

  it('leaves no agent, and names the way', () => {
    const client = clientFor('https://api.example');
    assert.throws(() => client.agent, configError('server.proof', /axios.*adapter: 'fetch'/));
  });

  for (const [what, proof, subject] of [
    ['the subject of a key', { keys: [{ ...named, subject: 'api.example' }] }, 'api.example'],
    ['the name of a key without one', {}, 'key:api-1'],
    [
      'the subject of a key that was found',
      { keys: () => ({ ...verifier, subject: 'found' }) },
      'found',
    ],
    ['one of several that count', { subject: ['key:api-2', 'key:api-1'] }, 'key:api-1'],
  ] as readonly (readonly [string, Partial<ServerProofOptions>, string])[]) {
    it(`finds ${what}, which identityOf answers`, async () => {
      await using there = await site({}, {}, signingServer({ signer }));
      const client = clientFor(there.origin, proof);
      const before = Math.floor(Date.now() / 1000) * 1000;
      const identity = client.identityOf(await client.fetch(there.origin));
      const { proof: evidence } = identity.evidence;
      assert.deepEqual([identity.method, identity.subject], ['mtls', 'dns:localhost']);
      assert.deepEqual([evidence?.subject, evidence?.keyId], [subject, 'api-1']);
      const { signedAt } = evidence as unknown as { signedAt: Date };
      assert.ok(signedAt.getTime() >= before && signedAt.getTime() <= Date.now());
      await client.close();
    });
  }

  for (const [what, how] of Object.entries({
    'was revoked': { state: 'revoked' },
    'counts no more': { notAfter: new Date(0) },
    'does not count yet': { notBefore: new Date(Date.now() + 60_000) },
  } as const)) {
    it(`takes no key that ${what}`, async () => {
      await using there = await site({}, {}, signingServer({ signer }));
      const client = clientFor(there.origin, { keys: [{ ...named, ...how }] });
      await assert.rejects(client.fetch(there.origin), { code: 'ERR_KEY_UNKNOWN' });
      await client.close();
    });
  }

  it('takes no key of somebody else', async () => {
    await using there = await site({}, {}, signingServer({ signer }));
    const keys = (): object => ({ ...verifier, subject: 'somebody else' });
    const client = clientFor(there.origin, { keys: keys as never, subject: 'api.example' });
    await assert.rejects(client.fetch(there.origin), { code: 'ERR_KEY_UNKNOWN' });
    await client.close();
  });

  it('takes a secret that both ends share', async () => {
    const shared = signatureKeys('hmac-sha256');
    await using there = await site({}, {}, signingServer({ signer: shared.signer, keyId: 'k' }));
    const client = clientFor(
      there.origin,
      { keys: [{ keyId: 'k', ...shared.verifier }] },
      signatureClient({ keyId: 'k', ...shared.signer }),
    );
    assert.equal(await (await client.fetch(there.origin)).text(), 'hello');
    await client.close();
  });

  it('is asked of the rounds of other methods too', async () => {
    const asking: ClientMethod = {
      name: 'asking',
      present: (_request, answer) =>
        answer === undefined ? new Continue({ 'x-step': '1' }) : { 'x-step': '2' },
      confirm: () => ({ subject: 'key:x' }),
    };
    const proven = signingServer({ signer });
    let signed = true;
    await using there = await site({}, {}, (req, res) => {
      if (signed || req.headers['x-step'] === '2') proven(req, res);
      else res.end('hello');
    });
    const client = clientFor(there.origin, {}, asking);
    assert.equal(await (await client.fetch(there.origin)).text(), 'hello');
    signed = false;
    await assert.rejects(client.fetch(there.origin), { code: 'ERR_SERVER_UNPROVEN' });
    assert.equal(there.requests.length, 3);
    await client.close();
  });
});

describe('axios, through its fetch adapter', () => {
  const echo = (how: Partial<SigningServer> = {}) =>
    site(
      {},
      {},
      signingServer({
        signer,
        answer: (req, content) => ({
          headers: { 'content-type': 'application/json' },
          content: [JSON.stringify({ said: `${req.method} ${content.toString()}` })],
        }),
        ...how,
      }),
    );
  const over = (client: Client) =>
    axios.create({ adapter: 'fetch', env: { fetch: client.fetch } } as object);

  it('signs requests and confirms responses', async () => {
    await using there = await echo();
    const client = clientFor(there.origin, {}, signing);
    const api = over(client);
    const posted = await api.post(`${there.origin}/pay`, { amount: 5 });
    assert.deepEqual(posted.data, { said: 'POST {"amount":5}' });
    const got = await api.get(there.origin, { params: { q: 'a b' } });
    assert.deepEqual(got.data, { said: 'GET ' });
    assert.deepEqual(there.requests, ['POST /pay', 'GET /?q=a+b']);
    await client.close();
  });

  it('shows nothing of a response that is not what was signed', async () => {
    const other = (): Partial<Answer> => ({ content: ['{"said":"trust me"}'] });
    await using there = await echo({ sending: other });
    const client = clientFor(there.origin, {}, signing);
    await assert.rejects(over(client).get(there.origin), (error: Error) => {
      assert.match(String(error.cause ?? error), /AuthError/);
      assert.equal('response' in error && error.response !== undefined, false);
      return true;
    });
    await client.close();
  });
});
