import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type ResponseMessage,
  type VerificationKey,
  signMessage,
  signatureBase,
  verifyMessage,
} from 'countersign/signature';
import * as fc from 'fast-check';
import { AuthError } from '../../../src/errors.ts';
import { authError, configError } from '../../support/errors.ts';
import {
  everyAlgorithm,
  everything,
  parameters,
  payment,
  signatureKeys,
  signed,
  withFields,
} from '../../support/signatures.ts';

const { signer, verifier: key } = signatureKeys();
const request = signed(payment, signer);
const malformed = (message: RegExp): ((error: unknown) => true) =>
  authError('ERR_SIGNATURE_MALFORMED', message);

describe('verifyMessage', () => {
  for (const algorithm of everyAlgorithm) {
    it(`verifies what signMessage signs with ${algorithm}, and nothing else`, () => {
      const keys = signatureKeys(algorithm);
      const message = signed(payment, keys.signer);
      const verified = verifyMessage(message, { key: keys.verifier, required: everything });
      assert.deepEqual(verified.components, everything);
      assert.deepEqual(verified.parameters, parameters);
      assert.throws(
        () => verifyMessage({ ...message, method: 'PUT' }, { key: keys.verifier, required: [] }),
        authError('ERR_SIGNATURE_INVALID'),
      );
      assert.throws(
        () => verifyMessage(message, { key: signatureKeys(algorithm).verifier, required: [] }),
        authError('ERR_SIGNATURE_INVALID'),
      );
    });
  }

  it('asks for the key by its id, and gives back what it was given', () => {
    const mine = { ...key, subject: 'key:till-7' };
    const asked: unknown[] = [];
    const verified = verifyMessage(request, {
      key: (...given) => {
        asked.push(...given);
        return mine;
      },
      required: everything,
    });
    assert.deepEqual(asked, ['till-7', parameters]);
    assert.equal(verified.key, mine);
    assert.equal(verified.label, 'sig');
  });

  it('waits for a key that comes later, and only then', async () => {
    const answer = verifyMessage(request, { key: async () => key, required: everything });
    assert.ok(answer instanceof Promise);
    assert.equal((await answer).key, key);
    const refused = async (found: Promise<VerificationKey | undefined>) =>
      verifyMessage(request, { key: () => found, required: [] });
    await assert.rejects(refused(Promise.resolve(undefined)), authError('ERR_KEY_UNKNOWN'));
    await assert.rejects(refused(Promise.reject(new Error('down'))), /^Error: down$/);
  });

  it('refuses a key that is not known, and a signature that names none', () => {
    const unknown = { key: () => undefined, required: [] };
    assert.throws(() => verifyMessage(request, unknown), authError('ERR_KEY_UNKNOWN', /"till-7"/));
    const nameless = withFields(payment, signMessage(payment, { components: [], signer }));
    assert.throws(() => verifyMessage(nameless, unknown), authError('ERR_KEY_UNKNOWN', /no key/));
  });

  it('says what is covered, with exactly its parameters', () => {
    const { covers } = verifyMessage(request, { key, required: [] });
    assert.ok(covers('@method') && covers('"content-type"'));
    for (const other of [
      'date',
      'content-type;bs',
      'content-type;tr',
      'content-digest;key="sha-256"',
    ]) {
      assert.equal(covers(other), false, other);
    }
    assert.throws(() => covers('Content-Type'), configError('component'));
  });

  it('takes parameters in any order for the same component', () => {
    const response: ResponseMessage = { status: 200, headers: {}, request };
    const components = ['content-digest;req;key="sha-256"'];
    const message = withFields(response, signMessage(response, { components, signer }));
    const required = ['content-digest;key="sha-256";req'];
    const { covers } = verifyMessage(message, { key, required });
    assert.ok(covers('"content-digest";req;key="sha-256"'));
    assert.equal(covers('content-digest;key="sha-256"'), false);
    assert.equal(covers('content-digest;key="sha-512";req'), false);
  });

  it('refuses a signature that holds and covers too little', () => {
    assert.throws(
      () => verifyMessage(request, { key, required: [...everything, 'date'] }),
      authError('ERR_SIGNATURE_COVERAGE', /"date"/),
    );
  });

  it('finds a forged signature before one that covers too little', () => {
    assert.throws(
      () => verifyMessage({ ...request, method: 'PUT' }, { key, required: ['date'] }),
      authError('ERR_SIGNATURE_INVALID'),
    );
  });

  it('refuses a message without a signature, or without the one that is wanted', () => {
    const missing = authError('ERR_CREDENTIAL_MISSING');
    assert.throws(() => verifyMessage(payment, { key, required: [] }), missing);
    for (const wanted of [{ label: 'other' }, { tag: 'other' }, { label: 'sig', tag: 'other' }]) {
      assert.throws(() => verifyMessage(request, { key, required: [], ...wanted }), missing);
    }
  });

  it('picks the signature by label and tag, and never one of several', () => {
    const other = signatureKeys('ed25519');
    const both = withFields(
      request,
      signMessage(request, {
        label: 'proxy',
        components: ['@method', 'signature;key="sig"'],
        parameters: { tag: 'proxy' },
        signer: other.signer,
      }),
    );
    assert.throws(() => verifyMessage(both, { key, required: [] }), malformed(/several/));
    assert.equal(verifyMessage(both, { key, tag: parameters.tag, required: [] }).label, 'sig');
    const proxy = { key: other.verifier, required: ['signature;key="sig"'] };
    assert.equal(verifyMessage(both, { ...proxy, label: 'proxy' }).parameters.tag, 'proxy');
    assert.equal(verifyMessage(both, { ...proxy, tag: 'proxy', label: 'proxy' }).label, 'proxy');
    assert.throws(
      () => verifyMessage(both, { ...proxy, tag: 'proxy', label: 'sig' }),
      authError('ERR_CREDENTIAL_MISSING'),
    );
  });

  it('looks in the trailers where it is told to', () => {
    const response: ResponseMessage = {
      status: 200,
      headers: {},
      trailers: { 'content-digest': 'x=::' },
    };
    const components = ['@status', 'content-digest;tr'];
    const fields = signMessage(response, { components, signer, section: 'trailers' });
    const message = { ...response, trailers: { 'content-digest': 'x=::', ...fields } };
    const section = 'trailers';
    assert.deepEqual(
      verifyMessage(message, { key, section, required: components }).components,
      components,
    );
    assert.throws(
      () => verifyMessage(message, { key, required: [] }),
      authError('ERR_CREDENTIAL_MISSING'),
    );
  });

  it('returns instants as they were signed, and looks at no clock', () => {
    const fields = signMessage(payment, {
      components: [],
      parameters: { created: 9, expires: 5 },
      signer,
    });
    const verified = verifyMessage(withFields(payment, fields), { key, required: [] });
    assert.deepEqual(verified.parameters, { created: 9, expires: 5 });
  });

  for (const given of [
    'foo',
    'created="1"',
    'created=-1',
    'created=1.0',
    'created',
    'keyid=a',
    'nonce',
    'tag=1',
  ]) {
    it(`refuses a signature that says ;${given}`, () => {
      const fields = { 'signature-input': `s=();${given}`, signature: 's=:YQ==:' };
      assert.throws(
        () => verifyMessage(withFields(payment, fields), { key, required: [] }),
        malformed(/parameter that is not accepted/),
      );
    });
  }

  it('refuses more than 128 components', () => {
    const query = Array.from({ length: 129 }, (_, i) => `a${i}`);
    const long = { ...payment, url: `https://api.bank.example/?${query.join('&')}` };
    const components = query.map((name) => `@query-param;name="${name}"`);
    const most = components.slice(1);
    const verified = verifyMessage(signed(long, signer, most), { key, required: most });
    assert.deepEqual(verified.components, most);
    assert.throws(
      () => verifyMessage(signed(long, signer, components), { key, required: [] }),
      malformed(/more than 128/),
    );
  });

  it('refuses ECDSA in DER, and of another length', () => {
    const keys = signatureKeys('ecdsa-p256-sha256');
    const base = signatureBase(payment, { components: ['@method'] });
    const der = sign('sha256', Buffer.from(base), keys.signer.key);
    const good = sign('sha256', Buffer.from(base), {
      key: keys.signer.key,
      dsaEncoding: 'ieee-p1363',
    });
    const verify = (bytes: Buffer) => () =>
      verifyMessage(
        withFields(payment, {
          'signature-input': 'sig=("@method")',
          signature: `sig=:${bytes.toString('base64')}:`,
        }),
        { key: keys.verifier, required: ['@method'] },
      );
    verify(good)();
    for (const bytes of [der, good.subarray(1), Buffer.concat([good, Buffer.of(0)]), Buffer.of()]) {
      assert.throws(verify(bytes), authError('ERR_SIGNATURE_INVALID'));
    }
  });

  it('refuses options that are none', () => {
    const wrong =
      (options: object): (() => unknown) =>
      () =>
        verifyMessage(request, { key, required: [], ...options });
    assert.throws(wrong({ tags: 'x' }), configError('tags', /Did you mean `tag`/));
    assert.throws(wrong({ tag: undefined }), configError('tag', /undefined/));
    assert.throws(wrong({ required: undefined }), configError('required'));
    assert.throws(wrong({ required: '@method' }), configError('required', /list/));
    assert.throws(wrong({ required: ['@methd'] }), configError('component', /"@methd"/));
    const wrongKey = { algorithm: 'hmac-sha1', key: key.key };
    assert.throws(wrong({ key: wrongKey }), configError('key.algorithm', /hmac-sha256/));
  });

  it('answers any fields with a value or an AuthError', () => {
    const part = fc.constantFrom(
      'sig',
      '=',
      '("@method")',
      '()',
      '(',
      ')',
      '"@query-param";name="to"',
      '"content-digest"',
      ';sf',
      ';key="sha-256"',
      ';bs',
      ';tr',
      ';req',
      ';created=1',
      ';created="1"',
      ';keyid="till-7"',
      ';alg="ed25519"',
      ';tag="a"',
      ', ',
      ' ',
      ':YQ==:',
      ':',
      '"',
      '\\',
      '?1',
      '1.5',
    );
    const field = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.array(part, { maxLength: 8 }).map((parts) => `sig=(${parts.join(' ')})`),
    );
    const values = fc.oneof(field, fc.constant('sig=:YQ==:'));
    fc.assert(
      fc.property(field, values, fc.string({ unit: 'binary' }), (input, signature, value) => {
        const fields = { 'signature-input': input, signature, 'content-digest': value };
        assert.throws(
          () => verifyMessage(withFields(payment, fields), { key, required: [] }),
          AuthError,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('answers any request with a value or an AuthError', () => {
    const text = fc.string({ unit: 'binary' });
    const url = fc.oneof(
      text,
      text.map((rest) => `https://api.bank.example/${rest}`),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(text, url, text, (method, address, type) => {
        const message = {
          ...request,
          method,
          url: address,
          headers: { ...request.headers, 'content-type': type },
        };
        assert.throws(() => verifyMessage(message, { key, required: [] }), AuthError);
      }),
    );
  });
});
