import { type Crl, indexCrl } from '../x509/crl/crl.ts';
import { derBlocksInSteps } from '../x509/pem.ts';
import { withPauses } from './pauses.ts';

/**
 * The CRLs in a file or an answer, DER or PEM. However long they are, other work gets its turn every few
 * milliseconds.
 *
 * @throws AuthError where there is none, or one that cannot be used
 */
export async function readCrlsInSteps(bytes: Uint8Array): Promise<readonly Crl[]> {
  const crls: Crl[] = [];
  for (const der of await withPauses(derBlocksInSteps(bytes, 'X509 CRL'))) {
    crls.push(await withPauses(indexCrl(der)));
  }
  return crls;
}
