import { AuthError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import type { KeyUsage } from './extensions.ts';

/** Which end of a TLS connection a certificate is shown for. */
export type TlsPurpose = 'clientAuth' | 'serverAuth';

/** What a path is validated for; `any` asks nothing. */
export type Purpose = TlsPurpose | 'ocspSigning' | 'any';

/** The purposes in an extended key usage. */
export const purposeOid: Readonly<Record<Purpose, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  any: '2.5.29.37.0',
};

/** The uses of a key that are consistent with a purpose (RFC 5280 section 4.2.1.12). */
const consistentUses: Readonly<Record<Exclude<Purpose, 'any'>, readonly KeyUsage[]>> = {
  serverAuth: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
  clientAuth: ['digitalSignature', 'keyAgreement'],
  ocspSigning: ['digitalSignature', 'contentCommitment'],
};

/**
 * Checks that a leaf may stand at this end of a TLS connection (RFC 5280 sections 4.2.1.3, 4.2.1.12).
 *
 * An extension that is missing restricts nothing; one that is there must name the purpose itself:
 * `anyExtendedKeyUsage` is no answer to the question, and OpenSSL takes it for none either.
 *
 * @throws AuthError `ERR_CERTIFICATE_USAGE`
 */
export function checkTlsUsage(certificate: Certificate, purpose: TlsPurpose): void {
  const { extendedKeyUsage, keyUsage } = certificate;
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes(purposeOid[purpose])) {
    throw new AuthError('ERR_CERTIFICATE_USAGE', `the certificate is not meant for ${purpose}`);
  }
  // Every handshake with forward secrecy signs. RSA key transport, which would need
  // keyEncipherment instead, does not authenticate a client at all and is gone from TLS 1.3.
  if (keyUsage !== undefined && !keyUsage.has('digitalSignature')) {
    throw new AuthError('ERR_CERTIFICATE_USAGE', "the certificate's key may not sign a handshake");
  }
}

/**
 * Checks that a certificate may stand in a path for this purpose, at its end or above it: a CA whose
 * purposes are listed vouches for these only.
 *
 * @throws AuthError `ERR_CERTIFICATE_USAGE`
 */
export function checkPurpose(certificate: Certificate, purpose: Purpose, leaf: boolean): void {
  if (purpose === 'any') return;
  const { extendedKeyUsage, keyUsage } = certificate;
  const fits =
    extendedKeyUsage === undefined ||
    extendedKeyUsage.includes(purposeOid[purpose]) ||
    extendedKeyUsage.includes(purposeOid.any);
  if (!fits) {
    throw new AuthError('ERR_CERTIFICATE_USAGE', `the certificate is not meant for ${purpose}`);
  }
  if (leaf && keyUsage !== undefined && !consistentUses[purpose].some((use) => keyUsage.has(use))) {
    throw new AuthError('ERR_CERTIFICATE_USAGE', `the certificate's key is not for ${purpose}`);
  }
}
