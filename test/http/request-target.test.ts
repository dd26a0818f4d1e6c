import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { effectiveAuthority, targetUri } from '../../src/http/request-target.ts';
import { authError } from '../support/errors.ts';

describe('effectiveAuthority', () => {
  const table = [
    ['/x', ['a.example'], 'a.example'],
    ['/x', ['A.example:443'], 'a.example'],
    ['/x', [], undefined],
    ['*', ['a.example'], 'a.example'],
    ['//evil.example/x', ['a.example'], 'a.example'],
    ['/http://evil.example/', ['a.example'], 'a.example'],
    ['/x?y=http://evil.example', ['a.example'], 'a.example'],
    ['https://a.example/x', ['a.example'], 'a.example'],
    ['https://a.example', [], 'a.example'],
    ['HTTPS://A.EXAMPLE?x', ['a.example:443'], 'a.example'],
    ['http://a.example#x', ['a.example'], 'a.example'],
  ] as const;
  for (const [target, hosts, expected] of table) {
    it(`takes ${target} with Host [${hosts}] for ${String(expected)}`, () => {
      assert.equal(effectiveAuthority(target, hosts, 'https'), expected);
    });
  }

  it('takes the :authority of HTTP/2, alone or beside the same Host', () => {
    assert.equal(effectiveAuthority('/x', [], 'https', 'A.example:443'), 'a.example');
    assert.equal(effectiveAuthority('/x', ['a.example'], 'https', 'a.example'), 'a.example');
  });

  for (const [target, hosts, pseudo, reason] of [
    ['/x', ['b.example'], 'a.example', /more than one/],
    ['https://b.example/x', [], 'a.example', /more than one/],
    ['/x', ['a.example', 'a.example'], 'a.example', /more than one/],
    ['/x', ['a.example'], 'user@a.example', /is no authority/],
    ['/x', ['a.example'], '', /is no authority/],
    ['/x', [''], 'a.example', /is no authority/],
  ] as const) {
    it(`refuses ${target} with Host [${hosts}] and :authority "${pseudo}"`, () => {
      assert.throws(
        () => effectiveAuthority(target, hosts, 'https', pseudo),
        authError('ERR_REQUEST_MALFORMED', reason),
      );
    });
  }

  const several = [
    ['/x', ['a.example', 'b.example']],
    ['/x', ['a.example', 'a.example']],
    ['https://b.example/x', ['a.example']],
    ['http://b.example/x', ['a.example']],
    ['HTTPS://b.example/x', ['a.example']],
    ['ws://b.example/x', ['a.example']],
    ['https://a.example:80/x', ['a.example']],
    ['https://a.example', ['a.example', 'a.example']],
  ] as const;
  for (const [target, hosts] of several) {
    it(`refuses ${target} with Host [${hosts}], which names several`, () => {
      assert.throws(
        () => effectiveAuthority(target, hosts, 'https'),
        authError('ERR_REQUEST_MALFORMED', /more than one/),
      );
    });
  }

  const none = [
    ['/x', ['']],
    ['/x', ['a.example/x']],
    ['/x', ['user@a.example']],
    ['https:///x', ['a.example']],
    ['https://user@a.example/x', ['a.example']],
    ['https://evil.example\\@a.example/x', ['a.example']],
  ] as const;
  for (const [target, hosts] of none) {
    it(`refuses ${target} with Host [${hosts}], one of which is none`, () => {
      assert.throws(
        () => effectiveAuthority(target, hosts, 'https'),
        authError('ERR_REQUEST_MALFORMED', /is no authority/),
      );
    });
  }

  it('compares by the scheme of the connection', () => {
    assert.equal(effectiveAuthority('http://a.example:80/', ['a.example'], 'http'), 'a.example');
    assert.throws(() => effectiveAuthority('http://a.example:80/', ['a.example'], 'https'));
  });
});

describe('targetUri', () => {
  const scheme = 'https';
  const authority = 'api.example';
  for (const [target, uri] of [
    ['/a/../b?c=%2f', 'https://api.example/a/../b?c=%2f'],
    ['*', 'https://api.example'],
    ['http://other.example/a?b', 'https://api.example/a?b'],
    ['HTTPS://other.example', 'https://api.example'],
    ['other.example:443', undefined],
    ['', undefined],
  ] as const) {
    it(`of ${JSON.stringify(target)} is ${String(uri)}`, () => {
      assert.equal(targetUri({ target, scheme, authority }), uri);
    });
  }

  it('is none where no authority is named', () => {
    assert.equal(targetUri({ target: '/', scheme, authority: undefined }), undefined);
  });
});
