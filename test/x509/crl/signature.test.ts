import assert from 'node:assert/strict';
import { type KeyObject, constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  explicit,
  integer,
  nothing,
  objectIdentifier,
  sequence,
} from '../../../src/pki/der-writer.ts';
import { testAuthority } from '../../../src/pki/testing.ts';
import { type Signed, readCertificate } from '../../../src/x509/certificate.ts';
import {
  isCrlSignedBy,
  isCrlSignedByInSteps,
  knownSigners,
} from '../../../src/x509/crl/signature.ts';
import { isSignedBy, isSignedByInSteps } from '../../../src/x509/signature.ts';
import { crlOf, entryOf } from '../../support/crl.ts';
import { authError } from '../../support/errors.ts';

function drain<T>(steps: Generator<unknown, T>): { readonly value: T; readonly steps: number } {
  for (let count = 0; ; count++) {
    const step = steps.next();
    if (step.done === true) return { value: step.value, steps: count };
  }
}

describe('isSignedByInSteps', () => {
  const content = Buffer.alloc(3_000_000, 'content');
  const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nothing());
  const pss = sequence(
    objectIdentifier('1.2.840.113549.1.1.10'),
    sequence(
      explicit(0, sha256),
      explicit(1, sequence(objectIdentifier('1.2.840.113549.1.1.8'), sha256)),
      explicit(2, integer(32)),
    ),
  );
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed25519 = generateKeyPairSync('ed25519');
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  type Row = readonly [Uint8Array, KeyObject, () => Buffer];
  const rows: Readonly<Record<string, Row>> = {
    'RSA with SHA-256': [
      sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing()),
      rsa.publicKey,
      () => sign('sha256', content, rsa.privateKey),
    ],
    'RSA-PSS': [
      pss,
      rsa.publicKey,
      () => sign('sha256', content, { key: rsa.privateKey, padding, saltLength: 32 }),
    ],
    'ECDSA with SHA-384': [
      sequence(objectIdentifier('1.2.840.10045.4.3.3')),
      p256.publicKey,
      () => sign('sha384', content, p256.privateKey),
    ],
    'ECDSA with SHA3-256': [
      sequence(objectIdentifier('2.16.840.1.101.3.4.3.10')),
      p256.publicKey,
      () => sign('sha3-256', content, p256.privateKey),
    ],
    Ed25519: [
      sequence(objectIdentifier('1.3.101.112')),
      ed25519.publicKey,
      () => sign(null, content, ed25519.privateKey),
    ],
  };
  for (const [what, [algorithm, key, signature]] of Object.entries(rows)) {
    it(`answers as isSignedBy does: ${what}`, () => {
      const signed: Signed = { content, algorithm, signature: signature() };
      const { value, steps } = drain(isSignedByInSteps(signed, key));
      assert.equal(value, true);
      assert.equal(steps >= 5, what !== 'Ed25519', String(steps));
      const others: readonly (readonly [Signed, KeyObject])[] = [
        [{ ...signed, content: Buffer.concat([content, Buffer.of(0)]) }, key],
        [{ ...signed, signature: signed.signature.with(40, signed.signature[40]! ^ 1) }, key],
        [{ ...signed, signature: new Uint8Array() }, key],
        [signed, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey],
        [signed, generateKeyPairSync('ed448').publicKey],
      ];
      assert.equal(isSignedBy(signed, key), true);
      for (const [other, by] of others) {
        assert.equal(isSignedBy(other, by), false);
        assert.equal(drain(isSignedByInSteps(other, by)).value, false);
      }
    });
  }

  it('refuses an algorithm that is not accepted', () => {
    const algorithm = sequence(objectIdentifier('1.2.840.113549.1.1.5'), nothing());
    const signed = { content, algorithm, signature: sign('sha1', content, rsa.privateKey) };
    const refusal = authError('ERR_CERTIFICATE_ALGORITHM');
    assert.throws(() => drain(isSignedByInSteps(signed, rsa.publicKey)), refusal);
  });
});

describe('isCrlSignedByInSteps', () => {
  const ca = testAuthority();
  const signer = readCertificate(ca.der);
  const stranger = readCertificate(testAuthority().der);
  const entries = Array.from({ length: 60_000 }, (_, i) => entryOf(BigInt(i)));

  it('leaves the answer for whoever asks next, and tells who signed', () => {
    const crl = crlOf(ca, { entries });
    assert.deepEqual(knownSigners(crl), []);
    const first = drain(isCrlSignedByInSteps(crl, signer));
    assert.equal(first.value, true);
    assert.ok(first.steps > 0);
    assert.deepEqual(drain(isCrlSignedByInSteps(crl, signer)), { value: true, steps: 0 });
    assert.equal(isCrlSignedBy(crl, signer), true);
    assert.equal(isCrlSignedBy(crl, stranger), false);
    assert.deepEqual(knownSigners(crl), [signer]);
  });
});
