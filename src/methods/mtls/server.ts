import { AuthError, ConfigError, quote } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import type { CertificateEvidence } from '../../identity.ts';
import type { ServerMethod } from '../../method.ts';
import { checkOptions } from '../../options.ts';
import type { TlsPeer } from '../../peer/tls-peer.ts';
import { verdictError } from '../../peer/tls-verdict.ts';
import { readCertificate } from '../../x509/certificate.ts';
import { checkTlsUsage } from '../../x509/usage.ts';
import { type CertificateSubject, certificateEvidence, checkValidity } from './protocol.ts';

export interface MtlsOptions {
  /**
   * Chooses the subject of the identity from the certificate's names. What it answers should begin
   * with a prefix that says what kind of name it is, as `user:alice`.
   *
   * @defaultValue the one SPIFFE ID, else the only DNS, mail or user principal name, else the DN
   */
  readonly subject?: CertificateSubject;
}

/**
 * The peer's certificate, from the TLS socket, verified against the `ca` of the TLS server.
 *
 * The server needs `requestCert: true`, and `ca`: without one Node would trust every public CA, so each
 * request is refused. The service proves itself with its own certificate in the same handshake.
 *
 * @throws ConfigError for an option it does not know
 */
export function mtls(options: MtlsOptions = {}): ServerMethod {
  checkOptions('mtls', options, ['subject']);
  const { subject } = options;
  if (subject !== undefined && typeof subject !== 'function') {
    throw new ConfigError('mtls.subject', 'must be a function from evidence to a subject');
  }
  const verdicts = new WeakMap<TlsPeer, CertificateEvidence | AuthError>();

  return {
    name: 'mtls',
    ambient: true,
    mapsSubject: subject !== undefined,
    verify(exchange) {
      const { tls } = exchange.peer;
      if (tls === undefined) return null;
      if (!tls.anchored) {
        throw new AuthError(
          'ERR_NO_TRUST_ANCHORS',
          'the TLS server has no `ca`, so Node trusts every public CA; give https.createServer({ ca })',
        );
      }
      if (tls.certificate === undefined) return null;
      let verdict = verdicts.get(tls);
      if (verdict === undefined) {
        verdict = judge(tls, tls.certificate, subject);
        verdicts.set(tls, verdict);
      }
      if (verdict instanceof AuthError) throw verdict;
      checkValidity(verdict, exchange.now);
      checkHost(tls, exchange);
      return verdict;
    },
  };
}

// Everything that cannot change while the connection lasts, so it is paid for once.
function judge(
  tls: TlsPeer,
  der: Uint8Array,
  subject: CertificateSubject | undefined,
): CertificateEvidence | AuthError {
  try {
    if (tls.complaint !== undefined) throw verdictError(tls.complaint);
    if (tls.hearsay) {
      throw new AuthError(
        'ERR_RESUMPTION_UNVERIFIED',
        'the certificate was verified elsewhere or before the CAs or CRLs changed, not by this server now',
        // The next connection is a full handshake (see `forgetTickets`), and then it is welcome.
        { headers: { connection: 'close' } },
      );
    }
    const certificate = readCertificate(der);
    checkTlsUsage(certificate, 'clientAuth');
    return certificateEvidence(certificate, subject);
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

// RFC 6066 section 3: a certificate shown to one server name says nothing to another, whose context may
// trust other CAs.
function checkHost(tls: TlsPeer, { authority }: Exchange): void {
  // HTTP/1.0 may name none. That is for whoever asked for none, and not for each host that there is.
  const fits = authority === undefined ? tls.serverName === undefined : tls.isFor(authority);
  if (fits) return;
  const shownTo = tls.serverName === undefined ? 'no name' : quote(tls.serverName);
  throw new AuthError(
    'ERR_MISDIRECTED_REQUEST',
    `the connection was made to ${shownTo}, the request is for ${authority === undefined ? 'none' : quote(authority)}`,
  );
}
