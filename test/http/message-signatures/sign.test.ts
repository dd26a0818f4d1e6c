import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type RemoteSigner,
  signMessage,
  signatureBase,
  verifyMessage,
} from 'countersign/signature';
import { algorithms } from '../../../src/http/message-signatures/algorithms.ts';
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

describe('signMessage', () => {
  it('writes both fields, parameters in the order that they are given in', () => {
    const fields = signMessage(payment, {
      label: 'mine',
      components: ['@method', '"content-digest";key="sha-256"', '@query-param;name="to"'],
      parameters: { tag: 'a "b"', created: 5 },
      signer,
    });
    assert.equal(
      fields['signature-input'],
      'mine=("@method" "content-digest";key="sha-256" "@query-param";name="to");tag="a \\"b\\"";created=5',
    );
    assert.match(fields.signature, /^mine=:[\w+/]{43}=:$/);
  });

  it('signs what signatureBase shows', () => {
    const options = { components: everything, parameters };
    let shown = '';
    const remote: RemoteSigner = {
      algorithm: 'hmac-sha256',
      sign(base) {
        shown = Buffer.from(base).toString('latin1');
        return new Uint8Array(32);
      },
    };
    void signMessage(payment, { ...options, signer: remote });
    assert.equal(shown, signatureBase(payment, options));
  });

  it('does not touch the message', () => {
    const before = structuredClone(payment);
    signMessage(payment, { components: everything, signer });
    assert.deepEqual(payment, before);
  });

  it('keeps signatures that are there, and their labels unique', () => {
    const first = signed(payment, signer);
    const fields = signMessage(first, { label: 'second', components: ['@method'], signer });
    const both = withFields(first, fields);
    for (const label of ['sig', 'second']) {
      assert.equal(verifyMessage(both, { key, label, required: ['@method'] }).label, label);
    }
    assert.throws(
      () => signMessage(first, { components: ['@method'], signer }),
      configError('label', /already/),
    );
    const torn = withFields(payment, { signature: 'x' });
    assert.throws(
      () => signMessage(torn, { components: ['@method'], signer }),
      authError('ERR_SIGNATURE_MALFORMED'),
    );
  });

  for (const algorithm of everyAlgorithm) {
    it(`takes ${algorithm} from a signer elsewhere, now or later`, async () => {
      const keys = signatureKeys(algorithm);
      const local = (base: Uint8Array): Uint8Array =>
        algorithms[algorithm].sign(Buffer.from(base).toString('latin1'), keys.signer.key);
      const now: RemoteSigner = { algorithm, sign: local };
      const later: RemoteSigner = { algorithm, sign: async (base) => local(base) };
      const options = { components: everything, parameters };
      const answered = signMessage(payment, { ...options, signer: now });
      assert.ok(!(answered instanceof Promise));
      const promised = signMessage(payment, { ...options, signer: later });
      assert.ok(promised instanceof Promise);
      for (const fields of [answered, await promised]) {
        verifyMessage(withFields(payment, fields), { key: keys.verifier, required: everything });
      }
    });
  }

  it('refuses a signature of a length that is none, as DER is', () => {
    const keys = signatureKeys('ecdsa-p256-sha256');
    const der: RemoteSigner = {
      algorithm: 'ecdsa-p256-sha256',
      sign: (base) => sign('sha256', base, keys.signer.key),
    };
    const short = { algorithm: 'rsa-pss-sha512', sign: () => new Uint8Array(128) } as const;
    for (const remote of [der, short]) {
      assert.throws(
        () => signMessage(payment, { components: [], signer: remote }),
        configError('signer.sign', /bytes/),
      );
    }
  });

  it('refuses a remote signer of an unknown algorithm', () => {
    const remote = { algorithm: 'ed448', sign: () => new Uint8Array(114) } as never;
    assert.throws(
      () => signMessage(payment, { components: [], signer: remote }),
      configError('signer.algorithm', /ed25519/),
    );
  });

  it('names another algorithm than its own nowhere', () => {
    assert.throws(
      () => signMessage(payment, { components: [], parameters: { alg: 'ed25519' }, signer }),
      configError('parameters.alg'),
    );
    const fields = signMessage(payment, {
      components: [],
      parameters: { alg: 'hmac-sha256' },
      signer,
    });
    verifyMessage(withFields(payment, fields), { key, required: [] });
  });

  const wrong: readonly (readonly [what: string, options: object, path: string])[] = [
    ['an option that is none', { component: [] }, 'component'],
    ['a label in capitals', { label: 'Sig' }, 'label'],
    ['an empty label', { label: '' }, 'label'],
    ['components that are no list', { components: '@method' }, 'components'],
    ['a component twice', { components: ['@method', '"@method"'] }, 'components'],
    ['a component that is none', { components: ['@method', '@foo'] }, 'components[1]'],
    ['a component that is no text', { components: [7] }, 'components[0]'],
    ['a component that the message has not', { components: ['x-none'] }, 'components'],
    ['a parameter that is none', { parameters: { keyId: 'a' } }, 'parameters.keyId'],
    ['a fraction of a second', { parameters: { created: 1.5 } }, 'parameters.created'],
    ['an instant before 1970', { parameters: { created: -1 } }, 'parameters.created'],
    ['an instant that no field can say', { parameters: { created: 1e15 } }, 'parameters.created'],
    ['an instant as text', { parameters: { expires: '5' } }, 'parameters.expires'],
    ['a key id beyond ASCII', { parameters: { keyid: '\u00e9' } }, 'parameters.keyid'],
    ['a tag that is not set', { parameters: { tag: undefined } }, 'parameters.tag'],
  ];
  for (const [what, options, path] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => signMessage(payment, { components: [], signer, ...options }),
        configError(path),
      );
    });
  }
});
