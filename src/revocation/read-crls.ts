import { setImmediate } from 'node:timers/promises';
import { type Crl, indexCrl } from '../x509/crl.ts';
import { derBlocks } from '../x509/pem.ts';

/**
 * The CRLs in a file or an answer, DER or PEM. However long they are, other work gets its turn every few
 * milliseconds.
 *
 * @throws AuthError where there is none, or one that cannot be used
 */
export async function readCrlsInSteps(bytes: Uint8Array): Promise<readonly Crl[]> {
  const crls: Crl[] = [];
  for (const der of derBlocks(bytes, 'X509 CRL')) {
    const steps = indexCrl(der);
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        crls.push(step.value);
        break;
      }
      await setImmediate();
    }
  }
  return crls;
}
