import { AuthError, ConfigError, quote } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import type { CertificateEvidence } from '../../identity.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import type { ServerMethod } from '../../method.ts';
import { checkOptions } from '../../options.ts';
import type { ForwardedPeer, PresentedCertificate } from '../../peer/forwarded-peer.ts';
import type { TlsPeer } from '../../peer/tls-peer.ts';
import { checkValidity } from '../../x509/path/rules.ts';
import type { MtlsOptions } from './options.ts';
import { type Judge, type TlsPresented, type Verdict, pathJudge, tlsJudge } from './verdict.ts';

const optionNames = [
  'trustAnchors',
  'intermediates',
  'revocation',
  'subject',
] as const satisfies readonly (keyof MtlsOptions)[];

/**
 * The peer's certificate, from the TLS socket or, with `trustedProxies`, from a proxy that is trusted.
 *
 * The server needs `requestCert: true`, and either `trustAnchors` here or a `ca` of its own: without one
 * Node would trust every public CA, so each request is refused. The service proves itself with its own
 * certificate in the same handshake.
 *
 * @throws ConfigError for an option it does not know, or certificates that cannot be read
 */
export function mtls(given: MtlsOptions = {}): ServerMethod {
  const options = checkOptions('mtls', given, optionNames);
  const { subject } = options;
  if (subject !== undefined && typeof subject !== 'function') {
    throw new ConfigError('mtls.subject', 'must be a function from evidence to a subject');
  }
  const ownPaths = options.trustAnchors !== undefined;
  for (const option of ['intermediates', 'revocation'] as const) {
    if (!ownPaths && options[option] !== undefined && options[option] !== 'off') {
      throw new ConfigError(`mtls.${option}`, 'needs `trustAnchors`; without them OpenSSL decides');
    }
  }
  const ofPaths = ownPaths ? pathJudge(options) : undefined;
  const ofTls: Judge = ofPaths ?? tlsJudge(options);
  const verdicts = new WeakMap<PresentedCertificate, MaybePromise<Verdict>>();

  /**
   * What a certificate says of its holder. The verdict on it is taken once, and again when what it rests on
   * has changed or ended; its validity is looked at each time, for connections outlive certificates.
   */
  function evidenceOf<Presented extends PresentedCertificate>(
    presented: Presented,
    now: Date,
    verdictOn: (presented: Presented, now: Date) => MaybePromise<Verdict>,
  ): MaybePromise<CertificateEvidence> {
    const known = verdicts.get(presented);
    const stands = known !== undefined && (known instanceof Promise || ofTls.isCurrent(known, now));
    const verdict = stands ? known : verdictOn(presented, now);
    if (!stands) {
      verdicts.set(presented, verdict);
      if (verdict instanceof Promise) {
        verdict.then(
          (final) => verdicts.set(presented, final),
          () => verdicts.delete(presented),
        );
      }
    }
    return andThen(verdict, ({ outcome }) => {
      if (outcome instanceof AuthError) throw outcome;
      checkValidity(outcome, now);
      return outcome;
    });
  }

  function verifyConnection({
    peer: { tls },
    now,
  }: Exchange): MaybePromise<CertificateEvidence | null> {
    if (tls === undefined) return null;
    if (!ownPaths && !tls.anchored) throw noTrustAnchors();
    return isPresented(tls) ? evidenceOf(tls, now, ofTls.verdict) : null;
  }

  function verifyForwarded(
    { certificate }: ForwardedPeer,
    now: Date,
  ): MaybePromise<CertificateEvidence | null> {
    if (ofPaths === undefined) throw noTrustAnchors();
    return certificate === undefined
      ? null
      : evidenceOf(certificate, now, ofPaths.verdictOnForwarded);
  }

  return {
    name: 'mtls',
    ambient: true,
    mapsSubject: subject !== undefined,
    verify(exchange) {
      const { forwarded, tls } = exchange.peer;
      if (forwarded !== undefined) return verifyForwarded(forwarded, exchange.now);
      return andThen(verifyConnection(exchange), (evidence) => {
        if (evidence !== null) checkHost(tls!, exchange);
        return evidence;
      });
    },
    ...(ownPaths ? { verifyConnection } : {}),
  };
}

function isPresented(tls: TlsPeer): tls is TlsPresented {
  return tls.certificate !== undefined;
}

function noTrustAnchors(): AuthError {
  return new AuthError(
    'ERR_NO_TRUST_ANCHORS',
    'the TLS server has no `ca`, so Node trusts every public CA; give mtls({ trustAnchors }) or https.createServer({ ca })',
  );
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
