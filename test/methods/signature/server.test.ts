import assert from 'node:assert/strict';
import { createPublicKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { AuthErrorCode, Decision, Exchange, Verifier } from '../../../src/index.ts';
import { createVerifier } from '../../../src/index.ts';
import { requestCoverage } from '../../../src/methods/signature/coverage.ts';
import {
  type NamedPeerKey,
  type PeerKey,
  type SignatureEvidence,
  type SignatureOptions,
  signature,
} from '../../../src/methods/signature/index.ts';
import { configError } from '../../support/errors.ts';
import { fakeExchange } from '../../support/exchange.ts';
import { type Signing, signedExchange, signedFields } from '../../support/signed-request.ts';

const now = new Date('2030-01-01T00:00:30Z');
const seconds = now.getTime() / 1000;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const secret = createSecretKey(randomBytes(32));
const keys: readonly NamedPeerKey[] = [
  { keyId: 'alice', key: publicKey },
  { keyId: 'bob', key: secret, subject: 'user:bob' },
];
const byAlice = { key: privateKey, algorithm: 'ed25519', now } as const;
const byBob = { key: secret, algorithm: 'hmac-sha256', now, parameters: { keyid: 'bob' } } as const;

/** A store that was born long ago. */
function oldStore(born = 0) {
  const added = new Map<string, number>();
  return {
    added,
    add(key: string, ttl: number, share?: string) {
      assert.equal(share, key.split(':')[1]);
      if (added.has(key)) return false;
      added.set(key, ttl);
      return true;
    },
    put() {},
    get: () => undefined,
    take: () => undefined,
    bornAt: () => born,
  };
}

function verifierOf(options: Partial<SignatureOptions> = {}, store = oldStore()): Verifier {
  return createVerifier({
    methods: [signature({ keys, ...options })],
    authorities: ['https://api.example'],
    store,
  });
}

const decide = (verifier: Verifier, exchange: Exchange): Promise<Decision> =>
  Promise.resolve(verifier.decide(exchange));

async function accepted(verifier: Verifier, signing: Signing): Promise<SignatureEvidence> {
  const decision = await decide(verifier, signedExchange(signing));
  assert.ok(
    decision.outcome === 'accepted',
    decision.outcome === 'refused' ? decision.error.message : '',
  );
  return decision.identity?.evidence['signature'] as SignatureEvidence;
}

async function refused(verifier: Verifier, exchange: Exchange, code: AuthErrorCode): Promise<void> {
  const decision = await decide(verifier, exchange);
  assert.ok(decision.outcome === 'refused', 'it was accepted');
  assert.equal(decision.error.code, code, decision.error.message);
  assert.doesNotMatch(decision.response.body, /alice|bob|key|nonce/);
}

describe('signature', () => {
  it('knows who has signed', async () => {
    const verifier = verifierOf();
    assert.deepEqual(await accepted(verifier, byAlice), {
      subject: 'key:alice',
      keyId: 'alice',
      isRetiring: false,
    });
    assert.equal((await accepted(verifier, byBob)).subject, 'user:bob');
  });

  it('takes a request without a signature, or with those of others, for one without credentials', async () => {
    const others = signedFields({ ...byAlice, parameters: { tag: 'another' } });
    for (const fields of [{}, others]) {
      const decision = await decide(verifierOf(), fakeExchange({ now, fields }));
      assert.ok(decision.outcome === 'refused');
      assert.equal(decision.error.code, 'ERR_CREDENTIAL_MISSING');
      assert.equal(decision.response.status, 401);
      assert.deepEqual(decision.response.headers['www-authenticate'], 'Signature');
      assert.equal(
        decision.response.headers['accept-signature'],
        'sig=("@method" "@authority" "@path" "@query");created;tag="countersign-request"',
      );
    }
  });

  it('is not misled by its tag inside of another text', async () => {
    const fields = {
      'signature-input': 'a=();nonce="tag=\\"countersign-request\\""',
      signature: 'a=:AA==:',
    };
    await refused(verifierOf(), fakeExchange({ now, fields }), 'ERR_CREDENTIAL_MISSING');
    const plain = { 'signature-input': 'a=("@method");x="y"', signature: 'a=:AA==:' };
    await refused(verifierOf(), fakeExchange({ now, fields: plain }), 'ERR_CREDENTIAL_MISSING');
  });

  describe('S1 replay', () => {
    it('refuses a signature that came before, however soon', async () => {
      const store = oldStore();
      const verifier = verifierOf({}, store);
      const fields = signedFields(byAlice);
      const again = (): Exchange => fakeExchange({ now, fields });
      assert.equal((await decide(verifier, again())).outcome, 'accepted');
      await refused(verifier, again(), 'ERR_REPLAYED');
      // Another process that shares the store.
      await refused(verifierOf({}, store), again(), 'ERR_REPLAYED');
    });

    it('remembers a nonce for as long as its signature might be accepted', async () => {
      const store = oldStore();
      const verifier = verifierOf({ lifetime: 60, clockTolerance: 5 }, store);
      const created = seconds + 5;
      await accepted(verifier, { ...byAlice, parameters: { created, nonce: 'n' } });
      assert.deepEqual([...store.added], [['signature:alice:n', 60 + 5 + 5 + 1]]);
    });

    it('tells nonces of different keys apart', async () => {
      const verifier = verifierOf();
      await accepted(verifier, { ...byAlice, parameters: { nonce: 'n' } });
      await accepted(verifier, { ...byBob, parameters: { keyid: 'bob', nonce: 'n' } });
    });

    it('spends no nonce on a signature that does not hold', async () => {
      const store = oldStore();
      const other = generateKeyPairSync('ed25519').privateKey;
      await refused(
        verifierOf({}, store),
        signedExchange({ ...byAlice, key: other }),
        'ERR_SIGNATURE_INVALID',
      );
      assert.equal(store.added.size, 0);
    });

    it('takes the store of its own before that of the verifier', async () => {
      const own = oldStore();
      await accepted(verifierOf({ store: own }), byAlice);
      assert.equal(own.added.size, 1);
    });
  });

  describe('S2 age', () => {
    const verifier = verifierOf({ lifetime: 60, clockTolerance: 5 });
    for (const [name, parameters] of Object.entries({
      'as old as it may be': { created: seconds - 65 },
      'as early as it may be': { created: seconds + 5 },
      'before its end': { expires: seconds + 1 },
      'as late after its end as it may be': { created: seconds - 20, expires: seconds - 5 },
    })) {
      it(`accepts a signature ${name}`, async () => {
        await accepted(verifier, { ...byAlice, parameters });
      });
    }

    for (const [name, code, parameters] of [
      ['older', 'ERR_SIGNATURE_STALE', { created: seconds - 66 }],
      ['from the future', 'ERR_SIGNATURE_STALE', { created: seconds + 6 }],
      ['after its end', 'ERR_SIGNATURE_STALE', { created: seconds - 20, expires: seconds - 6 }],
      ['that ends before it begins', 'ERR_SIGNATURE_MALFORMED', { expires: seconds - 1 }],
      ['of no time', 'ERR_SIGNATURE_MALFORMED', { created: undefined }],
      ['without a nonce', 'ERR_SIGNATURE_MALFORMED', { nonce: undefined }],
      ['with an empty nonce', 'ERR_SIGNATURE_MALFORMED', { nonce: '' }],
      ['with a nonce of no use', 'ERR_SIGNATURE_MALFORMED', { nonce: 'n'.repeat(257) }],
      ['without a key', 'ERR_KEY_UNKNOWN', { keyid: undefined }],
    ] as const) {
      it(`refuses a signature ${name}`, async () => {
        await refused(verifier, signedExchange({ ...byAlice, parameters }), code);
      });
    }

    it('S11 refuses what was signed before its store remembers', async () => {
      const born = oldStore(now.getTime() - 10_000);
      const young = verifierOf({}, born);
      const before = { ...byAlice, parameters: { created: seconds - 11 } };
      await refused(young, signedExchange(before), 'ERR_SIGNATURE_STALE');
      await accepted(young, { ...byAlice, parameters: { created: seconds - 10 } });
    });
  });

  describe('S3, S4, S5 coverage', () => {
    const whole = requestCoverage({ has: () => false }, false);
    for (const left of whole) {
      it(`refuses a signature that does not cover ${left}`, async () => {
        const components = whole.filter((one) => one !== left);
        const exchange = signedExchange({ ...byAlice, components });
        await refused(verifierOf(), exchange, 'ERR_SIGNATURE_COVERAGE');
      });
    }

    for (const name of [
      'content-encoding',
      'authorization',
      'dpop',
      'idempotency-key',
      'if-match',
      'range',
      'x-http-method-override',
    ]) {
      it(`refuses one that does not cover ${name}, where it is there`, async () => {
        const fields = { [name]: 'x' };
        const exchange = signedExchange({ ...byAlice, fields, components: whole });
        await refused(verifierOf(), exchange, 'ERR_SIGNATURE_COVERAGE');
        await accepted(verifierOf(), { ...byAlice, fields });
        // Added on the way.
        const added = { ...signedFields(byAlice), [name]: 'x' };
        await refused(verifierOf(), fakeExchange({ now, fields: added }), 'ERR_SIGNATURE_COVERAGE');
      });
    }

    for (const [name, change] of Object.entries({
      method: { method: 'DELETE' },
      path: { target: '/b' },
      'path with a dot segment': { target: '/a/../a' },
      'path in another case': { target: '/A' },
      query: { target: '/a?x=2' },
      authority: { authority: 'api.example:8443' },
    })) {
      it(`refuses another ${name}`, async () => {
        const fields = signedFields({ ...byAlice, target: '/a' });
        const exchange = fakeExchange({ now, target: '/a', fields, ...change });
        const code = name === 'authority' ? 'ERR_MISDIRECTED_REQUEST' : 'ERR_SIGNATURE_INVALID';
        await refused(verifierOf(), exchange, code);
      });
    }

    it('asks for the digest and the type of content', async () => {
      const fields = { 'content-type': 'text/plain' };
      const signing = { ...byAlice, method: 'POST', content: 'x', fields };
      await accepted(verifierOf(), signing);
      for (const components of [whole, [...whole, 'content-digest'], [...whole, 'content-type']]) {
        const exchange = signedExchange({ ...signing, components });
        await refused(verifierOf(), exchange, 'ERR_SIGNATURE_COVERAGE');
      }
    });

    it('refuses a field of one line that came in two, though joined they are what was signed', async () => {
      const fields = signedFields({ ...byAlice, fields: { 'if-unmodified-since': 'Sat, 29 Oct' } });
      const exchange = fakeExchange({ now, fields });
      const split: Exchange = {
        ...exchange,
        fieldLines: (name) =>
          name === 'if-unmodified-since' ? ['Sat', '29 Oct'] : exchange.fieldLines(name),
      };
      await refused(verifierOf(), split, 'ERR_REQUEST_MALFORMED');
      assert.equal((await decide(verifierOf(), exchange)).outcome, 'accepted');
    });

    for (const target of ['/a#b', '/a?b#c', '#']) {
      it(`refuses a target with a fragment: ${target}`, async () => {
        const fields = signedFields({ ...byAlice, target: target.replace(/#.*/, '') || '/' });
        await refused(verifierOf(), fakeExchange({ now, target, fields }), 'ERR_REQUEST_MALFORMED');
      });
    }

    it('takes a target with its authority for the path behind it', async () => {
      const fields = signedFields({ ...byAlice, target: '/a?b' });
      const exchange = fakeExchange({ now, target: 'https://api.example/a?b', fields });
      assert.equal((await decide(verifierOf(), exchange)).outcome, 'accepted');
    });
  });

  describe('S2, S9 time that passes while the guard waits', () => {
    it('counts: what was fresh when it came is stale when its key is found', async () => {
      let come: (key: PeerKey) => void = () => {};
      const found = new Promise<PeerKey>((resolve) => (come = resolve));
      const verifier = verifierOf({ keys: () => found, lifetime: 0.2, clockTolerance: 0.001 });
      const at = new Date();
      const created = Math.ceil(at.getTime() / 1000);
      // At the instant itself it is fresh.
      const exchange = signedExchange({
        ...byAlice,
        now: new Date(created * 1000),
        parameters: { created },
      });
      const deciding = decide(verifier, exchange);
      await setTimeout(created * 1000 + 400 - Date.now());
      come({ key: publicKey });
      const decision = await deciding;
      assert.ok(decision.outcome === 'refused');
      assert.equal(decision.error.code, 'ERR_SIGNATURE_STALE');
    });
  });

  describe('S6, S8, S9 keys', () => {
    const cases: Readonly<Record<string, Partial<PeerKey>>> = {
      revoked: { state: 'revoked' },
      'not yet of use': { notBefore: new Date(now.getTime() + 1) },
      'of no use any more': { notAfter: new Date(now.getTime() - 1) },
    };
    for (const [name, members] of Object.entries(cases)) {
      it(`refuses one that is ${name}, like one that is unknown`, async () => {
        const verifier = verifierOf({ keys: [{ keyId: 'alice', key: publicKey, ...members }] });
        await refused(verifier, signedExchange(byAlice), 'ERR_KEY_UNKNOWN');
        const unknown = { ...byAlice, parameters: { keyid: 'carol' } };
        const [a, b] = await Promise.all(
          [byAlice, unknown].map((one) => decide(verifier, signedExchange(one))),
        );
        assert.ok(a?.outcome === 'refused' && b?.outcome === 'refused');
        assert.deepEqual(a.response, b.response);
      });
    }

    it('takes one that is at the ends of its time, or retiring', async () => {
      const key = { keyId: 'alice', key: publicKey, notBefore: now, notAfter: now };
      await accepted(verifierOf({ keys: [key] }), byAlice);
      const retiring = { keyId: 'alice', key: publicKey, state: 'retiring' } as const;
      assert.equal((await accepted(verifierOf({ keys: [retiring] }), byAlice)).isRetiring, true);
    });

    it('verifies with a key also where there is none', async () => {
      for (const [key, algorithm] of [
        [privateKey, 'ed25519'],
        [secret, 'hmac-sha256'],
      ] as const) {
        const verifier = verifierOf({ keys: [{ keyId: 'other', key }] });
        await refused(verifier, signedExchange({ key, algorithm, now }), 'ERR_KEY_UNKNOWN');
      }
    });

    it('asks a function, and remembers what it has answered for a while', async () => {
      const asked: string[] = [];
      const find = (keyId: string): Promise<PeerKey | undefined> => {
        asked.push(keyId);
        return Promise.resolve(keyId === 'alice' ? { key: publicKey } : undefined);
      };
      const verifier = verifierOf({ keys: find, keyTtl: 10 });
      const at = (ms: number): Exchange =>
        signedExchange({ ...byAlice, now: new Date(now.getTime() + ms) });
      for (const ms of [0, 9_999, 10_000]) {
        assert.equal((await decide(verifier, at(ms))).outcome, 'accepted');
      }
      assert.deepEqual(asked, ['alice', 'alice']);
      for (let i = 0; i < 2; i++) {
        const unknown = signedExchange({ ...byAlice, parameters: { keyid: 'carol' } });
        await refused(verifier, unknown, 'ERR_KEY_UNKNOWN');
      }
      assert.deepEqual(asked, ['alice', 'alice', 'carol']);
      const long = signedExchange({ ...byAlice, parameters: { keyid: 'k'.repeat(257) } });
      await refused(verifier, long, 'ERR_KEY_UNKNOWN');
      assert.equal(asked.length, 3);
    });

    it('asks a function again that has failed, and refuses until then', async () => {
      let fails = true;
      const keysThatFail = (): Promise<PeerKey> =>
        fails ? Promise.reject(new Error('down')) : Promise.resolve({ key: publicKey });
      const verifier = verifierOf({ keys: keysThatFail });
      await refused(verifier, signedExchange(byAlice), 'ERR_INTERNAL');
      fails = false;
      await accepted(verifier, byAlice);
    });

    it('refuses where a function answers no key', async () => {
      for (const answer of [null, {}, { key: 'x' }, { key: publicKey, keyId: 'alice' }]) {
        const verifier = verifierOf({ keys: () => answer as unknown as PeerKey });
        await refused(verifier, signedExchange(byAlice), 'ERR_INTERNAL');
      }
    });
  });

  describe('S7 several signatures', () => {
    it('refuses two of ours, and passes over those of others', async () => {
      const one = signedFields(byAlice);
      const two = signedFields({ ...byAlice, parameters: { tag: 'other' } });
      const join = (name: string): string => `${one[name]!}, ${two[name]!.replace(/^sig/, 'b')}`;
      const fields = { 'signature-input': join('signature-input'), signature: join('signature') };
      assert.equal((await decide(verifierOf(), fakeExchange({ now, fields }))).outcome, 'accepted');
      const twice = {
        'signature-input': fields['signature-input'].replace('"other"', '"countersign-request"'),
        signature: fields.signature,
      };
      await refused(verifierOf(), fakeExchange({ now, fields: twice }), 'ERR_SIGNATURE_MALFORMED');
    });
  });

  describe('cannot be made', () => {
    const key = { keyId: 'a', key: publicKey };
    for (const [path, options] of [
      ['signature.keys', {}],
      ['signature.keys', { keys: [] }],
      ['signature.keys', { keys: 'a' }],
      ['signature.keys[0].keyId', { keys: [{ key: publicKey }] }],
      ['signature.keys[0].keyId', { keys: [{ keyId: '\u00e9', key: publicKey }] }],
      ['signature.keys[1].keyId', { keys: [key, key] }],
      ['signature.keys[0].key', { keys: [{ keyId: 'a', key: 'no PEM' }] }],
      ['signature.keys[0].key', { keys: [{ keyId: 'a', key: new Uint8Array(31) }] }],
      ['signature.keys[0].key', { keys: [{ ...key, algorithm: 'ecdsa-p256-sha256' }] }],
      ['signature.keys[0].algorithm', { keys: [{ ...key, algorithm: 'none' }] }],
      ['signature.keys[0].subject', { keys: [{ ...key, subject: '' }] }],
      ['signature.keys[0].state', { keys: [{ ...key, state: 'gone' }] }],
      ['signature.keys[0].notAfter', { keys: [{ ...key, notAfter: new Date(NaN) }] }],
      ['signature.keys[0].notBefore', { keys: [{ ...key, notBefore: '2030' }] }],
      ['signature.keys[0].stat', { keys: [{ ...key, stat: 'active' }] }],
      ['signature.lifetime', { keys, lifetime: 0 }],
      ['signature.clockTolerance', { keys, clockTolerance: -1 }],
      ['signature.keyTtl', { keys, keyTtl: NaN }],
      ['signature.keyTTL', { keys, keyTTL: 1 }],
    ] as const) {
      it(`with ${JSON.stringify(options, (name, value) => (name === 'key' ? '...' : value))}`, () => {
        assert.throws(() => signature(options as unknown as SignatureOptions), configError(path));
      });
    }

    it('with an RSA key that does not say its algorithm', () => {
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
      assert.throws(
        () => signature({ keys: [{ keyId: 'a', key: rsa }] }),
        configError('signature.keys[0].algorithm'),
      );
      signature({ keys: [{ keyId: 'a', key: rsa, algorithm: 'rsa-pss-sha512' }] });
    });

    it('for a service that does not know where it lives', () => {
      assert.throws(
        () => createVerifier({ methods: [signature({ keys })] }),
        configError('authorities', /needs to know where/),
      );
    });
  });

  it('takes keys in PEM, and the public half of a private one', async () => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    for (const key of [pem, Buffer.from(pem), privateKey, createPublicKey(privateKey)]) {
      await accepted(verifierOf({ keys: [{ keyId: 'alice', key }] }), byAlice);
    }
    await accepted(verifierOf({ keys: [{ keyId: 'bob', key: secret.export() }] }), byBob);
  });
});
