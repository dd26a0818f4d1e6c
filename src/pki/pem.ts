export type PemLabel = 'CERTIFICATE' | 'X509 CRL';

/** DER in PEM armour (RFC 7468), with a line feed at the end. */
export function pem(label: PemLabel, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
