import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { parseSpiffeId, spiffeIdOf } from '../../src/x509/spiffe.ts';
import { authError } from '../support/errors.ts';
import { describeVectors } from '../support/vectors.ts';

describe('parseSpiffeId', () => {
  const domain255 = 'd'.repeat(255);
  for (const [text, trustDomain, path] of [
    ['spiffe://bank.example/ns/teller', 'bank.example', '/ns/teller'],
    ['spiffe://bank.example', 'bank.example', ''],
    ['spiffe://a-b_c.1/x', 'a-b_c.1', '/x'],
    ['spiffe://10.2.3.4/Teller-1_2.3', '10.2.3.4', '/Teller-1_2.3'],
    ['spiffe://a/...', 'a', '/...'],
    ['spiffe://a/.x/x..y/x.', 'a', '/.x/x..y/x.'],
    [`spiffe://${domain255}/x`, domain255, '/x'],
    [`spiffe://a/${'x'.repeat(2037)}`, 'a', `/${'x'.repeat(2037)}`],
  ] as const) {
    it(`reads ${text.slice(0, 60)}`, () => {
      assert.deepEqual(parseSpiffeId(text), { trustDomain, path });
    });
  }

  for (const text of [
    '',
    'spiffe:',
    'spiffe://',
    'spiffe:///x',
    'spiffe:/a/x',
    'SPIFFE://a/x',
    'Spiffe://a/x',
    'https://a/x',
    ' spiffe://a/x',
    'spiffe://a/x ',
    'spiffe://a/x\n',
    'spiffe://a/',
    'spiffe://a/x/',
    'spiffe://a//x',
    'spiffe://a/x//y',
    'spiffe://a/./x',
    'spiffe://a/x/.',
    'spiffe://a/../x',
    'spiffe://a/x/..',
    'spiffe://A/x',
    'spiffe://Bank.example/x',
    'spiffe://a:443/x',
    'spiffe://user@a/x',
    'spiffe://user:pass@a/x',
    'spiffe://[::1]/x',
    'spiffe://a%2eb/x',
    'spiffe://b\u00fccher/x',
    'spiffe://a/%41',
    'spiffe://a/x%2fy',
    'spiffe://a/x?y',
    'spiffe://a?y',
    'spiffe://a/x#y',
    'spiffe://a/x:y',
    'spiffe://a/x~y',
    'spiffe://a/x*',
    'spiffe://a/x y',
    'spiffe://a/x\\y',
    'spiffe://a/x\0',
    'spiffe://a/\u0445',
    `spiffe://${domain255}d/x`,
    `spiffe://a/${'x'.repeat(2038)}`,
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.equal(parseSpiffeId(text), undefined);
    });
  }

  it('takes an ID apart without a loss', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,5}$/);
    const path = fc.array(segment, { maxLength: 4 }).map((all) => all.map((s) => `/${s}`).join(''));
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9._-]{1,9}$/), path, (trustDomain, given) => {
        const parsed = parseSpiffeId(`spiffe://${trustDomain}${given}`);
        const hasDots = given.split('/').some((each) => each === '.' || each === '..');
        assert.deepEqual(parsed, hasDots ? undefined : { trustDomain, path: given });
      }),
    );
  });
});

describe('spiffeIdOf', () => {
  const root = testAuthority();
  const id = 'spiffe://bank.example/teller';
  const idOf = (options: IssueOptions): string | undefined =>
    spiffeIdOf(readCertificate(root.issue(options).der));

  it('is the one SPIFFE ID, whatever other names stand beside it', () => {
    assert.equal(idOf({ spiffeId: id }), id);
    const beside = { spiffeId: id, dnsNames: ['a.example'], emails: ['a@b.example'], ips: ['::1'] };
    assert.equal(idOf(beside), id);
  });

  it('is undefined where none is claimed', () => {
    for (const options of [{}, { uris: ['https://a/x'] }, { uris: ['urn:spiffe:a', 'urn:b'] }]) {
      assert.equal(idOf(options), undefined);
    }
    assert.equal(idOf({ ca: true, dnsNames: ['a.example'] }), undefined);
  });

  const wrong: readonly (readonly [
    what: string,
    options: IssueOptions,
    code: 'ERR_CERTIFICATE_NAME' | 'ERR_CERTIFICATE_USAGE',
    says: RegExp,
  ])[] = [
    ['two IDs', { uris: [id, `${id}/2`] }, 'ERR_CERTIFICATE_NAME', /second URI/],
    ['the same ID twice', { uris: [id, id] }, 'ERR_CERTIFICATE_NAME', /second URI/],
    ['a URI of another kind after it', { uris: [id, 'urn:x'] }, 'ERR_CERTIFICATE_NAME', /second/],
    ['a URI of another kind before it', { uris: ['urn:x', id] }, 'ERR_CERTIFICATE_NAME', /second/],
    ['a trust domain alone', { uris: ['spiffe://a'] }, 'ERR_CERTIFICATE_NAME', /trust domain/],
    ['an upper-case scheme', { uris: ['SPIFFE://a/x'] }, 'ERR_CERTIFICATE_NAME', /no SPIFFE ID/],
    ['an upper-case domain', { uris: ['spiffe://A/x'] }, 'ERR_CERTIFICATE_NAME', /no SPIFFE ID/],
    ['dot segments', { uris: ['spiffe://a/../x'] }, 'ERR_CERTIFICATE_NAME', /no SPIFFE ID/],
    ['percent-encoding', { uris: ['spiffe://a/%78'] }, 'ERR_CERTIFICATE_NAME', /no SPIFFE ID/],
    ['a trailing slash', { uris: ['spiffe://a/'] }, 'ERR_CERTIFICATE_NAME', /no SPIFFE ID/],
    ['nothing but the scheme', { uris: ['spiffe:x'] }, 'ERR_CERTIFICATE_NAME', /no SPIFFE ID/],
    [
      'an authority',
      { spiffeId: id, ca: true, keyUsage: ['digitalSignature'] },
      'ERR_CERTIFICATE_USAGE',
      /sign others/,
    ],
    [
      'a key that signs certificates',
      { spiffeId: id, keyUsage: ['digitalSignature', 'keyCertSign'] },
      'ERR_CERTIFICATE_USAGE',
      /sign others/,
    ],
    [
      'a key that signs CRLs',
      { spiffeId: id, keyUsage: ['digitalSignature', 'cRLSign'] },
      'ERR_CERTIFICATE_USAGE',
      /sign others/,
    ],
    [
      'a key that may not sign',
      { spiffeId: id, keyUsage: ['keyAgreement'] },
      'ERR_CERTIFICATE_USAGE',
      /digitalSignature/,
    ],
    ['no key usage', { spiffeId: id, keyUsage: null }, 'ERR_CERTIFICATE_USAGE', /digitalSignature/],
  ];
  for (const [what, options, code, says] of wrong) {
    it(`refuses a claim with ${what}`, () => {
      assert.throws(() => idOf(options), authError(code, says));
    });
  }

  it('bears a certificate without basic constraints', () => {
    assert.equal(idOf({ spiffeId: id, ca: null }), id);
  });
});

describeVectors("go-spiffe's X.509-SVIDs", 'spiffe/svid/x509svid/testdata', (folder) => {
  for (const file of readdirSync(folder).filter((name) => /^(good|wrong)-/.test(name))) {
    const text = readFileSync(join(folder, file), 'utf8');
    const chain = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    const [leaf, ...intermediates] = chain.map((pem) =>
      readCertificate(new X509Certificate(pem).raw),
    );
    if (file.startsWith('good-')) {
      it(`reads ${file}`, () => assert.match(spiffeIdOf(leaf!) ?? '', /^spiffe:\/\/[^/]+\//));
    } else if (file.startsWith('wrong-leaf-empty-id')) {
      // No SPIFFE ID is no SVID; it is left to the caller whether that is allowed.
      it(`finds nobody in ${file}`, () => assert.equal(spiffeIdOf(leaf!), undefined));
    } else if (file.startsWith('wrong-leaf-')) {
      it(`refuses ${file}`, () => {
        assert.throws(() => spiffeIdOf(leaf!), authError('ERR_CERTIFICATE_USAGE'));
      });
    } else {
      it(`sees that the intermediate of ${file} may not sign`, () => {
        const maySign = ({ basicConstraints, keyUsage }: (typeof intermediates)[number]): boolean =>
          basicConstraints?.ca === true && keyUsage?.has('keyCertSign') === true;
        assert.equal(intermediates.every(maySign), false);
      });
    }
  }
});
