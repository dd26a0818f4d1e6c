import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type SignatureRequest,
  parseAcceptSignature,
  serialiseAcceptSignature,
} from 'countersign/signature';
import * as fc from 'fast-check';
import { AuthError } from '../../../src/errors.ts';
import { authError, configError } from '../../support/errors.ts';

// RFC 9421 section 5.1.
const field =
  'sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");' +
  'keyid="test-key-rsa-pss";created;tag="app-123"';
const request: SignatureRequest = {
  label: 'sig1',
  components: ['@method', '@target-uri', '@authority', 'content-digest', 'cache-control'],
  keyid: 'test-key-rsa-pss',
  created: true,
  tag: 'app-123',
};

describe('parseAcceptSignature', () => {
  it('reads the example of the RFC', () => {
    assert.deepEqual(parseAcceptSignature(field), [request]);
  });

  it('reads several requests, from several lines, and none', () => {
    const requests = parseAcceptSignature([
      'a=();created;nonce="x"',
      'b=("@status" "date";req);expires',
    ]);
    assert.deepEqual(requests, [
      { label: 'a', components: [], created: true, nonce: 'x' },
      { label: 'b', components: ['@status', 'date;req'], expires: true },
    ]);
    assert.deepEqual(parseAcceptSignature([]), []);
  });

  for (const text of [
    'a',
    'a="x"',
    'a=("@foo")',
    'a=("date" "date")',
    'a=();created=1',
    'a=();created=?0',
    'a=();nonce',
    'a=();keyid=1',
    'a=();foo="x"',
  ]) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseAcceptSignature(text), authError('ERR_SIGNATURE_MALFORMED'));
    });
  }

  it('refuses a label twice, and more labels than anybody needs', () => {
    for (const text of ['a=(), a=()', Array.from({ length: 17 }, (_, i) => `a${i}=()`).join(',')]) {
      assert.throws(() => parseAcceptSignature(text), authError('ERR_FIELD_MALFORMED'));
    }
  });

  it('answers any text with a value or an AuthError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a=(") ;,@metho-1?') }), (text) => {
        try {
          parseAcceptSignature(text);
        } catch (error) {
          assert.ok(error instanceof AuthError);
        }
      }),
    );
  });
});

describe('serialiseAcceptSignature', () => {
  it('writes the example of the RFC', () => {
    assert.equal(serialiseAcceptSignature([request]), field);
  });

  it('writes nothing for what is not wanted', () => {
    const requests = [
      { label: 'a', components: [], created: false, nonce: 'x' },
      { label: 'b', components: ['"date";req'] },
    ];
    assert.equal(serialiseAcceptSignature(requests), 'a=();nonce="x", b=("date";req)');
  });

  const wrong: readonly (readonly [what: string, requests: readonly object[], path: string])[] = [
    ['a label that is none', [{ label: 'A', components: [] }], '[0].label'],
    ['a label twice', [request, request], '[1].label'],
    ['a component that is none', [{ label: 'a', components: ['A'] }], '[0].components[0]'],
    ['an instant', [{ label: 'a', components: [], created: 5 }], '[0].created'],
    ['a parameter that is none', [{ label: 'a', components: [], foo: 'x' }], '[0].foo'],
    ['a nonce beyond ASCII', [{ label: 'a', components: [], nonce: '\u00e9' }], '[0].nonce'],
  ];
  for (const [what, requests, path] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => serialiseAcceptSignature(requests as readonly SignatureRequest[]),
        configError(path),
      );
    });
  }
});
