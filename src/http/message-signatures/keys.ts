// Which key may be used with which algorithm. The key's owner names the algorithm; a message never does.
import { KeyObject, createPublicKey } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import { suggestion } from '../../options.ts';
import { type SignatureAlgorithm, algorithms, isAlgorithm } from './algorithms.ts';

const minSecretBytes = 32;
const minRsaBits = 2048;
/** Verifying costs with the square of it, and nobody uses more. */
const maxRsaBits = 8192;

/** Checked once for each key: keys are used many times over. */
const fitToSign = new WeakMap<KeyObject, SignatureAlgorithm>();
const fitToVerify = new WeakMap<KeyObject, SignatureAlgorithm>();

/**
 * Checks that the key may sign or verify with this algorithm.
 *
 * @throws ConfigError for a key of another kind or half, one too weak, or a public key as a shared secret
 */
export function checkKey(
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  use: 'sign' | 'verify',
  path: string,
): void {
  const fit = use === 'sign' ? fitToSign : fitToVerify;
  if (!isAlgorithm(algorithm)) {
    const known = suggestion(String(algorithm), Object.keys(algorithms));
    throw new ConfigError(`${path}.algorithm`, `is no signature algorithm.${known}`);
  }
  if (fit.get(key) === algorithm) return;
  const fix = key instanceof KeyObject ? flawOf(key, algorithm, use) : 'must be a KeyObject';
  if (fix !== undefined) throw new ConfigError(`${path}.key`, fix);
  fit.set(key, algorithm);
}

/** What is wrong with a key, as the fix; undefined where nothing is. */
function flawOf(
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  use: 'sign' | 'verify',
): string | undefined {
  if (algorithm === 'hmac-sha256') return flawOfSecret(key);
  const half = use === 'sign' ? 'private' : 'public';
  if (key.type !== half) return `is a ${key.type} key; ${algorithm} takes a ${half} key here`;
  switch (algorithm) {
    case 'ed25519':
      return key.asymmetricKeyType === 'ed25519' ? undefined : 'must be an Ed25519 key';
    case 'ecdsa-p256-sha256':
      return isOnCurve(key, 'prime256v1') ? undefined : 'must be an EC key on P-256';
    case 'ecdsa-p384-sha384':
      return isOnCurve(key, 'secp384r1') ? undefined : 'must be an EC key on P-384';
    case 'rsa-pss-sha512':
    case 'rsa-v1_5-sha256':
      return flawOfRsa(key, algorithm);
  }
}

function flawOfSecret(key: KeyObject): string | undefined {
  if (key.type !== 'secret') return `is a ${key.type} key; hmac-sha256 takes a secret one`;
  if ((key.symmetricKeySize ?? 0) < minSecretBytes) {
    return `must have at least ${minSecretBytes} bytes; take them from randomBytes`;
  }
  return isPublic(key.export())
    ? 'is a public key, which everybody knows; hmac-sha256 takes random bytes'
    : undefined;
}

/** Whether a secret is the text or the DER of some key, as in the attack of that name. */
function isPublic(secret: Buffer): boolean {
  if (secret.includes('-----BEGIN')) return true;
  return (['spki', 'pkcs1'] as const).some((type) => {
    try {
      return createPublicKey({ key: secret, format: 'der', type }).type === 'public';
    } catch {
      return false;
    }
  });
}

function isOnCurve(key: KeyObject, curve: string): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
}

function flawOfRsa(key: KeyObject, algorithm: 'rsa-pss-sha512' | 'rsa-v1_5-sha256') {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type !== 'rsa' && !(type === 'rsa-pss' && algorithm === 'rsa-pss-sha512')) {
    return 'must be an RSA key';
  }
  const bits = details.modulusLength ?? 0;
  if (bits < minRsaBits || bits > maxRsaBits) {
    return `has ${bits} bits; ${minRsaBits} to ${maxRsaBits} are accepted`;
  }
  const exponent = details.publicExponent ?? 0n;
  if (exponent < 3n || exponent % 2n === 0n) return 'has an exponent of no use';
  // A key may be bound to one hash; OpenSSL would throw at each signature.
  const { hashAlgorithm = 'sha512', mgf1HashAlgorithm = 'sha512', saltLength = 0 } = details;
  return hashAlgorithm === 'sha512' && mgf1HashAlgorithm === 'sha512' && saltLength <= 64
    ? undefined
    : 'is bound to another hash or salt than rsa-pss-sha512 has';
}
