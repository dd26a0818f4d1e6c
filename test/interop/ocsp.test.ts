import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type TestAuthority, type TestCertificate, testAuthority } from '../../src/pki/testing.ts';
import { createFetcher } from '../../src/revocation/fetcher.ts';
import { type OcspSourceOptions, ocspSource } from '../../src/revocation/ocsp-source.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { ocspRequest } from '../../src/x509/ocsp/request.ts';
import { ocspStatus } from '../../src/x509/ocsp/status.ts';
import { openssl, temporaryDirectory } from '../pki/openssl.ts';

const directory = temporaryDirectory();
const authority = testAuthority({ subject: 'CA' });
const issuer = readCertificate(authority.der);
const year = 365 * 86_400_000;

function file(name: string, contents: string | Uint8Array): string {
  writeFileSync(join(directory, name), contents);
  return join(directory, name);
}

interface Responder {
  readonly signer: TestCertificate | TestAuthority;
  readonly options?: readonly string[];
}

/** What `openssl ocsp` answers. It reads and writes files: as a server it would listen everywhere. */
function answerOf(request: Uint8Array, { signer, options = [] }: Responder): Buffer {
  const response = join(directory, 'response.der');
  const { ok, text } = openssl([
    ...['ocsp', '-index', index, '-CA', file('ca.pem', authority.cert)],
    ...['-rsigner', file('signer.pem', signer.cert), '-rkey', file('signer.key', signer.key)],
    ...['-reqin', file('request.der', request), '-respout', response, ...options],
  ]);
  assert.ok(ok, text);
  return readFileSync(response);
}

const lasting = ['-ndays', '1'];
let responder: Responder = { signer: authority };
const server = createServer((request, response) => {
  assert.equal(request.headers['content-type'], 'application/ocsp-request');
  void buffer(request).then((body) => response.end(answerOf(body, responder)));
});
let url = '';
let good: TestCertificate;
let revoked: TestCertificate;
let stranger: TestCertificate;
let index = '';

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const issue = () => authority.issue({ ocspUris: [url], notAfter: new Date(Date.now() + year) });
  [good, revoked, stranger] = [issue(), issue(), issue()];
  const row = (state: string, { serialNumber }: TestCertificate) =>
    `${state}\t${serialNumber.padStart(32, '0')}\tunknown\t/CN=test leaf\n`;
  // The openssl program's own data base: state, end, revocation, serial number, file, subject.
  index = file(
    'index.txt',
    row('V\t491231235959Z\t', good) + row('R\t491231235959Z\t260102030405Z,keyCompromise', revoked),
  );
});
after(() => server.close());

async function ask(leaf: TestCertificate, options: Partial<OcspSourceOptions> = {}) {
  const fetchBytes = createFetcher({ insecureAllowPrivateAddresses: true });
  const source = ocspSource({ fetchBytes, nonce: 'require', ...options });
  return source(readCertificate(leaf.der), issuer);
}

describe('ocspSource against the responder of openssl', () => {
  for (const [what, signer] of [
    ['the issuer', authority],
    ['a delegated responder', authority.issue({ subject: 'R', usage: 'ocspSigning' })],
    [
      'a delegated responder with RSA',
      authority.issue({ subject: 'R', usage: 'ocspSigning', keyType: 'rsa-2048' }),
    ],
  ] as const) {
    for (const options of [[], lasting, [...lasting, '-resp_key_id'], ['-rmd', 'sha512']]) {
      it(`believes ${what} (${options.join(' ') || 'without options'})`, async () => {
        responder = { signer, options };
        const answer = await ask(good);
        assert.equal(answer.status, 'good', JSON.stringify(answer));
        assert.deepEqual(await ask(revoked), {
          status: 'revoked',
          revokedAt: new Date('2026-01-02T03:04:05Z'),
          reason: 'keyCompromise',
        });
        assert.deepEqual(await ask(stranger), {
          status: 'unknown',
          why: 'the OCSP response does not know the certificate',
        });
      });
    }
  }

  for (const [what, signer, why] of [
    ['another leaf', authority.issue(), /not meant for OCSP/],
    [
      'a responder of another CA',
      testAuthority().issue({ usage: 'ocspSigning' }),
      /did not appoint/,
    ],
    ['another CA', testAuthority({ subject: 'CA' }), /wrong signature|not meant/],
  ] as const) {
    it(`does not believe ${what}`, async () => {
      responder = { signer, options: lasting };
      const answer = await ask(good);
      assert.equal(answer.status, 'unknown');
      assert.match(answer.status === 'unknown' ? answer.why : '', why);
    });
  }

  it('does not believe a signature with SHA-1', async () => {
    responder = { signer: authority, options: ['-rmd', 'sha1'] };
    assert.equal((await ask(good)).status, 'unknown');
  });

  it('does not believe a responder that it does not see', async () => {
    const signer = authority.issue({ usage: 'ocspSigning' });
    responder = { signer, options: ['-resp_no_certs'] };
    assert.equal((await ask(good)).status, 'unknown');
  });
});

describe('ocspRequest and ocspStatus against openssl', () => {
  it('writes what openssl writes', () => {
    const ours = ocspRequest(readCertificate(good.der), issuer);
    const theirs = join(directory, 'theirs.der');
    openssl([
      ...['ocsp', '-issuer', file('ca.pem', authority.cert), '-cert', file('leaf.pem', good.leaf)],
      ...['-no_nonce', '-reqout', theirs],
    ]);
    assert.deepEqual(ours, readFileSync(theirs));
  });

  it('writes a nonce that openssl reads', () => {
    const request = ocspRequest(readCertificate(good.der), issuer, Buffer.alloc(32, 0xab));
    const { text } = openssl(['ocsp', '-reqin', file('request.der', request), '-req_text']);
    assert.match(text, /OCSP Nonce:\s+0420(AB){32}/);
  });

  for (const hash of ['sha256', 'sha384', 'sha512']) {
    it(`reads a response to a request by ${hash}`, () => {
      const request = join(directory, 'theirs.der');
      const of = ['-issuer', file('ca.pem', authority.cert)];
      openssl([
        ...['ocsp', `-${hash}`, ...of, '-cert', file('leaf.pem', revoked.leaf)],
        ...['-reqout', request],
      ]);
      const response = answerOf(readFileSync(request), { signer: authority });
      const question = { certificate: readCertificate(revoked.der), issuer, at: new Date() };
      assert.equal(ocspStatus(response, question).status, 'revoked');
    });
  }

  it('says what openssl says of a response of the test kit', () => {
    const leaf = authority.issue();
    const signer = authority.issue({ usage: 'ocspSigning' });
    const response = file('ours.der', authority.ocsp(leaf, { responder: signer }));
    const ca = file('ca.pem', authority.cert);
    const { text } = openssl([
      ...['ocsp', '-respin', response, '-CAfile', ca, '-issuer', ca],
      ...['-cert', file('leaf.pem', leaf.leaf), '-no_nonce'],
    ]);
    assert.match(text, /Response verify OK/);
    assert.match(text, /leaf\.pem: good/);
  });
});
