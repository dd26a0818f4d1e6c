// Content-Digest, Repr-Digest and what asks for them (RFC 9530), with the two algorithms that its registry
// calls active. The deprecated ones prove nothing and are passed over, like those that nobody knows.
import { createHash, hash as hashOf } from 'node:crypto';
import { equalInConstantTime } from '../crypto/constant-time.ts';
import { AuthError, ConfigError } from '../errors.ts';
import { type FieldLines, parseDictionary } from './structured-fields/parse.ts';
import { serialiseBytes } from './structured-fields/serialise.ts';
import { isInnerList } from './structured-fields/values.ts';

export type DigestAlgorithm = 'sha-256' | 'sha-512';

const active: Readonly<
  Record<DigestAlgorithm, { readonly hash: string; readonly length: number }>
> = { 'sha-256': { hash: 'sha256', length: 32 }, 'sha-512': { hash: 'sha512', length: 64 } };

const limits = { maxLength: 8192, maxMembers: 32 };

/**
 * The value of Content-Digest for this content, or of Repr-Digest for this representation.
 *
 * @throws ConfigError for an algorithm other than `sha-256` and `sha-512`
 */
export function contentDigest(
  content: Uint8Array | string,
  algorithm: DigestAlgorithm = 'sha-256',
): string {
  checkAlgorithm(algorithm);
  // In one call, at half the cost of a Hash object.
  return `${algorithm}=:${hashOf(active[algorithm].hash, content, 'base64')}:`;
}

/** As `contentDigest`, for content that comes in parts. @throws ConfigError for another algorithm */
export function digestContent(algorithm: DigestAlgorithm = 'sha-256'): {
  chunk(bytes: Uint8Array): void;
  /** The value of the field. */
  end(): string;
} {
  checkAlgorithm(algorithm);
  const hash = createHash(active[algorithm].hash);
  return {
    chunk: (bytes) => void hash.update(bytes),
    end: () => `${algorithm}=${serialiseBytes(hash.digest())}`,
  };
}

function checkAlgorithm(algorithm: string): void {
  if (Object.hasOwn(active, algorithm)) return;
  throw new ConfigError('algorithm', 'must be `sha-256` or `sha-512`');
}

/** Compares content with its digest as it passes, without holding it. */
export interface DigestCheck {
  chunk(bytes: Uint8Array): void;
  /** @throws AuthError `ERR_DIGEST_MISMATCH` where it was another content */
  end(): void;
}

/**
 * A check of content that comes in parts. Where the field has digests of both algorithms, both must hold.
 *
 * @param lines the field
 * @throws AuthError `ERR_FIELD_MALFORMED`, or `ERR_DIGEST_MISMATCH` where no digest is of a kind that counts
 */
export function checkingDigest(lines: FieldLines): DigestCheck {
  const checks = digestsIn(lines).map(([algorithm, digest]) => ({
    digest,
    hash: createHash(active[algorithm].hash),
  }));
  return {
    chunk(bytes) {
      for (const { hash } of checks) hash.update(bytes);
    },
    end() {
      const equal = checks.map(({ hash, digest }) => equalInConstantTime(hash.digest(), digest));
      if (equal.includes(false)) throw mismatch('the content is not what its digest says');
    },
  };
}

/**
 * Checks content against Content-Digest, or a representation against Repr-Digest.
 *
 * @throws AuthError `ERR_DIGEST_MISMATCH` where they differ or no digest is of a kind that counts,
 * `ERR_FIELD_MALFORMED`
 */
export function checkDigest(lines: FieldLines, content: Uint8Array | string): void {
  const check = checkingDigest(lines);
  check.chunk(typeof content === 'string' ? Buffer.from(content) : content);
  check.end();
}

function digestsIn(lines: FieldLines): readonly (readonly [DigestAlgorithm, Uint8Array])[] {
  const digests: (readonly [DigestAlgorithm, Uint8Array])[] = [];
  for (const [name, member] of parseDictionary(lines, { ...limits, name: 'the digest' })) {
    if (isInnerList(member) || !(member.value instanceof Uint8Array)) throw malformed(name);
    if (!isActive(name)) continue;
    if (member.value.length !== active[name].length) throw malformed(name);
    digests.push([name, member.value]);
  }
  if (digests.length === 0) throw mismatch('the content has no digest of sha-256 or sha-512');
  return digests;
}

/**
 * Which algorithm Want-Content-Digest or Want-Repr-Digest prefers; undefined where it wants none of ours.
 *
 * @throws AuthError `ERR_FIELD_MALFORMED`
 */
export function wantedDigest(lines: FieldLines): DigestAlgorithm | undefined {
  let wanted: DigestAlgorithm | undefined;
  // Zero means not acceptable (RFC 9530 section 4).
  let most = 0;
  for (const [name, member] of parseDictionary(lines, { ...limits, name: 'the wanted digest' })) {
    const weight = isInnerList(member) ? undefined : member.value;
    if (typeof weight !== 'number' || weight < 0 || weight > 10) throw malformed(name);
    if (!isActive(name) || weight <= most) continue;
    wanted = name;
    most = weight;
  }
  return wanted;
}

/** The value of Want-Content-Digest or Want-Repr-Digest that asks for these, the first one most. */
export function wantDigest(...algorithms: readonly DigestAlgorithm[]): string {
  return algorithms.map((algorithm, i) => `${algorithm}=${10 - i}`).join(', ');
}

function isActive(name: string): name is DigestAlgorithm {
  return Object.hasOwn(active, name);
}

function mismatch(reason: string): AuthError {
  return new AuthError('ERR_DIGEST_MISMATCH', reason);
}

function malformed(algorithm: string): AuthError {
  return new AuthError('ERR_FIELD_MALFORMED', `the digest of ${algorithm} is none`);
}
