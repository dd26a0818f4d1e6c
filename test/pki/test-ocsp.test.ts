import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { OcspOptions } from '../../src/pki/test-ocsp.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { configError } from '../support/errors.ts';
import { openssl, temporaryDirectory } from './openssl.ts';

const directory = temporaryDirectory();

function file(name: string, contents: string | Uint8Array): string {
  writeFileSync(join(directory, name), contents);
  return join(directory, name);
}

const authority = testAuthority();
const leaf = authority.issue();
const revoked = authority.issue();
authority.revoke(revoked, { reason: 'superseded', at: new Date('2026-01-02T03:04:05Z') });
const responder = authority.issue({ subject: 'responder', usage: 'ocspSigning' });

/** What openssl reads in a response about `leaf`, and whether it believes it. */
function opinion(options: OcspOptions, about = leaf): string {
  const ca = file('ca.pem', authority.cert);
  return openssl([
    ...['ocsp', '-respin', file('response.der', authority.ocsp(about, options)), '-resp_text'],
    ...['-CAfile', ca, '-issuer', ca, '-cert', file('leaf.pem', about.leaf), '-no_nonce'],
  ]).text;
}

describe('testAuthority().ocsp', () => {
  const believed = /Response verify OK/;

  it('says good of what was not revoked', () => {
    assert.match(opinion({}), believed);
    assert.match(opinion({}), /leaf\.pem: good/);
  });

  it('says revoked of what was, unless told otherwise', () => {
    const text = opinion({}, revoked);
    assert.match(text, believed);
    assert.match(text, /leaf\.pem: revoked/);
    assert.match(text, /Reason: superseded/);
    assert.match(text, /Revocation Time: Jan +2 03:04:05 2026 GMT/);
    assert.match(opinion({ status: 'good' }, revoked), /leaf\.pem: good/);
  });

  for (const [what, options, expected] of [
    ['a status', { status: 'unknown' }, /leaf\.pem: unknown/],
    ['a responder', { responder }, /Responder Id: CN = responder/],
    ['a responder by its key', { responder, responderId: 'key' }, /Responder Id: [0-9A-F]{40}/],
    ['an issuer by its key', { responderId: 'key' }, /Responder Id: [0-9A-F]{40}/],
    ['another hash for the issuer', { idHash: 'sha384' }, /Hash Algorithm: sha384/],
    ['another hash for the signature', { hash: 'sha512' }, /ecdsa-with-SHA512/],
    ['a nonce', { nonce: Buffer.from('abc') }, /OCSP Nonce:\s+0403616263/],
    ['the times', { producedAt: new Date('2026-01-01T00:00:00Z') }, /Produced At: Jan +1 00:00/],
  ] as const satisfies readonly (readonly [string, OcspOptions, RegExp])[]) {
    it(`writes ${what}`, () => {
      const text = opinion(options);
      // It finds no answer by another hash than it asks with, and believes the response all the same.
      assert.match(text, believed);
      assert.match(text, expected);
    });
  }

  it('leaves nextUpdate out', () => {
    assert.match(opinion({}), /Next Update/);
    assert.doesNotMatch(opinion({ nextUpdate: null }), /Next Update/);
  });

  it('makes responses that nobody believes', () => {
    const signWith = responder.keyPair.privateKey;
    for (const options of [{ tampered: true }, { signWith }, { responder, certificates: [] }]) {
      assert.match(opinion(options), /Response Verify Failure/);
    }
    assert.match(opinion({ refusal: 3 }), /trylater/);
  });

  it('refuses an option that is none', () => {
    const options = { nextupdate: null } as OcspOptions;
    assert.throws(
      () => authority.ocsp(leaf, options),
      configError('ocsp.nextupdate', /nextUpdate/),
    );
  });
});
