import type { TrustAnchors } from '../../trust/anchor-sets.ts';
import type { Certificates } from '../../trust/certificates.ts';
import type { RevocationOptions } from '../../trust/revocation.ts';
import type { RevocationMode } from '../../x509/path/revocation.ts';
import type { CertificateSubject } from './protocol.ts';

export interface MtlsOptions {
  /**
   * The CAs that vouch for peers: PEM text, DER, the path of a file or directory, a list of these, or a
   * record of such sets by name, for `allow: [{ trustAnchor: 'partners' }]`. A set named
   * `spiffe://bank.example` is the bundle of that trust domain. Files are read again when they change.
   *
   * With it the path is validated here (RFC 5280), whatever the TLS server's own `ca` are: give the server
   * `requestCert: true, rejectUnauthorized: false`.
   *
   * @defaultValue the `ca` of the TLS server decide, and OpenSSL validates
   */
  readonly trustAnchors?: TrustAnchors;
  /** Certificates that may stand in between, for peers that do not send theirs. Needs `trustAnchors`. */
  readonly intermediates?: Certificates;
  /**
   * Whether certificates are checked for revocation, by CRLs and OCSP: `require` refuses what is not known
   * to be good, with 503. Needs `trustAnchors`.
   *
   * @defaultValue `'off'`
   */
  readonly revocation?: RevocationMode | RevocationOptions;
  /**
   * Chooses the subject of the identity from the certificate's names. What it answers should begin
   * with a prefix that says what kind of name it is, as `user:alice`.
   *
   * @defaultValue the one SPIFFE ID, else the only DNS, mail or user principal name, else the DN
   */
  readonly subject?: CertificateSubject;
}
