import { AuthError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import type { Crl } from './crl.ts';
import { isSignedBy } from './signature.ts';
import { publicKeyOf } from './trust-anchors.ts';

// Hashing a list of a million entries takes tens of milliseconds. Peers send their intermediates anew on
// each connection, so answers are kept by the key and not by the certificate.
const answers = new WeakMap<Crl, Map<string, boolean>>();

/** More keys than any name has. Only certificates with a valid path get here. */
const maxKeys = 32;

/**
 * Whether a certificate's key signed this CRL, and is for signing CRLs (RFC 5280 section 6.3.3 f and g).
 * An algorithm that is not accepted signs nothing.
 */
export function isCrlSignedBy(crl: Crl, signer: Certificate): boolean {
  if (signer.keyUsage?.has('cRLSign') === false) return false;
  let known = answers.get(crl);
  if (known === undefined) answers.set(crl, (known = new Map<string, boolean>()));
  const key = Buffer.from(signer.spki).toString('latin1');
  let answer = known.get(key);
  if (answer === undefined) {
    answer = verdict(crl, signer);
    if (known.size >= maxKeys) known.clear();
    known.set(key, answer);
  }
  return answer;
}

function verdict(crl: Crl, signer: Certificate): boolean {
  try {
    return isSignedBy(crl.signed, publicKeyOf(signer));
  } catch (error) {
    if (error instanceof AuthError) return false;
    throw error;
  }
}
