import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkDigest,
  checkingDigest,
  contentDigest,
  digestContent,
  wantDigest,
  wantedDigest,
} from 'countersign/signature';
import * as fc from 'fast-check';
import { AuthError } from '../../src/errors.ts';
import { authError, configError } from '../support/errors.ts';

const content = '{"hello": "world"}\n';
const sha256 = contentDigest(content);
const sha512 = contentDigest(content, 'sha-512');
const mismatch = authError('ERR_DIGEST_MISMATCH');

describe('contentDigest', () => {
  it('is the one that RFC 9530 appendix B.1 prints', () => {
    assert.equal(sha256, 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
  });

  it('takes only algorithms that prove something', () => {
    for (const algorithm of ['md5', 'sha', 'SHA-256', 'constructor']) {
      assert.throws(() => contentDigest(content, algorithm as never), configError('algorithm'));
    }
  });

  it('is the same for content that comes in parts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array()),
        fc.constantFrom('sha-256', 'sha-512'),
        (parts, algorithm) => {
          const digesting = digestContent(algorithm);
          for (const part of parts) digesting.chunk(part);
          const field = digesting.end();
          assert.equal(field, contentDigest(Buffer.concat(parts), algorithm));
          const check = checkingDigest(field);
          for (const part of parts) check.chunk(part);
          check.end();
        },
      ),
    );
  });
});

describe('checkDigest', () => {
  it('accepts one digest or both, and passes over those that prove nothing', () => {
    for (const field of [
      sha256,
      sha512,
      `${sha512}, ${sha256}`,
      [sha256, sha512],
      `md5=:YQ==:, ${sha256}, unknown=:YQ==:`,
    ]) {
      checkDigest(field, content);
    }
  });

  it('refuses another content, cut, longer or empty', () => {
    for (const other of ['', content.slice(0, -1), `${content} `, content.toUpperCase()]) {
      assert.throws(() => checkDigest(sha256, other), mismatch);
    }
  });

  it('refuses where one of two digests is wrong', () => {
    const wrong = contentDigest('other', 'sha-512');
    assert.throws(() => checkDigest(`${sha256}, ${wrong}`, content), mismatch);
    assert.throws(() => checkDigest(`${wrong}, ${sha256}`, content), mismatch);
  });

  it('refuses where no digest proves anything', () => {
    for (const field of [
      '',
      [],
      'md5=:YQ==:',
      'unixsum=:YQ==:, sha=:YQ==:',
      'constructor=:YQ==:',
    ]) {
      assert.throws(() => checkDigest(field, content), mismatch);
    }
  });

  for (const field of [
    'sha-256',
    'sha-256=x',
    'sha-256=()',
    'sha-256=:YQ==:',
    'sha-512=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    'md5=1',
    `${sha256}, ${sha256}`,
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:',
  ]) {
    it(`refuses ${field}`, () => {
      assert.throws(() => checkDigest(field, content), authError('ERR_FIELD_MALFORMED'));
    });
  }

  it('answers any field with a value or an AuthError', () => {
    const unit = fc.constantFrom(...'sha-2561=:,() a"');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit })), (field) => {
        assert.throws(() => checkDigest(field, content), AuthError);
        try {
          wantedDigest(field);
        } catch (error) {
          assert.ok(error instanceof AuthError);
        }
      }),
    );
  });
});

describe('wantedDigest', () => {
  const table: readonly (readonly [field: string, wanted: string | undefined])[] = [
    ['sha-256=1', 'sha-256'],
    ['sha-512=3, sha-256=10, unixsum=0', 'sha-256'],
    ['sha-512=10, sha-256=10', 'sha-512'],
    ['sha-256=0, sha-512=1', 'sha-512'],
    ['sha-256=0', undefined],
    ['sha=10', undefined],
    ['', undefined],
  ];
  for (const [field, wanted] of table) {
    it(`reads ${JSON.stringify(field)} as ${wanted}`, () =>
      assert.equal(wantedDigest(field), wanted));
  }

  for (const field of [
    'sha-256',
    'sha-256=11',
    'sha-256=-1',
    'sha-256=1.0',
    'sha-256=()',
    'md5=x',
  ]) {
    it(`refuses ${field}`, () => {
      assert.throws(() => wantedDigest(field), authError('ERR_FIELD_MALFORMED'));
    });
  }

  it('reads what wantDigest writes', () => {
    assert.equal(wantDigest('sha-512', 'sha-256'), 'sha-512=10, sha-256=9');
    assert.equal(wantedDigest(wantDigest('sha-512', 'sha-256')), 'sha-512');
  });
});
