// The algorithms that may vouch for something, and the keys that may (RFC 3279, 4055, 5758, 8410, 8692).
// What is not named here is refused: SHA-1 and MD5, DSA, RSA below 2048 bits, curves spelt out.
import { type KeyObject, constants, createPublicKey, createVerify, verify } from 'node:crypto';
import { AuthError } from '../errors.ts';
import type { Signed } from './certificate.ts';
import {
  DerReader,
  type Element,
  bitStringBytes,
  context,
  countOf,
  integerBytes,
  oidOf,
  tag,
} from './der.ts';

type Family = 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448';

interface Algorithm {
  readonly family: Family;
  /** Null where the algorithm brings its own. */
  readonly hash: string | null;
  readonly saltLength?: number;
}

const nist = '2.16.840.1.101.3.4';

const hashes: Readonly<Record<string, string>> = {
  [`${nist}.2.1`]: 'sha256',
  [`${nist}.2.2`]: 'sha384',
  [`${nist}.2.3`]: 'sha512',
};

const algorithms: Readonly<Record<string, Algorithm>> = {
  '1.2.840.113549.1.1.11': { family: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { family: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { family: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { family: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { family: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { family: 'ec', hash: 'sha512' },
  [`${nist}.3.10`]: { family: 'ec', hash: 'sha3-256' },
  [`${nist}.3.11`]: { family: 'ec', hash: 'sha3-384' },
  [`${nist}.3.12`]: { family: 'ec', hash: 'sha3-512' },
  [`${nist}.3.14`]: { family: 'rsa', hash: 'sha3-256' },
  [`${nist}.3.15`]: { family: 'rsa', hash: 'sha3-384' },
  [`${nist}.3.16`]: { family: 'rsa', hash: 'sha3-512' },
  '1.3.101.112': { family: 'ed25519', hash: null },
  '1.3.101.113': { family: 'ed448', hash: null },
};

const rsaEncryption = '1.2.840.113549.1.1.1';
const rsaPss = '1.2.840.113549.1.1.10';
const mgf1 = '1.2.840.113549.1.1.8';
const ecPublicKey = '1.2.840.10045.2.1';
const curves = new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);
// Edwards curves sign; the Montgomery ones only agree on keys, so a leaf may hold one.
const bareKeys = new Set(['1.3.101.110', '1.3.101.111', '1.3.101.112', '1.3.101.113']);

/** Some tenths of a millisecond of hashing. */
const bytesPerStep = 524_288;

const minRsaBits = 2048;
/** Verifying costs with the square of it, and nobody uses more. */
const maxRsaBits = 8192;

/**
 * Reads a public key that may stand in a path.
 *
 * @throws AuthError `ERR_CERTIFICATE_ALGORITHM` for a weak or unknown one, `ERR_CERTIFICATE_MALFORMED`
 */
export function readPublicKey(spki: Uint8Array): KeyObject {
  const reader = DerReader.only(spki, tag.sequence);
  const algorithm = reader.enter(tag.sequence);
  const bits = bitStringBytes(reader.next(tag.bitString));
  reader.end();
  const oid = oidOf(algorithm.next(tag.oid));
  const parameters = algorithm.done ? undefined : algorithm.next();
  algorithm.end();
  checkKey(oid, parameters, bits);
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw refused('a public key that is none', cause);
  }
}

function checkKey(oid: string, parameters: Element | undefined, bits: Uint8Array): void {
  if (oid === rsaEncryption || oid === rsaPss) {
    // RFC 4055 section 1.2. The parameters of a PSS key restrict it, and OpenSSL holds it to them.
    if (oid === rsaEncryption && !isNull(parameters)) throw refused('RSA parameters');
    checkRsaKey(bits);
  } else if (oid === ecPublicKey) {
    if (parameters?.tag !== tag.oid || !curves.has(oidOf(parameters))) {
      throw refused('an elliptic curve other than P-256, P-384 and P-521');
    }
  } else if (!bareKeys.has(oid) || parameters !== undefined) {
    throw refused(`a public key of an unknown kind (${oid})`);
  }
}

function checkRsaKey(bits: Uint8Array): void {
  const reader = DerReader.only(bits, tag.sequence);
  const modulus = integerBytes(reader.next(tag.integer));
  const exponent = integerBytes(reader.next(tag.integer));
  reader.end();
  const size = bitLength(modulus);
  if (modulus[0]! >= 0x80 || size < minRsaBits || size > maxRsaBits) {
    throw refused(`an RSA key of ${size} bits; ${minRsaBits} to ${maxRsaBits} are accepted`);
  }
  // A huge exponent costs time, and nobody uses more than 33 bits; an even one, one or a negative one is
  // none.
  const last = exponent.at(-1)!;
  const small = exponent.length === 1 && last < 3;
  if (exponent[0]! >= 0x80 || bitLength(exponent) > 33 || last % 2 === 0 || small) {
    throw refused('an RSA exponent of no use');
  }
}

/** The size of an RSA key; 0 for keys of other kinds. */
export function rsaBits(spki: Uint8Array): number {
  const reader = DerReader.only(spki, tag.sequence);
  const oid = oidOf(reader.enter(tag.sequence).next(tag.oid));
  if (oid !== rsaEncryption && oid !== rsaPss) return 0;
  const key = DerReader.only(bitStringBytes(reader.next(tag.bitString)), tag.sequence);
  return bitLength(integerBytes(key.next(tag.integer)));
}

/** Of a positive integer in DER: a first byte of zero stands before one whose highest bit is set. */
function bitLength(integer: Uint8Array): number {
  return integer.length * 8 - Math.clz32(integer[0]!) + 24;
}

/**
 * Whether the signature is that key's over what was signed.
 *
 * @throws AuthError `ERR_CERTIFICATE_ALGORITHM` where the algorithm is none that may vouch for anything
 */
export function isSignedBy(signed: Signed, key: KeyObject): boolean {
  const how = verificationOf(signed, key);
  try {
    return how !== undefined && verify(how.hash, signed.content, how.key, signed.signature);
  } catch {
    // A key whose own parameters forbid this algorithm.
    return false;
  }
}

/** As `isSignedBy`, yielding every now and then, for CRLs of many megabytes. */
export function* isSignedByInSteps(signed: Signed, key: KeyObject): Generator<void, boolean> {
  const how = verificationOf(signed, key);
  // The Edwards curves go over the content twice, so node:crypto wants it whole.
  if (how === undefined || how.hash === null) return isSignedBy(signed, key);
  const verifier = createVerify(how.hash);
  for (let from = 0; from < signed.content.length; from += bytesPerStep) {
    if (from > 0) yield;
    verifier.update(signed.content.subarray(from, from + bytesPerStep));
  }
  try {
    return verifier.verify(how.key, signed.signature);
  } catch {
    return false;
  }
}

/** How to verify with this key; undefined where it is none for this algorithm. */
function verificationOf({ algorithm }: Signed, key: KeyObject) {
  const { family, hash, saltLength } = readAlgorithm(algorithm);
  const kind = key.asymmetricKeyType;
  if (kind !== family && !(family === 'rsa-pss' && kind === 'rsa')) return undefined;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return { hash, key: saltLength === undefined ? key : { key, padding, saltLength } };
}

/**
 * Reads an AlgorithmIdentifier.
 *
 * @throws AuthError `ERR_CERTIFICATE_ALGORITHM` where it is none that may vouch for anything
 */
export function readAlgorithm(der: Uint8Array): Algorithm {
  const reader = DerReader.only(der, tag.sequence);
  const oid = oidOf(reader.next(tag.oid));
  const parameters = reader.done ? undefined : reader.next();
  reader.end();
  if (oid === rsaPss) return readPss(parameters);
  const algorithm = algorithms[oid];
  if (algorithm === undefined) throw refused(`a signature algorithm that is not accepted (${oid})`);
  // RFC 4055 section 5 has NULL with RSA and bears with nothing; RFC 5758 section 3.2 has nothing at all.
  if (parameters !== undefined && !(algorithm.family === 'rsa' && isNull(parameters))) {
    throw refused('parameters that its signature algorithm has not');
  }
  return algorithm;
}

/** RFC 4055 section 3.1. The defaults, SHA-1 all of them, are not accepted, so all but one is written. */
function readPss(parameters: Element | undefined): Algorithm {
  if (parameters?.tag !== tag.sequence) throw refused('PSS without parameters, which means SHA-1');
  const reader = parameters.members();
  const hash = hashOf(explicit(reader, 0));
  const maskHash = maskHashOf(explicit(reader, 1));
  const salt = explicit(reader, 2);
  const trailer = explicit(reader, 3);
  reader.end();
  if (hash === undefined || maskHash !== hash) {
    throw refused('PSS with a hash that is not accepted, or with two');
  }
  if (trailer !== undefined && countOf(trailer) !== 1) throw refused('PSS with another trailer');
  const saltLength = salt === undefined ? 20 : countOf(salt);
  if (saltLength > 512) throw refused('PSS with a salt of no use');
  return { family: 'rsa-pss', hash, saltLength };
}

function explicit(reader: DerReader, number: number): Element | undefined {
  const wrapper = reader.optional(context(number, true));
  if (wrapper === undefined) return undefined;
  const inner = wrapper.members();
  const element = inner.next();
  inner.end();
  return element;
}

function maskHashOf(element: Element | undefined): string | undefined {
  if (element?.tag !== tag.sequence) return undefined;
  const reader = element.members();
  if (oidOf(reader.next(tag.oid)) !== mgf1) return undefined;
  const hash = hashOf(reader.next());
  reader.end();
  return hash;
}

function hashOf(element: Element | undefined): string | undefined {
  if (element?.tag !== tag.sequence) return undefined;
  const reader = element.members();
  const hash = hashes[oidOf(reader.next(tag.oid))];
  // RFC 4055 section 2.1: NULL or nothing, both accepted.
  if (!reader.done && !isNull(reader.next())) return undefined;
  reader.end();
  return hash;
}

function isNull(element: Element | undefined): boolean {
  return element?.tag === tag.null && element.content.length === 0;
}

function refused(what: string, cause?: unknown): AuthError {
  return new AuthError('ERR_CERTIFICATE_ALGORITHM', `the certificate has ${what}`, { cause });
}
