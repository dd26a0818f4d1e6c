import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  type DigestAlgorithm,
  checkDigest,
  contentDigest,
  wantedDigest,
} from 'countersign/signature';
import { authError } from '../support/errors.ts';
import { describeVectors } from '../support/vectors.ts';

interface Example {
  readonly section: string;
  readonly message: string;
  readonly digests: readonly {
    readonly field: string;
    readonly algorithm: DigestAlgorithm;
    readonly value: string;
    readonly matches_body_text: string | null;
  }[];
}

describeVectors('the examples of RFC 9530', 'rfc9530', (folder) => {
  const text = readFileSync(join(folder, 'rfc-examples.json'), 'utf8');
  const examples = JSON.parse(text) as readonly Example[];
  assert.equal(examples.length, 28);

  for (const [i, { section, message, digests }] of examples.entries()) {
    const name = `${i} ${section.replace(/ \{.*/, '')}`;
    for (const { field, algorithm, value, matches_body_text: content } of digests) {
      const line = `${algorithm}=:${value}:`;
      if (content !== null) {
        it(`${name}: ${field} of ${algorithm} is that of the content`, () => {
          assert.equal(contentDigest(content, algorithm), line);
          checkDigest(line, content);
          assert.throws(() => checkDigest(line, `${content} `), authError('ERR_DIGEST_MISMATCH'));
        });
      } else if (value.length % 4 !== 0) {
        // A slip of the RFC's own: 44 characters of base64 and one too many to pad them.
        it(`${name}: ${field} of ${algorithm} is not base64`, () => {
          assert.throws(() => checkDigest(line, ''), authError('ERR_FIELD_MALFORMED'));
        });
      } else {
        it(`${name}: ${field} of ${algorithm} is read, and is that of another content`, () => {
          assert.throws(() => checkDigest(line, 'x'), authError('ERR_DIGEST_MISMATCH'));
        });
      }
    }
    for (const [, field, value] of message.matchAll(/^(Want-[\w-]+): (.*)$/gm)) {
      it(`${name}: ${field}: ${value}`, () => {
        // What is wanted most, among what proves something.
        assert.equal(
          wantedDigest(value!),
          ['sha-256', 'sha-512'].find((one) => value!.includes(one)),
        );
      });
    }
  }
});
