import assert from 'node:assert/strict';
import { X509Certificate, createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  bitString,
  boolean,
  element,
  explicit,
  generalizedTime,
  implicit,
  integer,
  namedBits,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  utcTime,
} from '../../src/pki/der-writer.ts';
import { extension, keyUsageBits } from '../../src/pki/extensions.ts';
import { type Extension, type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { AuthError } from '../../src/errors.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { authError } from '../support/errors.ts';

const root = testAuthority();
const leaf = root.issue();
const read = (options: IssueOptions): Certificate => readCertificate(root.issue(options).der);
const refusal = (what: RegExp): ((error: unknown) => true) =>
  authError('ERR_CERTIFICATE_MALFORMED', what);

/** Anything but a certificate or our refusal fails the test. */
function readOrRefuse(der: Uint8Array): Certificate | undefined {
  try {
    return readCertificate(der);
  } catch (error) {
    assert.ok(
      error instanceof AuthError && error.code === 'ERR_CERTIFICATE_MALFORMED',
      String(error),
    );
    return undefined;
  }
}

// The fields of a TBSCertificate, by their place.
const [version, serial, algorithm, issuer, validity, subject, spki, extensions] = [
  0, 1, 2, 3, 4, 5, 6, 7,
];
/** A certificate of which these fields are replaced; null leaves one out, and `more` comes last. */
const rewritten = (
  fields: Readonly<Record<number, Buffer | null>>,
  ...more: readonly Buffer[]
): IssueOptions => ({
  rewrite: (given) => [
    ...given.flatMap((field, i) => (fields[i] === undefined ? [field] : (fields[i] ?? []))),
    ...more,
  ],
});
const withExtension = (oid: string, value: Uint8Array): IssueOptions => ({
  extensions: [{ oid, value }],
});
const withExtensions = (...all: readonly Uint8Array[]): IssueOptions =>
  rewritten({ [extensions]: explicit(3, sequence(...all)) });

describe('readCertificate', () => {
  describe('agrees with Node about', () => {
    const kinds: readonly (readonly [what: string, options: IssueOptions])[] = [
      ['an EC certificate', {}],
      ['an RSA certificate', { keyType: 'rsa-2048' }],
      ['an Ed25519 certificate', { keyType: 'ed25519' }],
      ['an authority', { ca: true, pathLength: 3 }],
      ['one that lasts until 2070', { notAfter: new Date('2070-01-01T00:00:01Z') }],
      ['one that began in 1949', { notBefore: new Date('1949-12-31T23:59:59Z') }],
      ['one without extensions to read', { ca: null, keyUsage: null, usage: null, dnsNames: [] }],
    ];
    for (const [what, options] of kinds) {
      it(what, () => {
        const { der, x5tS256, spkiSha256 } = root.issue(options);
        const ours = readCertificate(der);
        const theirs = new X509Certificate(der);
        assert.equal(ours.serialNumber, theirs.serialNumber.replace(/^0+(?=.)/, ''));
        assert.deepEqual(ours.notBefore, new Date(theirs.validFrom));
        assert.deepEqual(ours.notAfter, new Date(theirs.validTo));
        assert.equal(ours.basicConstraints?.ca ?? false, theirs.ca);
        const key = theirs.publicKey.export({ type: 'spki', format: 'der' });
        assert.deepEqual(Buffer.from(ours.spki), key);
        assert.equal(sha256(ours.spki), spkiSha256);
        assert.equal(sha256(ours.der), x5tS256);
        const fingerprint = Buffer.from(theirs.fingerprint256.replaceAll(':', ''), 'hex');
        assert.equal(fingerprint.toString('base64url'), x5tS256);
      });
    }
  });

  it('reads the names of issuer and subject', () => {
    const own = testAuthority({
      subject: [
        { type: 'O', value: 'Bank' },
        { type: 'CN', value: 'ca' },
      ],
    });
    const { issuerDn, subjectDn } = readCertificate(own.issue({ subject: 'alice,b' }).der);
    assert.equal(issuerDn, 'CN=ca,O=Bank');
    assert.equal(subjectDn, 'CN=alice\\,b');
    assert.equal(readCertificate(own.issue({ subject: [] }).der).subjectDn, '');
  });

  it('takes no name from the subject', () => {
    assert.deepEqual(read({ subject: 'a.example', dnsNames: [] }).names.dnsNames, []);
  });

  for (const [number, text] of [
    [1, '1'],
    [10, 'A'],
    [0x80, '80'],
    [2n ** 159n, `8${'0'.repeat(39)}`],
    [2n ** 200n, `1${'0'.repeat(50)}`],
    [0, '0'],
    [-1, '-1'],
    [-128, '-80'],
    [-(2n ** 64n), `-1${'0'.repeat(16)}`],
  ] as const) {
    it(`reads the serial number ${text}`, () => {
      assert.equal(read({ serialNumber: number }).serialNumber, text);
    });
  }

  it('reads extensions that are missing as undefined, which restricts nothing', () => {
    const bare = read({ ca: null, keyUsage: null, usage: null, dnsNames: [] });
    assert.equal(bare.basicConstraints, undefined);
    assert.equal(bare.keyUsage, undefined);
    assert.equal(bare.extendedKeyUsage, undefined);
    assert.deepEqual(Object.values(bare.names).flat(), []);
  });

  for (const [i, bit] of keyUsageBits.entries()) {
    const name = bit === 'nonRepudiation' ? 'contentCommitment' : bit;
    it(`reads bit ${i} of the key usage as ${name}`, () => {
      assert.deepEqual([...read({ keyUsage: [bit] }).keyUsage!], [name]);
    });
  }

  it('reads a key usage of all bits, of none, and of one that nobody knows', () => {
    assert.equal(read({ keyUsage: keyUsageBits }).keyUsage!.size, 9);
    assert.equal(read({ keyUsage: [] }).keyUsage!.size, 0);
    const unknown = read(withExtension('2.5.29.15', namedBits([0, 9, 20])));
    assert.deepEqual([...unknown.keyUsage!], ['digitalSignature']);
  });

  it('reads purposes in their order', () => {
    assert.deepEqual(read({ usage: ['clientAuth', '1.2.3'] }).extendedKeyUsage, [
      '1.3.6.1.5.5.7.3.2',
      '1.2.3',
    ]);
  });

  for (const [what, value, expected] of [
    ['nothing', sequence(), { ca: false, pathLength: undefined }],
    ['an authority', sequence(boolean(true)), { ca: true, pathLength: undefined }],
    ['a limit', sequence(boolean(true), integer(0)), { ca: true, pathLength: 0 }],
    [
      'a default spelt out, which many write',
      sequence(boolean(false)),
      { ca: false, pathLength: undefined },
    ],
    ['a limit of no authority', sequence(integer(2)), { ca: false, pathLength: 2 }],
  ] as const) {
    it(`reads basic constraints that say ${what}`, () => {
      assert.deepEqual(read(withExtension('2.5.29.19', value)).basicConstraints, expected);
    });
  }

  it('passes over extensions that it does not know, critical or not', () => {
    const more: Extension[] = [
      { oid: '1.2.3.4', value: Buffer.from('anything') },
      { oid: '1.2.3.5', critical: true, value: Buffer.alloc(0) },
    ];
    assert.equal(read({ extensions: more }).subjectDn, 'CN=test leaf');
  });

  it('reads version 1 and version 2, and the unique identifiers of version 2 and 3', () => {
    const unique = [implicit(1, bitString(Buffer.of(1))), implicit(2, bitString(Buffer.of(2)))];
    for (const options of [
      rewritten({ [version]: null, [extensions]: null }),
      rewritten({ [version]: explicit(0, integer(1)), [extensions]: null }),
      rewritten({ [version]: explicit(0, integer(1)), [extensions]: null }, ...unique),
      rewritten({ [version]: explicit(0, integer(1)), [extensions]: null }, unique[1]!),
    ]) {
      const certificate = read(options);
      assert.equal(certificate.subjectDn, 'CN=test leaf');
      assert.equal(certificate.basicConstraints, undefined);
    }
    const three = read({ rewrite: (f) => [...f.slice(0, -1), ...unique, f.at(-1)!] });
    assert.deepEqual(three.names.dnsNames, ['localhost']);
  });

  it('reads a certificate in a part of a larger buffer', () => {
    const padded = Buffer.concat([Buffer.alloc(7), leaf.der, Buffer.alloc(7)]);
    const part = new Uint8Array(padded.buffer, padded.byteOffset + 7, leaf.der.length);
    assert.deepEqual(readCertificate(part).spki, new Uint8Array(readCertificate(leaf.der).spki));
  });

  const { der } = leaf;
  const outer = splitOuter(der);
  const spelt = (critical: Uint8Array): Buffer =>
    sequence(objectIdentifier('1.2.3'), critical, octetString(Buffer.alloc(0)));
  const known = extension({ oid: '1.2.3', value: Buffer.alloc(0) });
  const basic = '2.5.29.19';
  const usage = '2.5.29.15';
  const purposes = '2.5.29.37';
  const unique = implicit(1, bitString(Buffer.of(1)));

  const refused: readonly (readonly [what: string, der: () => Uint8Array, says: RegExp])[] = [
    ['no bytes', () => Buffer.alloc(0), /cut short/],
    ['PEM', () => Buffer.from(leaf.leaf), /where 0x30/],
    ['a byte after it', () => Buffer.concat([der, Buffer.of(0)]), /after the last/],
    ['two certificates', () => Buffer.concat([der, der]), /after the last/],
    ['a set for a sequence', () => Buffer.concat([Buffer.of(0x31), der.subarray(1)]), /where 0x30/],
    ['no signature', () => sequence(outer[0], outer[1]), /cut short/],
    ['no algorithm', () => sequence(outer[0], outer[2]), /where 0x30/],
    ['a fourth part', () => sequence(...outer, nothing()), /after the last/],
    [
      'a signature of odd bits',
      () => sequence(outer[0], outer[1], bitString(Buffer.of(8), 3)),
      /whole bytes/,
    ],
    [
      'a signature in an octet string',
      () => sequence(outer[0], outer[1], octetString(Buffer.of(8))),
      /where 0x03/,
    ],
    [
      'another algorithm outside',
      () => sequence(outer[0], sequence(objectIdentifier('1.2.3')), outer[2]),
      /two different/,
    ],
    [
      'other parameters of the algorithm outside',
      () =>
        sequence(outer[0], sequence(objectIdentifier('1.2.840.10045.4.3.2'), nothing()), outer[2]),
      /two different/,
    ],
    ['more than 256 KiB', () => Buffer.alloc(262_145, 0x30), /more than 262144/],
    ...(
      [
        [
          'another algorithm inside',
          rewritten({ [algorithm]: sequence(objectIdentifier('1.2.3')) }),
          /two different/,
        ],
        [
          'a version that is spelt out though it is the default',
          rewritten({ [version]: explicit(0, integer(0)) }),
          /version/,
        ],
        ['version 4', rewritten({ [version]: explicit(0, integer(3)) }), /version/],
        ['version -1', rewritten({ [version]: explicit(0, integer(-1)) }), /negative/],
        ['a huge version', rewritten({ [version]: explicit(0, integer(2n ** 40n)) }), /too large/],
        ['an empty version', rewritten({ [version]: explicit(0) }), /cut short/],
        [
          'two versions',
          rewritten({ [version]: explicit(0, integer(2), integer(2)) }),
          /after the last/,
        ],
        ['a version that is not wrapped', rewritten({ [version]: integer(2) }), /where 0x30/],
        ['extensions in version 1', rewritten({ [version]: null }), /after the last/],
        [
          'extensions in version 2',
          rewritten({ [version]: explicit(0, integer(1)) }),
          /after the last/,
        ],
        [
          'unique identifiers in version 1',
          rewritten({ [version]: null, [extensions]: unique }),
          /after the last/,
        ],
        ['unique identifiers after the extensions', rewritten({}, unique), /after the last/],
        ['no serial number', rewritten({ [serial]: null }), /where 0x02/],
        ['an empty serial number', rewritten({ [serial]: element(0x02) }), /without bytes/],
        [
          'a padded serial number',
          rewritten({ [serial]: element(0x02, Buffer.of(0, 1)) }),
          /padded/,
        ],
        ['an issuer that is no name', rewritten({ [issuer]: element(0x31) }), /where 0x30/],
        ['a subject that is no name', rewritten({ [subject]: sequence(sequence()) }), /where 0x31/],
        ['no validity', rewritten({ [validity]: sequence() }), /cut short/],
        [
          'one end of the validity',
          rewritten({ [validity]: sequence(utcTime(new Date())) }),
          /cut short/,
        ],
        [
          'three ends of the validity',
          rewritten({ [validity]: sequence(...[0, 1, 2].map(() => generalizedTime(new Date()))) }),
          /after the last/,
        ],
        [
          'a validity of numbers',
          rewritten({ [validity]: sequence(integer(1), integer(2)) }),
          /a time that/,
        ],
        ['no key', rewritten({ [spki]: null, [extensions]: null }), /cut short/],
        ['a key that is no sequence', rewritten({ [spki]: bitString(Buffer.of(1)) }), /where 0x30/],
        ['a field after the extensions', rewritten({}, nothing()), /after the last/],
        ['extensions twice', { rewrite: (f) => [...f, f.at(-1)!] }, /after the last/],
        ['no extension in the extensions', withExtensions(), /cut short/],
        [
          'extensions that are not wrapped in a sequence',
          rewritten({ [extensions]: explicit(3, known, known) }),
          /after the|0x/,
        ],
        [
          'bytes after the extensions',
          rewritten({ [extensions]: explicit(3, sequence(known), nothing()) }),
          /after the last/,
        ],
        ['an extension twice', withExtensions(known, known), /an extension twice/],
        ['an extension twice, once critical', withExtensions(known, spelt(boolean(true))), /twice/],
        [
          'an extension that spells a default out',
          withExtensions(spelt(boolean(false))),
          /a default spelt out/,
        ],
        [
          'an extension that is critical in BER',
          withExtensions(spelt(element(0x01, Buffer.of(1)))),
          /boolean/,
        ],
        [
          'an extension without a value',
          withExtensions(sequence(objectIdentifier('1.2.3'))),
          /cut short/,
        ],
        [
          'an extension without an identifier',
          withExtensions(sequence(octetString(Buffer.of(1)))),
          /where 0x06/,
        ],
        [
          'an extension with two values',
          withExtensions(sequence(objectIdentifier('1.2.3'), octetString(), octetString())),
          /after the last/,
        ],
        ['a key usage of no bits at all', withExtension(usage, Buffer.alloc(0)), /cut short/],
        [
          'a key usage with trailing zeros',
          withExtension(usage, bitString(Buffer.of(0x80), 0)),
          /trailing zeros/,
        ],
        [
          'a key usage and more',
          withExtension(usage, Buffer.concat([namedBits([0]), nothing()])),
          /after the last/,
        ],
        [
          'a key usage of another type',
          withExtension(usage, octetString(Buffer.of(0x80))),
          /where 0x03/,
        ],
        ['no purpose in the purposes', withExtension(purposes, sequence()), /cut short/],
        [
          'purposes and more',
          withExtension(purposes, Buffer.concat([sequence(objectIdentifier('1.2.3')), nothing()])),
          /after the last/,
        ],
        [
          'a purpose that is no identifier',
          withExtension(purposes, sequence(integer(1))),
          /where 0x06/,
        ],
        [
          'basic constraints and more',
          withExtension(basic, Buffer.concat([sequence(), nothing()])),
          /after the last/,
        ],
        [
          'basic constraints of three members',
          withExtension(basic, sequence(boolean(true), integer(1), integer(1))),
          /after the last/,
        ],
        [
          'basic constraints in the wrong order',
          withExtension(basic, sequence(integer(1), boolean(true))),
          /after the last/,
        ],
        [
          'an authority in BER',
          withExtension(basic, sequence(element(0x01, Buffer.of(1)))),
          /boolean/,
        ],
        [
          'a negative limit of the path',
          withExtension(basic, sequence(boolean(true), integer(-1))),
          /negative/,
        ],
        ['no name in the alternative names', withExtension('2.5.29.17', sequence()), /cut short/],
      ] as readonly (readonly [string, IssueOptions, RegExp])[]
    ).map(([what, options, says]) => [what, () => root.issue(options).der, says] as const),
  ];
  for (const [what, make, says] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => readCertificate(make()), refusal(says)));
  }

  it('refuses every shorter part of a certificate', () => {
    for (let length = 0; length < der.length; length++) {
      assert.throws(
        () => readCertificate(der.subarray(0, length)),
        refusal(/./),
        `${length} bytes`,
      );
    }
  });

  it('gives any bytes a certificate or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500, size: 'max' }), (bytes) => {
        readOrRefuse(bytes);
        readOrRefuse(element(0x30, bytes));
      }),
      { numRuns: 500 },
    );
  });

  // Names of every kind, so that a mutation can hit each of their readers.
  const rich = root.issue({
    subject: [
      { type: 'O', value: 'Bank' },
      [
        { type: 'CN', value: 'a', as: 'bmp' },
        { type: 'OU', value: 'b' },
      ],
    ],
    dnsNames: ['*.a.example'],
    emails: ['x@a.example'],
    spiffeId: 'spiffe://a/x',
    ips: ['::1'],
    upns: ['alice@corp'],
    otherNames: [{ directoryName: 'a' }, { registeredId: '1.2.3' }],
    pathLength: 1,
    policies: ['1.2.3'],
  }).der;

  it('gives a certificate with any one byte changed a certificate or a refusal', () => {
    for (let at = 0; at < rich.length; at++) {
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff, rich[at]! ^ 0x20, rich[at]! + 1]) {
        const mutated = Buffer.from(rich);
        mutated[at] = value;
        readOrRefuse(mutated);
      }
    }
  });

  it('gives a certificate with any bytes cut, doubled or put in a certificate or a refusal', () => {
    const place = fc.nat(rich.length);
    const edits = fc.array(fc.tuple(place, place, fc.uint8Array({ maxLength: 4 })), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(edits, (all) => {
        readOrRefuse(
          all.reduce<Buffer>(
            (bytes, [from, to, put]) =>
              Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]),
            rich,
          ),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses hostile sizes without holding up anybody', () => {
    const many = Array.from({ length: 6000 }, () => element(0x82, Buffer.from('a')));
    assert.equal(read(withExtension('2.5.29.17', sequence(...many))).names.dnsNames.length, 6000);
    const deep = Array.from({ length: 3000 }).reduce<Buffer>((inner) => sequence(inner), nothing());
    assert.equal(readOrRefuse(deep), undefined);
    const rdn = (i: number): { type: string; value: string } => ({ type: 'OU', value: `${i}` });
    const long = Array.from({ length: 2000 }, (_, i) => rdn(i));
    assert.equal(read({ subject: long }).subjectDn.split(',').length, 2000);
  });

  it('takes a certificate of 256 KiB', () => {
    const size =
      262_144 -
      root.issue({ extensions: [{ oid: '1.2.3', value: Buffer.alloc(200_000) }] }).der.length +
      200_000;
    // The length of an ECDSA signature varies by a few bytes.
    const near = root.issue({ extensions: [{ oid: '1.2.3', value: Buffer.alloc(size - 4) }] }).der;
    assert.ok(near.length > 262_130 && near.length <= 262_144);
    assert.equal(readCertificate(near).subjectDn, 'CN=test leaf');
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

/** The three parts of a certificate: what is signed, the algorithm, the signature. */
function splitOuter(der: Buffer): [Buffer, Buffer, Buffer] {
  const parts: Buffer[] = [];
  for (let at = 4; at < der.length;) {
    const first = der[at + 1]!;
    const size = first < 0x80 ? 0 : first & 0x7f;
    const length = size === 0 ? first : der.readUIntBE(at + 2, size);
    parts.push(der.subarray(at, at + 2 + size + length));
    at += 2 + size + length;
  }
  return parts as [Buffer, Buffer, Buffer];
}
