import assert from 'node:assert/strict';
import { verify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readCertificate, type Signed } from '../../src/x509/certificate.ts';
import { ocspStatus, type OcspQuestion } from '../../src/x509/ocsp/status.ts';
import { isSignedBy } from '../../src/x509/signature.ts';
import { describeVectors } from '../support/vectors.ts';

interface Manifest {
  readonly verify_time: string;
  readonly max_age_seconds: number;
  readonly cases: readonly { readonly file: string; readonly revocation_status: string }[];
}

/** Where we answer `unknown` and the vectors do not, and why. */
const stricter: Readonly<Record<string, string>> = {
  'good_response_invalid_serial.pem': 'the serial number is padded, which DER forbids',
  'has_critical_ct_extension.pem': 'the extension is critical, and nothing here acts upon it',
};

describeVectors('ocspStatus on the vectors of BoringSSL', 'boringssl-ocsp', (folder) => {
  const manifest = JSON.parse(readFileSync(join(folder, 'ocsp.json'), 'utf8')) as Manifest;
  assert.equal(manifest.cases.length, 36);
  const conditions = { at: new Date(manifest.verify_time), maxAge: manifest.max_age_seconds };

  for (const { file, revocation_status: expected } of manifest.cases) {
    const name = file.replace(/^.*\//, '');
    const [response, question] = asked(readFileSync(join(folder, file), 'utf8'), conditions);

    const reason = stricter[name];
    if (reason !== undefined) {
      it(`${name}: unknown, because ${reason}`, () => {
        assert.notEqual(expected, 'UNKNOWN');
        assert.equal(answer(response, question, leniently), 'unknown');
      });
      continue;
    }
    it(`${name}: ${expected}`, () => {
      assert.equal(answer(response, question, leniently), expected.toLowerCase());
    });
  }

  it('relies only on the one that is not signed with SHA-1', () => {
    const relied = manifest.cases.filter(({ file }) => {
      const pem = readFileSync(join(folder, file), 'utf8');
      return answer(...asked(pem, conditions), isSignedBy) !== 'unknown';
    });
    assert.deepEqual(
      relied.map(({ file }) => file),
      ['ocsp_unittest/good_response_sha256.pem'],
    );
  });
});

function asked(
  pem: string,
  conditions: Pick<OcspQuestion, 'at' | 'maxAge'>,
): readonly [response: Buffer, question: () => OcspQuestion] {
  const question = (): OcspQuestion => ({
    certificate: readCertificate(block(pem, 'CERTIFICATE')),
    issuer: readCertificate(block(pem, 'CA CERTIFICATE')),
    ...conditions,
  });
  return [block(pem, 'OCSP RESPONSE'), question];
}

function answer(
  response: Uint8Array,
  question: () => OcspQuestion,
  isSigned: typeof isSignedBy,
): string {
  try {
    return ocspStatus(response, question(), isSigned).status;
  } catch {
    // A certificate that cannot be read is never asked about.
    return 'unknown';
  }
}

// All are signed with RSA over SHA-1, but one over SHA-256, and all leave out the NULL that RFC 4055 wants
// with it. The package accepts neither, so that the signatures are the test's own business.
function leniently(signed: Signed, key: KeyObject): boolean {
  const hash = hashes[Buffer.from(signed.algorithm).toString('hex')];
  return hash === undefined
    ? isSignedBy(signed, key)
    : verify(hash, signed.content, key, signed.signature);
}

const hashes: Readonly<Record<string, string>> = {
  '300b06092a864886f70d010105': 'sha1',
  '300b06092a864886f70d01010b': 'sha256',
};

function block(pem: string, label: string): Buffer {
  const found = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END`).exec(pem);
  assert.ok(found, label);
  return Buffer.from(found[1]!, 'base64');
}
