// The vectors of C2SP's Wycheproof for the algorithms of RFC 9421, against the primitives that the engine
// verifies with.
import assert from 'node:assert/strict';
import { type KeyObject, createPublicKey, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import {
  type SignatureAlgorithm,
  algorithms,
} from '../../src/http/message-signatures/algorithms.ts';
import { checkKey } from '../../src/http/message-signatures/keys.ts';
import { describeVectors } from '../support/vectors.ts';

interface Group {
  readonly publicKeyPem?: string;
  readonly tests: readonly Vector[];
}

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly key?: string;
  readonly msg: string;
  readonly sig?: string;
  readonly tag?: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

/** What is to happen where it is not what the vectors say of their own algorithm. */
type Otherwise = 'none holds' | 'the key is refused';

const files: readonly (readonly [
  file: string,
  algorithm: SignatureAlgorithm,
  count: number,
  otherwise?: Otherwise,
])[] = [
  ['hmac_sha256', 'hmac-sha256', 174],
  ['ed25519', 'ed25519', 151],
  ['ecdsa_secp256r1_sha256_p1363', 'ecdsa-p256-sha256', 262],
  ['ecdsa_secp384r1_sha384_p1363', 'ecdsa-p384-sha384', 280],
  ['rsa_signature_2048_sha256', 'rsa-v1_5-sha256', 259],
  ['rsa_signature_3072_sha256', 'rsa-v1_5-sha256', 259],
  ['rsa_signature_4096_sha256', 'rsa-v1_5-sha256', 258],
  ['rsa_pss_4096_sha512_mgf1_64', 'rsa-pss-sha512', 179],
  ['rsa_pss_4096_sha512_mgf1_64_params', 'rsa-pss-sha512', 179],
  // Salts of 32 bytes, where RFC 9421 wants 64.
  ['rsa_pss_4096_sha512_mgf1_32', 'rsa-pss-sha512', 177, 'none holds'],
  ['rsa_pss_2048_sha512_mgf1sha256_32_params', 'rsa-pss-sha512', 178, 'the key is refused'],
  ['ecdsa_secp256r1_sha256_p1363', 'ecdsa-p384-sha384', 262, 'the key is refused'],
  ['ecdsa_secp521r1_sha512_p1363', 'ecdsa-p384-sha384', 318, 'the key is refused'],
  ['ed448', 'ed25519', 87, 'the key is refused'],
];

describeVectors('the algorithms on the vectors of Wycheproof', 'wycheproof', (folder) => {
  for (const [file, algorithm, count, otherwise] of files) {
    const text = readFileSync(join(folder, `${file}_test.json`), 'utf8');
    const groups = (JSON.parse(text) as { testGroups: readonly Group[] }).testGroups;
    const cases = groups.flatMap((group) => group.tests.map((vector) => ({ group, vector })));

    it(`${file} for ${algorithm}: there are ${count}`, () => assert.equal(cases.length, count));

    for (const { group, vector } of cases) {
      const { tcId, comment, result } = vector;
      const signature = Buffer.from(vector.sig ?? vector.tag ?? '', 'hex');
      const isShortSecret = vector.key !== undefined && vector.key.length < 64;
      const isCut = vector.tag !== undefined && signature.length < 32;
      const expected = isShortSecret ? 'the key is refused' : isCut ? 'none holds' : otherwise;

      it(`${file} ${tcId} for ${algorithm}, ${comment}: ${expected ?? result}`, () => {
        const key = keyOf(group, vector);
        if (expected === 'the key is refused') {
          assert.throws(() => checkKey(key, algorithm, 'verify', 'key'), ConfigError);
          return;
        }
        checkKey(key, algorithm, 'verify', 'key');
        const message = Buffer.from(vector.msg, 'hex').toString('latin1');
        const holds = algorithms[algorithm].verify(message, key, signature);
        if (expected === 'none holds') assert.equal(holds, false);
        else if (result !== 'acceptable') assert.equal(holds, result === 'valid');
      });
    }
  }
});

function keyOf({ publicKeyPem }: Group, { key }: Vector): KeyObject {
  if (publicKeyPem !== undefined) return createPublicKey(publicKeyPem);
  assert.ok(key !== undefined);
  return createSecretKey(Buffer.from(key, 'hex'));
}
