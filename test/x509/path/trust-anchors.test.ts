import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testAuthority } from '../../../src/pki/testing.ts';
import { type Certificate, readCertificate } from '../../../src/x509/certificate.ts';
import { hasSigned, publicKeyOf } from '../../../src/x509/path/trust-anchors.ts';
import { authError } from '../../support/errors.ts';

const root = testAuthority();
const issuer = readCertificate(root.der);
const stranger = readCertificate(testAuthority().der);
const der = root.intermediate().der;
const child = (): Certificate => readCertificate(Uint8Array.from(der));

/** Changes a bit in the middle of a certificate's signature, or changes it back. */
function flip({ signed: { signature } }: Certificate): void {
  signature[20]! ^= 1;
}

describe('publicKeyOf', () => {
  it('is imported once for the same certificate', () => {
    assert.equal(publicKeyOf(issuer), publicKeyOf(issuer));
  });
});

describe('hasSigned', () => {
  it('says whose key signed a certificate', () => {
    const one = child();
    assert.equal(hasSigned(issuer, one), true);
    assert.equal(hasSigned(stranger, one), false);
    assert.equal(hasSigned(readCertificate(root.der), one), true);
  });

  it('is found out once for the same two certificates', () => {
    const one = child();
    assert.equal(hasSigned(issuer, one), true);
    flip(one);
    assert.equal(hasSigned(issuer, one), true);
  });

  it('is found out anew for another copy of either', () => {
    const [one, copy] = [child(), child()];
    assert.equal(hasSigned(issuer, one), true);
    flip(copy);
    assert.equal(hasSigned(issuer, copy), false);
    flip(one);
    assert.equal(hasSigned(readCertificate(root.der), one), false);
  });

  it('remembers several issuers of one certificate', () => {
    const one = child();
    const both = [issuer, readCertificate(root.der)];
    for (const each of both) hasSigned(each, one);
    flip(one);
    assert.deepEqual(
      both.map((each) => hasSigned(each, one)),
      [true, true],
    );
  });

  it('does not remember who did not sign', () => {
    const one = child();
    flip(one);
    for (let i = 0; i < 2; i++) assert.equal(hasSigned(issuer, one), false);
    flip(one);
    assert.equal(hasSigned(issuer, one), true);
  });

  it('refuses a key that may not vouch for anything', () => {
    const weak = { ...issuer, spki: Uint8Array.of(0x30, 0) };
    assert.throws(() => hasSigned(weak, child()), authError('ERR_CERTIFICATE_MALFORMED'));
  });
});
