// The verdict on a peer's certificate: everything that is paid for once per connection. Two judges: OpenSSL,
// which has seen the handshake, and our own path validation.
import { AuthError } from '../../errors.ts';
import type { CertificateEvidence, CertificateOrigin } from '../../identity.ts';
import type { MaybePromise } from '../../maybe-promise.ts';
import type { PresentedCertificate } from '../../peer/forwarded-peer.ts';
import type { TlsPeer } from '../../peer/tls-peer.ts';
import { verdictError } from '../../peer/tls-verdict.ts';
import { AnchorSets } from '../../trust/anchor-sets.ts';
import { CertificateStore } from '../../trust/certificates.ts';
import { PathTrust, type TrustedPath } from '../../trust/path-trust.ts';
import { RevocationChecker } from '../../trust/revocation.ts';
import { readCertificate } from '../../x509/certificate.ts';
import { checkTlsUsage } from '../../x509/usage.ts';
import { type CertificateSubject, certificateEvidence } from './protocol.ts';
import type { MtlsOptions } from './options.ts';

export interface Verdict {
  readonly outcome: CertificateEvidence | AuthError;
  /** From when and until when it stands, in milliseconds since the epoch: clocks are set back too. */
  readonly since: number;
  readonly until: number;
  /** What it rests on. */
  readonly version: string;
}

/** A peer that showed a certificate in TLS. */
export type TlsPresented = TlsPeer & PresentedCertificate;

export interface Judge {
  verdict(presented: TlsPresented, now: Date): MaybePromise<Verdict>;
  /** Whether a verdict still stands at this instant. */
  isCurrent(verdict: Verdict, now: Date): boolean;
}

/** Goes by what OpenSSL made of the certificate in the handshake. */
export function tlsJudge({ subject }: MtlsOptions): Judge {
  return {
    verdict: (tls) => {
      const outcome = attempt(() => {
        if (tls.complaint !== undefined) throw verdictError(tls.complaint);
        if (tls.hearsay) {
          throw new AuthError(
            'ERR_RESUMPTION_UNVERIFIED',
            'the certificate was verified elsewhere or before the CAs or CRLs changed, not by this server now',
            // The next connection is a full handshake (see `forgetTickets`), and then it is welcome.
            { headers: { connection: 'close' } },
          );
        }
        return evidenceOf(tls, 'tls', subject);
      });
      return { outcome, since: 0, until: Infinity, version: '' };
    },
    // The peer's view changes when the server's contexts do, and then it is another object.
    isCurrent: () => true,
  };
}

/** One that needs no handshake of its own. */
export interface PathJudge extends Judge {
  verdictOnForwarded(presented: PresentedCertificate, now: Date): MaybePromise<Verdict>;
}

/** Goes by a path that we validate ourselves. @throws ConfigError */
export function pathJudge(options: MtlsOptions): PathJudge {
  const { trustAnchors, intermediates, revocation = 'off', subject } = options;
  const paths = new PathTrust(
    new AnchorSets('mtls.trustAnchors', trustAnchors),
    intermediates === undefined
      ? undefined
      : new CertificateStore('mtls.intermediates', intermediates),
    RevocationChecker.from('mtls.revocation', revocation),
    'clientAuth',
  );

  /** @param left how often it may be asked anew, where something changes while an answer is waited for */
  function verdict(
    presented: PresentedCertificate,
    source: CertificateOrigin,
    now: Date,
    left = 2,
  ): MaybePromise<Verdict> {
    const { version } = paths;
    const since = now.getTime();
    const settle = (outcome: Verdict['outcome'], until: number): MaybePromise<Verdict> => {
      if (version === paths.version) return { outcome, since, until, version };
      if (left > 0) return verdict(presented, source, now, left - 1);
      const reason = 'what is trusted changed too often while it was asked about';
      return { outcome: new AuthError('ERR_REVOCATION_UNKNOWN', reason), since, until: 0, version };
    };
    const accept = (path: TrustedPath): MaybePromise<Verdict> =>
      settle(
        attempt(() => evidenceOf(presented, source, subject, path)),
        path.until,
      );
    const refuse = (error: unknown): MaybePromise<Verdict> =>
      settle(asAuthError(error), mayChange(error) ? since + retryMs : Infinity);
    let found: MaybePromise<TrustedPath>;
    try {
      found = paths.find(presented.certificate, presented.intermediates, now);
    } catch (error) {
      return refuse(error);
    }
    return found instanceof Promise ? found.then(accept, refuse) : accept(found);
  }

  return {
    verdict: (presented, now) => verdict(presented, 'tls', now),
    verdictOnForwarded: (presented, now) => verdict(presented, 'proxy', now),
    isCurrent: ({ since, until, version }, now) =>
      since <= now.getTime() && now.getTime() <= until && version === paths.version,
  };
}

/** For how long a refusal stands that time alone may turn into something better. */
const retryMs = 1_000;

function evidenceOf(
  presented: PresentedCertificate,
  source: CertificateOrigin,
  subject: CertificateSubject | undefined,
  path?: TrustedPath,
): CertificateEvidence {
  const certificate = path?.certificates[0] ?? readCertificate(presented.certificate);
  checkTlsUsage(certificate, 'clientAuth');
  if (path === undefined) return certificateEvidence(certificate, source, subject);
  const { anchor, policies } = path;
  return certificateEvidence(certificate, source, subject, {
    ...(anchor.set === undefined ? {} : { trustAnchor: anchor.set }),
    policyOids: Object.freeze([...policies]),
  });
}

/** Whether time alone may make it good. */
function mayChange(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_CERTIFICATE_NOT_YET_VALID' || code === 'ERR_REVOCATION_UNKNOWN';
}

function attempt(evidence: () => CertificateEvidence): CertificateEvidence | AuthError {
  try {
    return evidence();
  } catch (error) {
    return asAuthError(error);
  }
}

function asAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  throw error;
}
