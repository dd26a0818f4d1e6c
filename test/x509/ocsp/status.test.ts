import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  element,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from '../../../src/pki/der-writer.ts';
import type { OcspOptions } from '../../../src/pki/test-ocsp.ts';
import {
  type TestAuthority,
  type TestCertificate,
  testAuthority,
} from '../../../src/pki/testing.ts';
import { readCertificate } from '../../../src/x509/certificate.ts';
import { ocspRequest } from '../../../src/x509/ocsp/request.ts';
import { type OcspQuestion, ocspStatus } from '../../../src/x509/ocsp/status.ts';
import { certIdIn, merged, ocspOfType, resigned } from '../../support/ocsp.ts';

const authority = testAuthority({ subject: 'responsible' });
const alice = authority.issue();
const bob = authority.issue();
const delegate = authority.issue({ subject: 'responder', usage: 'ocspSigning' });

const at = new Date(Date.now() - (Date.now() % 1000));
const minute = 60_000;
const day = 86_400_000;
const after = (ms: number): Date => new Date(at.getTime() + ms);
const unknownExtension = { oid: '1.2.3.4', value: Buffer.of(5, 0) };
const criticalExtension = { ...unknownExtension, critical: true };

function status(
  response: Uint8Array,
  more: Partial<OcspQuestion> = {},
  issuer: TestAuthority = authority,
) {
  return ocspStatus(response, {
    certificate: readCertificate(alice.der),
    issuer: readCertificate(issuer.der),
    at,
    ...more,
  });
}

/** The status of a response by the authority about alice. */
function said(options: OcspOptions = {}, more: Partial<OcspQuestion> = {}) {
  return status(authority.ocsp(alice, options), more);
}

function assertUnknown(found: ReturnType<typeof status>, why: RegExp): void {
  assert.equal(found.status, 'unknown');
  assert.match(found.status === 'unknown' ? found.why : '', why);
}

describe('ocspStatus', () => {
  it('takes the word of the issuer', () => {
    const nextUpdate = after(day);
    assert.deepEqual(said({ nextUpdate }), { status: 'good', until: nextUpdate });
  });

  it('gives the time and the reason of a revocation', () => {
    const ca = testAuthority();
    const leaf = ca.issue();
    ca.revoke(leaf, { at: after(-day), reason: 'keyCompromise' });
    assert.deepEqual(
      ocspStatus(ca.ocsp(leaf), {
        certificate: readCertificate(leaf.der),
        issuer: readCertificate(ca.der),
        at,
      }),
      { status: 'revoked', revokedAt: after(-day), reason: 'keyCompromise' },
    );
  });

  it('passes on that the responder does not know', () => {
    assertUnknown(said({ status: 'unknown' }), /does not know/);
  });

  for (const idHash of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
    it(`understands an issuer named by ${idHash}`, () => {
      assert.equal(said({ idHash }).status, 'good');
    });
  }

  for (const keyType of ['ec-p384', 'ec-p521', 'rsa-2048', 'ed25519'] as const) {
    it(`verifies a signature by ${keyType}`, () => {
      const ca = testAuthority({ keyType });
      const leaf = ca.issue();
      const question = { certificate: readCertificate(leaf.der) };
      assert.equal(status(ca.ocsp(leaf), question, ca).status, 'good');
      assertUnknown(status(ca.ocsp(leaf, { tampered: true }), question, ca), /wrong signature/);
    });
  }

  it('refuses a signature with SHA-1', () => {
    assertUnknown(said({ hash: 'sha1' }), /^the OCSP response has a signature algorithm/);
  });

  it('takes the worst of several answers', () => {
    const ca = testAuthority();
    const leaf = ca.issue();
    const question = { certificate: readCertificate(leaf.der) };
    ca.revoke(leaf);
    const revoked = ca.ocsp(leaf);
    const good = ca.ocsp(leaf, { status: 'good' });
    const dunno = ca.ocsp(leaf, { status: 'unknown' });
    for (const [some, expected] of [
      [[good, revoked], 'revoked'],
      [[dunno, revoked, good], 'revoked'],
      [[revoked, dunno], 'revoked'],
      [[good, dunno], 'unknown'],
      [[good, good], 'good'],
    ] as const) {
      assert.equal(status(merged(some, ca), question, ca).status, expected);
    }
  });
});

describe('ocspStatus: who may answer', () => {
  const by = (responder: TestCertificate, more: OcspOptions = {}) => said({ responder, ...more });

  it('takes the word of a responder that the issuer appointed', () => {
    assert.equal(by(delegate).status, 'good');
    assert.equal(by(delegate, { responderId: 'key' }).status, 'good');
    assert.equal(said({ responderId: 'key' }).status, 'good');
  });

  it('finds it among other certificates', () => {
    const namesake = authority.issue({ subject: 'responder', usage: 'ocspSigning' });
    const certificates = [bob.der, namesake.der, delegate.der];
    assert.equal(by(delegate, { certificates }).status, 'good');
  });

  it('believes a responder no longer than its certificate', () => {
    const notAfter = after(minute);
    const short = authority.issue({ usage: 'ocspSigning', notAfter });
    assert.deepEqual(by(short), { status: 'good', until: notAfter });
  });

  const wrong: Readonly<Record<string, readonly [TestCertificate, RegExp]>> = {
    'another leaf of the issuer': [bob, /not meant for OCSP/],
    'a leaf for any purpose': [authority.issue({ usage: 'any' }), /not meant for OCSP/],
    'a leaf without purposes': [authority.issue({ usage: null }), /not meant for OCSP/],
    'a key that may not sign': [
      authority.issue({ usage: 'ocspSigning', keyUsage: ['keyEncipherment'] }),
      /may not sign/,
    ],
    'an expired responder': [
      authority.issue({ usage: 'ocspSigning', notAfter: after(-minute) }),
      /not valid now/,
    ],
    'a responder of the future': [
      authority.issue({ usage: 'ocspSigning', notBefore: after(minute) }),
      /not valid now/,
    ],
    'an unknown critical extension': [
      authority.issue({ usage: 'ocspSigning', extensions: [criticalExtension] }),
      /unknown critical extension/,
    ],
    'a responder of another CA': [
      testAuthority().issue({ usage: 'ocspSigning' }),
      /did not appoint/,
    ],
    'a responder of a CA that has the same name': [
      testAuthority({ subject: 'responsible' }).issue({ usage: 'ocspSigning' }),
      /did not appoint/,
    ],
    'a responder under another name of the issuer': [
      authority.issue({ usage: 'ocspSigning', issuer: 'another' }),
      /did not appoint/,
    ],
    'a responder of a CA below the issuer': [
      authority.intermediate().issue({ usage: 'ocspSigning' }),
      /did not appoint/,
    ],
    'a responder that vouches for itself': [
      authority.issue({ usage: 'ocspSigning', selfSigned: true, issuer: 'responsible' }),
      /did not appoint/,
    ],
  };
  for (const [what, [responder, why]] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => assertUnknown(by(responder), why));
  }

  it('refuses a responder whose certificate is not there', () => {
    assertUnknown(by(delegate, { certificates: [] }), /does not show/);
    assertUnknown(by(delegate, { certificates: [], responderId: 'key' }), /does not show/);
  });

  it('refuses a signature by a key other than the one named', () => {
    const signWith = delegate.keyPair.privateKey;
    assertUnknown(said({ signWith, certificates: [delegate.der] }), /wrong signature/);
    assertUnknown(by(delegate, { signWith: authority.keyPair.privateKey }), /wrong signature/);
    assertUnknown(by(delegate, { tampered: true }), /wrong signature/);
  });

  it('refuses more certificates than anybody needs', () => {
    const certificates = Array.from({ length: 11 }, () => delegate.der);
    assertUnknown(by(delegate, { certificates }), /too many certificates/);
    assert.equal(by(delegate, { certificates: certificates.slice(1) }).status, 'good');
  });
});

describe('ocspStatus: what the answer is about', () => {
  it('passes over another serial number', () => {
    assertUnknown(status(authority.ocsp(bob)), /other certificates/);
    assertUnknown(status(authority.ocsp([])), /other certificates/);
    assert.equal(status(authority.ocsp([bob, alice])).status, 'good');
  });

  it('passes over another key of an issuer with the same name', () => {
    const renewed = testAuthority({ subject: 'responsible' });
    const signWith = authority.keyPair.privateKey;
    assertUnknown(status(renewed.ocsp(alice, { signWith })), /other certificates/);
  });

  it('passes over another name of an issuer with the same key', () => {
    const renamed = testAuthority({ subject: 'other', keyPair: authority.keyPair });
    assertUnknown(status(renamed.ocsp(alice, { responderId: 'key' })), /other certificates/);
  });
});

describe('ocspStatus: time', () => {
  it('refuses an answer after its end', () => {
    assertUnknown(said({ nextUpdate: after(-1000) }), /ended/);
    assert.equal(said({ nextUpdate: at }).status, 'good');
  });

  it('believes an answer without an end for `maxAge`', () => {
    const thisUpdate = after(-10 * minute);
    const options = { thisUpdate, nextUpdate: null };
    assert.deepEqual(said(options, { maxAge: 600 }), { status: 'good', until: at });
    assertUnknown(said(options, { maxAge: 599 }), /ended/);
    assert.equal(said({ thisUpdate: after(-day), nextUpdate: null }).status, 'good');
    assertUnknown(said({ thisUpdate: after(-day - 1000), nextUpdate: null }), /ended/);
  });

  it('bears a clock that is five minutes ahead, or as told', () => {
    for (const field of ['thisUpdate', 'producedAt'] as const) {
      assert.equal(said({ [field]: after(5 * minute) }).status, 'good');
      assertUnknown(said({ [field]: after(5 * minute + 1000) }), /future/);
      assertUnknown(said({ [field]: after(6000) }, { clockTolerance: 5 }), /future/);
    }
  });

  it('refuses a response that is older than the certificate', () => {
    const { notBefore } = readCertificate(alice.der);
    const producedAt = new Date(notBefore.getTime() - 1000);
    assertUnknown(said({ producedAt }), /older than the certificate/);
    assert.equal(said({ producedAt: notBefore }).status, 'good');
  });

  it('does not believe a revocation that is out of date', () => {
    const ca = testAuthority();
    const leaf = ca.issue();
    ca.revoke(leaf);
    const certificate = readCertificate(leaf.der);
    assertUnknown(
      status(ca.ocsp(leaf, { nextUpdate: after(-1000) }), { certificate }, ca),
      /ended/,
    );
  });
});

describe('ocspStatus: extensions', () => {
  const nonce = randomBytes(32);

  it('passes over extensions that are not critical', () => {
    const extensions = [unknownExtension];
    assert.equal(said({ extensions, singleExtensions: extensions }).status, 'good');
  });

  it('refuses an unknown critical extension of the response', () => {
    assertUnknown(said({ extensions: [criticalExtension] }), /critical extension \(1\.2\.3\.4\)/);
  });

  it('refuses an unknown critical extension of the answer', () => {
    const why = /critical extension \(1\.2\.3\.4\)/;
    assertUnknown(said({ singleExtensions: [criticalExtension] }), why);
  });

  it('accepts the nonce that was sent', () => {
    assert.equal(said({ nonce }, { nonce }).status, 'good');
  });

  it('refuses another nonce', () => {
    assertUnknown(said({ nonce: randomBytes(32) }, { nonce }), /another nonce/);
    assertUnknown(said({ nonce: nonce.subarray(1) }, { nonce }), /another nonce/);
  });

  it('accepts none where one was sent, unless told otherwise', () => {
    assert.equal(said({}, { nonce }).status, 'good');
    assertUnknown(said({}, { nonce, requireNonce: true }), /does not repeat/);
    assert.equal(said({ nonce }, { nonce, requireNonce: true }).status, 'good');
  });
});

describe('ocspStatus: form', () => {
  const good = authority.ocsp(alice);

  for (const [refusal, why] of [
    [1, /refused: malformedRequest/],
    [3, /refused: tryLater/],
    [6, /refused: unauthorized/],
    [4, /refused: status 4/],
  ] as const) {
    it(`reports the refusal ${refusal}`, () => assertUnknown(said({ refusal }), why));
  }

  it('refuses success without a response', () => {
    assertUnknown(said({ refusal: 0 }), /success without a response/);
  });

  it('refuses a refusal that comes with an answer', () => {
    const refusing = Buffer.from(good);
    // The header of the sequence is 4 bytes, that of the ENUMERATED 2.
    refusing[6] = 3;
    assertUnknown(status(refusing), /refused: tryLater/);
  });

  it('refuses responses of another type', () => {
    assertUnknown(status(ocspOfType('1.2.3', sequence())), /unknown type/);
  });

  it('accepts version 1 spelt out, and no other', () => {
    const version = (number: number) =>
      resigned(good, authority, (fields) => [explicit(0, integer(number)), ...fields]);
    assert.equal(status(version(0)).status, 'good');
    assertUnknown(status(version(1)), /version/);
  });

  it('refuses what follows a member or the whole', () => {
    assertUnknown(status(Buffer.concat([good, Buffer.of(0)])), /bytes after/);
    assertUnknown(
      status(resigned(good, authority, (fields) => [...fields, integer(1)])),
      /bytes after/,
    );
  });

  it('refuses times in the form of UTCTime', () => {
    const response = resigned(good, authority, ([responder, , answers]) => [
      responder!,
      element(0x17, Buffer.from('260101000000Z')),
      answers!,
    ]);
    assertUnknown(status(response), /tag 0x17 where 0x18 belongs/);
  });

  it('refuses more bytes than anybody needs', () => {
    const extensions = [{ oid: '1.2.3.4', value: octetString(Buffer.alloc(65_536)) }];
    assertUnknown(said({ extensions }), /more than 65536 bytes/);
  });

  it('answers whatever bytes it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(status(bytes).status, 'unknown');
      }),
    );
  });

  it('answers whatever a responder may have signed', () => {
    const signed = authority.ocsp([alice, bob], {
      responder: delegate,
      nonce: Buffer.alloc(32),
      singleExtensions: [unknownExtension],
    });
    const question = {
      certificate: readCertificate(alice.der),
      issuer: readCertificate(authority.der),
      nonce: Buffer.alloc(32),
      at,
    };
    const damage = fc.array(fc.tuple(fc.nat(signed.length - 1), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(damage, fc.nat(signed.length), (changes, length) => {
        const bytes = Buffer.from(signed);
        for (const [position, value] of changes) bytes[position] = value;
        const answers = [bytes, bytes.subarray(0, length)].map((one) =>
          ocspStatus(one, question, () => true),
        );
        assert.ok(answers.every((answer) => /^(good|unknown)$/.test(answer.status)));
      }),
      { numRuns: 2000 },
    );
  });

  it('never says good or revoked of a response in which one byte is another', () => {
    // The signature covers it all but the outermost headers, where every change shows.
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.integer({ min: 1, max: 255 }),
        (position, difference) => {
          const bytes = Buffer.from(good);
          bytes[position]! ^= difference;
          assert.equal(status(bytes).status, 'unknown');
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('ocspRequest', () => {
  const certificate = readCertificate(alice.der);
  const issuer = readCertificate(authority.der);

  it('asks about one certificate, by SHA-1', () => {
    const certId = certIdIn(authority.ocsp(alice));
    assert.deepEqual(
      ocspRequest(certificate, issuer),
      sequence(sequence(sequence(sequence(certId)))),
    );
  });

  it('sends the nonce', () => {
    const nonce = randomBytes(32);
    const certId = certIdIn(authority.ocsp(alice));
    const id = objectIdentifier('1.3.6.1.5.5.7.48.1.2');
    const extension = sequence(id, octetString(octetString(nonce)));
    assert.deepEqual(
      ocspRequest(certificate, issuer, nonce),
      sequence(sequence(sequence(sequence(certId)), explicit(2, sequence(extension)))),
    );
  });

  it('writes serial numbers as they are', () => {
    for (const serialNumber of [1n, 127n, 128n, -1n, 2n ** 159n - 1n]) {
      const leaf = authority.issue({ serialNumber });
      const request = ocspRequest(readCertificate(leaf.der), issuer);
      assert.ok(request.includes(integer(serialNumber)), String(serialNumber));
    }
  });
});
