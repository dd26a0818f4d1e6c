import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AuthError } from '../../src/errors.ts';
import { canonicalAuthority } from '../../src/http/authority.ts';
import { authError } from '../support/errors.ts';

describe('canonicalAuthority', () => {
  const table: readonly (readonly [text: string, http: string, https: string])[] = [
    ['a.example', 'a.example', 'a.example'],
    ['A.Example', 'a.example', 'a.example'],
    ['a.example.', 'a.example', 'a.example'],
    ['a.example:80', 'a.example', 'a.example:80'],
    ['a.example:443', 'a.example:443', 'a.example'],
    ['a.example.:443', 'a.example:443', 'a.example'],
    ['a.example:', 'a.example', 'a.example'],
    ['a.example:8443', 'a.example:8443', 'a.example:8443'],
    ['a.example:0443', 'a.example:0443', 'a.example:0443'],
    ['192.0.2.7:80', '192.0.2.7', '192.0.2.7:80'],
    ['[::1]', '[::1]', '[::1]'],
    ['[2001:DB8::A]:443', '[2001:db8::a]:443', '[2001:db8::a]'],
    ['a%2Fb', 'a%2fb', 'a%2fb'],
    ["a-_~!$&'()*+,;=b", "a-_~!$&'()*+,;=b", "a-_~!$&'()*+,;=b"],
  ];
  for (const [text, http, https] of table) {
    it(`writes ${text} as ${http} on http and ${https} on https`, () => {
      assert.equal(canonicalAuthority(text, 'http'), http);
      assert.equal(canonicalAuthority(text, 'https'), https);
    });
  }

  for (const text of [
    '',
    '.',
    ':443',
    'user@a.example',
    'user:pass@a.example',
    'a.example/x',
    'a.example?x',
    'a.example#x',
    'a.example\\x',
    'a example',
    ' a.example',
    'a.example ',
    'a.example\n',
    'a.example\0',
    'a.example:80:80',
    'a.example:-1',
    'a.example:123456',
    'a.example:8x',
    '::1',
    '[::1',
    '::1]',
    '[]',
    '[::1]x',
    '[::1].',
    '[a.example]',
    'a[1]',
    '[1]a',
    '[::1%25eth0]',
    '[v1.x]',
    'a%',
    'a%2',
    'a%zz',
    'b\u00fccher.example',
    'ban\u212a.example',
    '[\u212a::1]',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      for (const scheme of ['http', 'https'] as const) {
        assert.throws(
          () => canonicalAuthority(text, scheme),
          authError('ERR_REQUEST_MALFORMED', /is no authority$/),
        );
      }
    });
  }

  it('does not repeat user information, which may hold a password', () => {
    assert.throws(
      () => canonicalAuthority('user:secret@x@api.example', 'https'),
      authError('ERR_REQUEST_MALFORMED', /^"\.\.\.@api\.example" is no authority$/),
    );
  });

  it('answers every text with one that it would not change, or with a refusal', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.webAuthority({ withPort: true, withIPv6: true })).map(([text]) => text),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom('http', 'https'), (text, scheme) => {
        let once: string;
        try {
          once = canonicalAuthority(text, scheme);
        } catch (error) {
          return assert.ok(error instanceof AuthError);
        }
        assert.equal(once, once.toLowerCase());
        // A second trailing dot would go too; such a name equals none that is configured.
        if (!/\.(:|$)/.test(once)) assert.equal(canonicalAuthority(once, scheme), once);
      }),
    );
  });
});
