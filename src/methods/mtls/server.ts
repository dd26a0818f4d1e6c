import { AuthError, ConfigError, quote } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import type { CertificateEvidence } from '../../identity.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import type { ServerMethod } from '../../method.ts';
import { checkOptions } from '../../options.ts';
import type { TlsPeer } from '../../peer/tls-peer.ts';
import { checkValidity } from '../../x509/path/rules.ts';
import type { MtlsOptions } from './options.ts';
import { type Verdict, pathJudge, tlsJudge } from './verdict.ts';

const optionNames = [
  'trustAnchors',
  'intermediates',
  'revocation',
  'subject',
] as const satisfies readonly (keyof MtlsOptions)[];

/**
 * The peer's certificate, from the TLS socket.
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
  const judge = ownPaths ? pathJudge(options) : tlsJudge(options);
  const verdicts = new WeakMap<TlsPeer, MaybePromise<Verdict>>();

  /** The verdict on a connection, taken once, and again when what it rests on has changed or ended. */
  function verdictOn(tls: TlsPeer, der: Uint8Array, now: Date): MaybePromise<Verdict> {
    const known = verdicts.get(tls);
    if (known !== undefined && (known instanceof Promise || judge.isCurrent(known, now)))
      return known;
    const verdict = judge.verdict(tls, der, now);
    verdicts.set(tls, verdict);
    if (verdict instanceof Promise) {
      verdict.then(
        (final) => verdicts.set(tls, final),
        () => verdicts.delete(tls),
      );
    }
    return verdict;
  }

  return {
    name: 'mtls',
    ambient: true,
    mapsSubject: subject !== undefined,
    verify(exchange) {
      const { tls } = exchange.peer;
      if (tls === undefined) return null;
      if (!ownPaths && !tls.anchored) {
        throw new AuthError(
          'ERR_NO_TRUST_ANCHORS',
          'the TLS server has no `ca`, so Node trusts every public CA; give mtls({ trustAnchors }) or https.createServer({ ca })',
        );
      }
      if (tls.certificate === undefined) return null;
      return andThen(verdictOn(tls, tls.certificate, exchange.now), ({ outcome }) => {
        if (outcome instanceof AuthError) throw outcome;
        return checked(outcome, tls, exchange);
      });
    },
  };
}

// Each request anew: connections outlive certificates, and may be used for another host.
function checked(
  evidence: CertificateEvidence,
  tls: TlsPeer,
  exchange: Exchange,
): CertificateEvidence {
  checkValidity(evidence, exchange.now);
  checkHost(tls, exchange);
  return evidence;
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
