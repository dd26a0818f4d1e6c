import assert from 'node:assert/strict';
import { type KeyObject, constants, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  bitString,
  element,
  explicit,
  integer,
  nothing,
  objectIdentifier,
  sequence,
} from '../../src/pki/der-writer.ts';
import { spkiOf } from '../../src/pki/certificate-writer.ts';
import { isSignedBy, readPublicKey, rsaBits } from '../../src/x509/signature.ts';
import { authError } from '../support/errors.ts';

const refused = authError('ERR_CERTIFICATE_ALGORITHM');
const malformed = authError('ERR_CERTIFICATE_MALFORMED');

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });
const keys = {
  rsa: rsa(2_048),
  pss: generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }),
  p256: ec('P-256'),
  p384: ec('P-384'),
  p521: ec('P-521'),
  ed25519: generateKeyPairSync('ed25519'),
  ed448: generateKeyPairSync('ed448'),
} as const;
type KeyName = keyof typeof keys;

const nist = '2.16.840.1.101.3.4';
const algorithm = (oid: string, ...parameters: readonly Buffer[]): Buffer =>
  sequence(objectIdentifier(oid), ...parameters);
const content = Buffer.from('what was signed');

interface PssOptions {
  readonly hash?: string;
  readonly maskHash?: string;
  readonly mask?: string;
  readonly salt?: number;
  readonly trailer?: number;
  readonly hashParameters?: readonly Buffer[];
}

const hashOids: Readonly<Record<string, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: `${nist}.2.1`,
  sha384: `${nist}.2.2`,
  sha512: `${nist}.2.3`,
};

function pss(options: PssOptions = {}): Buffer {
  const {
    hash = 'sha256',
    maskHash = hash,
    mask = '1.2.840.113549.1.1.8',
    salt,
    trailer,
  } = options;
  const hashed = (name: string) =>
    algorithm(hashOids[name]!, ...(options.hashParameters ?? [nothing()]));
  return algorithm(
    '1.2.840.113549.1.1.10',
    sequence(
      explicit(0, hashed(hash)),
      explicit(1, sequence(objectIdentifier(mask), hashed(maskHash))),
      ...(salt === undefined ? [] : [explicit(2, integer(salt))]),
      ...(trailer === undefined ? [] : [explicit(3, integer(trailer))]),
    ),
  );
}

const pssSignature = (hash: string, saltLength: number, key: KeyObject) =>
  sign(hash, content, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

const asks = (der: Buffer, signature: Buffer, key: KeyObject): boolean =>
  isSignedBy({ content, algorithm: der, signature }, key);

interface Row {
  readonly name: string;
  readonly der: Buffer;
  readonly hash: string | null;
  readonly key: KeyName;
}

const rows: readonly Row[] = [
  ...(
    [
      ['1.2.840.113549.1.1.11', 'sha256'],
      ['1.2.840.113549.1.1.12', 'sha384'],
      ['1.2.840.113549.1.1.13', 'sha512'],
      [`${nist}.3.14`, 'sha3-256'],
      [`${nist}.3.15`, 'sha3-384'],
      [`${nist}.3.16`, 'sha3-512'],
    ] as const
  ).map(([oid, hash]): Row => {
    return { name: `RSA with ${hash}`, der: algorithm(oid, nothing()), hash, key: 'rsa' };
  }),
  ...(
    [
      ['1.2.840.10045.4.3.2', 'sha256', 'p256'],
      ['1.2.840.10045.4.3.3', 'sha384', 'p384'],
      ['1.2.840.10045.4.3.4', 'sha512', 'p521'],
      ['1.2.840.10045.4.3.4', 'sha512', 'p256'],
      [`${nist}.3.10`, 'sha3-256', 'p256'],
      [`${nist}.3.11`, 'sha3-384', 'p384'],
      [`${nist}.3.12`, 'sha3-512', 'p521'],
    ] as const
  ).map(([oid, hash, key]): Row => {
    return { name: `ECDSA on ${key} with ${hash}`, der: algorithm(oid), hash, key };
  }),
  { name: 'Ed25519', der: algorithm('1.3.101.112'), hash: null, key: 'ed25519' },
  { name: 'Ed448', der: algorithm('1.3.101.113'), hash: null, key: 'ed448' },
];

describe('isSignedBy', () => {
  for (const { name, der, hash, key } of rows) {
    it(`verifies ${name}, and no other content, signature or key`, () => {
      const { publicKey, privateKey } = keys[key];
      const signature = sign(hash, content, privateKey);
      assert.equal(asks(der, signature, publicKey), true);
      const other = { content: Buffer.from('something else'), algorithm: der, signature };
      assert.equal(isSignedBy(other, publicKey), false);
      const damaged = Buffer.from(signature);
      damaged[damaged.length - 1]! ^= 1;
      assert.equal(asks(der, damaged, publicKey), false);
      assert.equal(asks(der, Buffer.alloc(0), publicKey), false);
      for (const [kind, { publicKey: another }] of Object.entries(keys)) {
        if (kind !== key) assert.equal(asks(der, signature, another), false, kind);
      }
    });
  }

  for (const hash of ['sha256', 'sha384', 'sha512']) {
    it(`verifies RSA-PSS with ${hash} for plain RSA keys and PSS keys`, () => {
      for (const { publicKey, privateKey } of [keys.rsa, keys.pss]) {
        const signature = pssSignature(hash, 32, privateKey);
        assert.equal(asks(pss({ hash, salt: 32 }), signature, publicKey), true);
        assert.equal(asks(pss({ hash, salt: 32, trailer: 1 }), signature, publicKey), true);
        assert.equal(asks(pss({ hash, salt: 32, hashParameters: [] }), signature, publicKey), true);
        assert.equal(asks(pss({ hash, salt: 31 }), signature, publicKey), false);
        assert.equal(asks(pss({ hash }), signature, publicKey), false);
      }
      const usual = pssSignature(hash, 20, keys.rsa.privateKey);
      assert.equal(asks(pss({ hash }), usual, keys.rsa.publicKey), true);
    });
  }

  it('holds a PSS key to its own parameters', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa-pss', {
      modulusLength: 2_048,
      hashAlgorithm: 'sha512',
      mgf1HashAlgorithm: 'sha512',
      // Typed as text; Node itself wants a number.
      saltLength: 32 as unknown as string,
    });
    const good = pssSignature('sha512', 32, privateKey);
    assert.equal(asks(pss({ hash: 'sha512', salt: 32 }), good, publicKey), true);
    assert.equal(asks(pss({ hash: 'sha256', salt: 32 }), good, publicKey), false);
  });

  it('does not verify PKCS #1 signatures for a PSS key', () => {
    const signature = pssSignature('sha256', 32, keys.pss.privateKey);
    const der = algorithm('1.2.840.113549.1.1.11', nothing());
    assert.equal(asks(der, signature, keys.pss.publicKey), false);
  });

  it('does not take a signature of one family for one of another', () => {
    const byRsa = sign('sha256', content, keys.rsa.privateKey);
    for (const oid of ['1.2.840.10045.4.3.2', '1.3.101.112', '1.3.101.113']) {
      assert.equal(asks(algorithm(oid), byRsa, keys.rsa.publicKey), false);
    }
    const byEc = sign('sha256', content, keys.p256.privateKey);
    const pkcs1 = algorithm('1.2.840.113549.1.1.11', nothing());
    assert.equal(asks(pkcs1, byEc, keys.p256.publicKey), false);
    assert.equal(asks(pss({ salt: 32 }), byEc, keys.p256.publicKey), false);
  });

  const signature = sign('sha256', content, keys.rsa.privateKey);
  const refusals: readonly (readonly [what: string, der: Buffer])[] = [
    ['RSA with MD5', algorithm('1.2.840.113549.1.1.4', nothing())],
    ['RSA with SHA-1', algorithm('1.2.840.113549.1.1.5', nothing())],
    ['RSA with SHA-224', algorithm('1.2.840.113549.1.1.14', nothing())],
    ['RSA without a hash', algorithm('1.2.840.113549.1.1.1', nothing())],
    ['ECDSA with SHA-1', algorithm('1.2.840.10045.4.1')],
    ['ECDSA with SHA-224', algorithm('1.2.840.10045.4.3.1')],
    ['DSA with SHA-256', algorithm(`${nist}.3.2`)],
    ['SM2', algorithm('1.2.156.10197.1.501')],
    ['what nobody knows', algorithm('1.2.3.4')],
    ['RSA with parameters', algorithm('1.2.840.113549.1.1.11', integer(1))],
    ['RSA with a NULL that is not empty', algorithm('1.2.840.113549.1.1.11', Buffer.of(5, 1, 0))],
    ['ECDSA with NULL', algorithm('1.2.840.10045.4.3.2', nothing())],
    ['Ed25519 with NULL', algorithm('1.3.101.112', nothing())],
    ['PSS without parameters', algorithm('1.2.840.113549.1.1.10')],
    ['PSS with NULL', algorithm('1.2.840.113549.1.1.10', nothing())],
    ['PSS with defaults, which are SHA-1', algorithm('1.2.840.113549.1.1.10', sequence())],
    ['PSS with SHA-1', pss({ hash: 'sha1' })],
    ['PSS with a mask of SHA-1', pss({ maskHash: 'sha1' })],
    ['PSS with two hashes', pss({ maskHash: 'sha512' })],
    ['PSS with a mask other than MGF1', pss({ mask: '1.2.840.113549.1.1.9' })],
    ['PSS with parameters of a hash', pss({ hashParameters: [integer(1)] })],
    ['PSS with another trailer', pss({ salt: 32, trailer: 2 })],
    ['PSS with a salt that is too long', pss({ salt: 513 })],
    [
      'PSS with a hash that is no algorithm',
      algorithm('1.2.840.113549.1.1.10', sequence(explicit(0, integer(1)))),
    ],
    [
      'PSS without a mask, which means SHA-1',
      algorithm(
        '1.2.840.113549.1.1.10',
        sequence(explicit(0, algorithm(hashOids['sha256']!, nothing()))),
      ),
    ],
  ];
  for (const [what, der] of refusals) {
    it(`refuses ${what}`, () => {
      assert.throws(() => asks(der, signature, keys.rsa.publicKey), refused);
      assert.throws(() => asks(der, signature, keys.p256.publicKey), refused);
    });
  }

  it('bears the longest salt that some hash and key could have', () => {
    assert.equal(asks(pss({ salt: 512 }), signature, keys.rsa.publicKey), false);
  });

  const sha256 = algorithm(hashOids['sha256']!, nothing());
  const mgf1 = objectIdentifier('1.2.840.113549.1.1.8');
  const unreadable: readonly (readonly [what: string, der: Buffer])[] = [
    ['that is empty', sequence()],
    ['with bytes after it', Buffer.concat([algorithm('1.3.101.112'), Buffer.of(0)])],
    ['with two parameters', algorithm('1.2.840.113549.1.1.11', nothing(), nothing())],
    ...(
      [
        [
          'a fifth parameter',
          [explicit(0, sha256), explicit(1, sequence(mgf1, sha256)), explicit(4, integer(1))],
        ],
        ['two hashes in one', [explicit(0, sha256, sha256)]],
        [
          'a mask of two hashes',
          [explicit(0, sha256), explicit(1, sequence(mgf1, sha256, sha256))],
        ],
        [
          'more after the hash',
          [explicit(0, sequence(objectIdentifier(hashOids['sha256']!), nothing(), nothing()))],
        ],
      ] as const
    ).map(
      ([what, parts]) =>
        [`of PSS with ${what}`, algorithm('1.2.840.113549.1.1.10', sequence(...parts))] as const,
    ),
  ];
  for (const [what, der] of unreadable) {
    it(`refuses an algorithm ${what}`, () => {
      assert.throws(() => asks(der, signature, keys.rsa.publicKey), malformed);
    });
  }
});

/** A public key of RSA from its numbers. */
const rsaSpki = (modulus: bigint, exponent: bigint | number, ...parameters: readonly Buffer[]) =>
  sequence(
    algorithm('1.2.840.113549.1.1.1', ...(parameters.length === 0 ? [nothing()] : parameters)),
    bitString(sequence(integer(modulus), integer(exponent))),
  );
const rsaOf = (...numbers: readonly Buffer[]) =>
  sequence(algorithm('1.2.840.113549.1.1.1', nothing()), bitString(sequence(...numbers)));
/** The smallest INTEGER of so many bytes, but odd. */
const negative = (bytes: number): Buffer =>
  element(0x02, Buffer.of(0x80), Buffer.alloc(bytes - 2), Buffer.of(1));
const dsaBare = sequence(algorithm('1.2.840.10040.4.1'), bitString(integer(12_345)));
const odd = (bits: number) => (1n << BigInt(bits - 1)) + 1n;

describe('readPublicKey', () => {
  for (const [name, { publicKey }] of Object.entries(keys)) {
    it(`reads ${name}`, () => {
      assert.ok(readPublicKey(spkiOf(publicKey)).equals(publicKey));
    });
  }

  it('reads keys that agree on others, which a leaf may hold', () => {
    for (const type of ['x25519', 'x448'] as const) {
      const { publicKey } = generateKeyPairSync(type as 'x25519');
      assert.equal(readPublicKey(spkiOf(publicKey)).asymmetricKeyType, type);
    }
  });

  it('reads RSA keys of 2,048 to 8,192 bits', () => {
    for (const bits of [2_048, 2_049, 3_072, 4_096, 8_192]) {
      assert.equal(readPublicKey(rsaSpki(odd(bits), 65_537)).asymmetricKeyType, 'rsa');
    }
    for (const bits of [512, 1_024, 2_040, 2_047, 8_193, 16_384]) {
      assert.throws(
        () => readPublicKey(rsaSpki(odd(bits), 65_537)),
        authError('ERR_CERTIFICATE_ALGORITHM', new RegExp(`RSA key of ${bits} bits`)),
      );
    }
  });

  it('reads RSA exponents that are odd, above 1 and no longer than 33 bits', () => {
    for (const exponent of [3, 5, 65_537, 2 ** 32 + 1]) {
      readPublicKey(rsaSpki(odd(2_048), exponent));
    }
    for (const exponent of [-3n, -65_537n, 0, 1, 2, 4, 65_536, 2n ** 33n + 1n, 2n ** 64n + 1n]) {
      assert.throws(() => readPublicKey(rsaSpki(odd(2_048), exponent)), refused, String(exponent));
    }
  });

  const point = (curve: string) => {
    const spki = spkiOf(ec(curve).publicKey);
    return bitString(spki.subarray(spki.indexOf(Buffer.of(0, 4)) + 1));
  };
  const ecKey = '1.2.840.10045.2.1';
  const off = Buffer.from(spkiOf(keys.p256.publicKey));
  off[off.length - 1]! ^= 1;
  const refusals: readonly (readonly [what: string, spki: Buffer])[] = [
    ['a negative RSA modulus', rsaSpki(-odd(2_048), 65_537)],
    ['an RSA modulus that is negative though long enough', rsaOf(negative(256), integer(3))],
    ['an RSA exponent that is negative though odd', rsaOf(integer(odd(2_048)), negative(2))],
    ['DSA that leaves its parameters to its issuer', dsaBare],
    ['RSA parameters', rsaSpki(odd(2_048), 65_537, integer(1))],
    ['RSA with a NULL that is not empty', rsaSpki(odd(2_048), 65_537, Buffer.of(5, 1, 0))],
    ['P-192', spkiOf(ec('prime192v1').publicKey)],
    ['P-224', spkiOf(ec('P-224').publicKey)],
    ['secp256k1', spkiOf(ec('secp256k1').publicKey)],
    ['Brainpool', spkiOf(ec('brainpoolP256r1').publicKey)],
    [
      'a curve that is spelt out',
      generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        paramEncoding: 'explicit',
      }).publicKey.export({
        type: 'spki',
        format: 'der',
      }),
    ],
    ['a curve that is left out', sequence(algorithm(ecKey), point('P-256'))],
    ['a curve that is NULL', sequence(algorithm(ecKey, nothing()), point('P-256'))],
    ['a point that is not on its curve', off],
    [
      'a point of another curve',
      sequence(algorithm(ecKey, objectIdentifier('1.3.132.0.34')), point('P-256')),
    ],
    [
      'Ed25519 with parameters',
      sequence(algorithm('1.3.101.112', nothing()), bitString(Buffer.alloc(32))),
    ],
    ['Ed25519 of 31 bytes', sequence(algorithm('1.3.101.112'), bitString(Buffer.alloc(31)))],
    [
      'DSA',
      spkiOf(generateKeyPairSync('dsa', { modulusLength: 2_048, divisorLength: 256 }).publicKey),
    ],
    ['a kind nobody knows', sequence(algorithm('1.2.3.4'), bitString(Buffer.alloc(32)))],
  ];
  for (const [what, spki] of refusals) {
    it(`refuses ${what}`, () => assert.throws(() => readPublicKey(spki), refused));
  }

  const unreadable: readonly (readonly [what: string, spki: Buffer])[] = [
    ['bytes that are none', Buffer.from('key')],
    [
      'an RSA key with a third number',
      sequence(
        algorithm('1.2.840.113549.1.1.1', nothing()),
        bitString(sequence(integer(odd(2_048)), integer(3), integer(3))),
      ),
    ],
    [
      'a key of three parts',
      sequence(algorithm('1.3.101.112'), bitString(Buffer.alloc(32)), nothing()),
    ],
    [
      'two parameters',
      sequence(algorithm(ecKey, objectIdentifier('1.3.132.0.34'), nothing()), point('P-256')),
    ],
    ['bits that are not bytes', sequence(algorithm('1.3.101.112'), bitString(Buffer.alloc(32), 1))],
  ];
  for (const [what, spki] of unreadable) {
    it(`refuses ${what}`, () => assert.throws(() => readPublicKey(spki), malformed));
  }

  it('says what stood behind a refusal', () => {
    assert.throws(
      () => readPublicKey(off),
      (error) => error instanceof Error && error.cause instanceof Error,
    );
    assert.throws(() => createPublicKey({ key: off, format: 'der', type: 'spki' }));
  });
});

describe('rsaBits', () => {
  it('is the size of an RSA key, and 0 for the others', () => {
    for (const bits of [1_024, 2_047, 2_048, 2_049, 2_055]) {
      assert.equal(rsaBits(rsaSpki(odd(bits), 3)), bits);
    }
    assert.equal(rsaBits(spkiOf(keys.rsa.publicKey)), 2_048);
    assert.equal(rsaBits(spkiOf(keys.pss.publicKey)), 2_048);
    for (const key of [keys.p256, keys.ed25519]) assert.equal(rsaBits(spkiOf(key.publicKey)), 0);
  });
});
