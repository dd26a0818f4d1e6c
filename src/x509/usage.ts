import { AuthError } from '../errors.ts';
import type { Certificate } from './certificate.ts';

/** Which end of a TLS connection a certificate is shown for. */
export type TlsPurpose = 'clientAuth' | 'serverAuth';

const purposeOid = { clientAuth: '1.3.6.1.5.5.7.3.2', serverAuth: '1.3.6.1.5.5.7.3.1' } as const;

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
