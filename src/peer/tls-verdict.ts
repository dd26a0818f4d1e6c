import { AuthError, type AuthErrorCode } from '../errors.ts';

const codes: Readonly<Record<string, AuthErrorCode>> = {
  CERT_HAS_EXPIRED: 'ERR_CERTIFICATE_EXPIRED',
  CERT_NOT_YET_VALID: 'ERR_CERTIFICATE_NOT_YET_VALID',
  CERT_REVOKED: 'ERR_CERTIFICATE_REVOKED',
  INVALID_PURPOSE: 'ERR_CERTIFICATE_USAGE',
};

/** The refusal that OpenSSL's verdict on the peer's certificate stands for. */
export function verdictError(verdict: string): AuthError {
  return new AuthError(
    codes[verdict] ?? 'ERR_CERTIFICATE_UNTRUSTED',
    `TLS does not vouch for the peer's certificate: ${verdict}`,
  );
}
