import { AuthError } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import type { Crl } from './crl.ts';
import { isSignedByInSteps } from '../signature.ts';
import { publicKeyOf } from '../path/trust-anchors.ts';

interface Answer {
  readonly signer: Certificate;
  readonly isSigned: boolean;
}

// Hashing a list of a million entries takes tens of milliseconds. Peers send their intermediates anew on
// each connection, so answers are kept by the key and not by the certificate.
const answers = new WeakMap<Crl, Map<string, Answer>>();

/** More keys than any name has. Only certificates with a valid path get here. */
const maxKeys = 32;

/**
 * Whether a certificate's key signed this CRL, and is for signing CRLs (RFC 5280 section 6.3.3 f and g).
 * An algorithm that is not accepted signs nothing.
 */
export function isCrlSignedBy(crl: Crl, signer: Certificate): boolean {
  const steps = isCrlSignedByInSteps(crl, signer);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As `isCrlSignedBy`, yielding every now and then. Whoever asks after it gets the answer at once. */
export function* isCrlSignedByInSteps(crl: Crl, signer: Certificate): Generator<void, boolean> {
  if (!maySignCrls(signer)) return false;
  let known = answers.get(crl);
  if (known === undefined) answers.set(crl, (known = new Map<string, Answer>()));
  const key = Buffer.from(signer.spki).toString('latin1');
  const answer = known.get(key);
  if (answer !== undefined) return answer.isSigned;
  const isSigned = yield* verdict(crl, signer);
  if (known.size >= maxKeys) known.clear();
  known.set(key, { signer, isSigned });
  return isSigned;
}

/** Those whose keys are known to have signed this list: the likeliest to have signed the next one. */
export function knownSigners(crl: Crl): readonly Certificate[] {
  return [...(answers.get(crl)?.values() ?? [])].flatMap(({ signer, isSigned }) =>
    isSigned ? [signer] : [],
  );
}

/** Without a key usage a CA may sign what it likes. Of others RFC 5280 section 4.2.1.3 asks to be told. */
function maySignCrls({ keyUsage, basicConstraints }: Certificate): boolean {
  return keyUsage?.has('cRLSign') ?? basicConstraints?.ca === true;
}

function* verdict(crl: Crl, signer: Certificate): Generator<void, boolean> {
  try {
    return yield* isSignedByInSteps(crl.signed, publicKeyOf(signer));
  } catch (error) {
    if (error instanceof AuthError) return false;
    throw error;
  }
}
