// Fields in which some proxy says something about a client certificate: the certificate, its names, a
// verdict. From elsewhere they are a forgery or a leftover, and no code of a service should meet them.

/** What their names begin with, in the spelling of `sameName`. */
const beginnings = [
  'client-cert',
  'x-client-cert',
  'x-ssl-client-',
  'ssl-client-',
  'x-ssl-cert',
  'x-ssl-issuer',
  'x-ssl-subject',
  'x-ssl-verif',
  'x-tls-client-',
  'x-mtls-',
  'x-client-dn',
  'x-client-verify',
  'sslclientcert',
  'x-forwarded-tls-client-cert',
  'x-forwarded-client-cert',
  'x-forwarded-ssl-client-',
  'x-amzn-mtls-clientcert',
  'x-arr-clientcert',
  'x-azure-clientcert',
  'cloudfront-viewer-cert-',
  'cf-client-cert-',
  'cf-cert-',
  'fastly-client-cert',
  'ms-aspnetcore-clientcert',
  'l5d-client-id',
];

/**
 * A name as the least careful reader along the way may take it: case is lost everywhere, and CGI and its
 * descendants make one character of hyphens, underscores and dots.
 */
export function sameName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}

/** Whether a name, in the spelling of `sameName`, is that of a field about client certificates. */
export function isCertificateField(name: string): boolean {
  return beginnings.some((beginning) => name.startsWith(beginning));
}
