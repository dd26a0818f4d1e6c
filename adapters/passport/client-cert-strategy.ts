// For programs that were written for `passport-client-cert`: its strategy's names and arguments, under
// the verdict of `mtls`.
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { PeerCertificate } from 'node:tls';
import { type TlsPeer, createVerifier, mtls } from '../../src/index.ts';
import { exchangeOf } from '../../src/node/exchange.ts';
import { checkOptions } from '../../src/options.ts';
import { type PassportRequest, errorWith, failWith } from './refusal.ts';
import { type Done, type Plan, VerifierStrategy, verifyFrom } from './strategy.ts';

export interface ClientCertStrategyOptions {
  /** Whether `verify` gets the request, before all else. @defaultValue false */
  readonly passReqToCallback?: boolean;
}

/** Says which user the holder of a certificate is. */
export type VerifyCertificate = (certificate: PeerCertificate, done: Done) => void | Promise<void>;

/** The same under `passReqToCallback`. */
export type VerifyCertificateWithRequest<Request> = (
  request: Request,
  certificate: PeerCertificate,
  done: Done,
) => void | Promise<void>;

/**
 * Passport's strategy `client-cert`, in place of that of `passport-client-cert`: `verify` gets the
 * certificate as `getPeerCertificate()` shows it, once `mtls` has accepted it.
 *
 * A peer that is refused gets 401, and a later strategy may go on; only what is ours to mend, such as a
 * TLS server without `ca`, is an error. `req.identity` is set beside `req.user`.
 *
 * @throws ConfigError while the program starts
 */
export class Strategy<Request extends IncomingMessage = PassportRequest> extends VerifierStrategy {
  readonly name: string = 'client-cert';

  constructor(verify: VerifyCertificate);
  constructor(
    options: ClientCertStrategyOptions & { readonly passReqToCallback: true },
    verify: VerifyCertificateWithRequest<Request>,
  );
  constructor(
    options: ClientCertStrategyOptions & { readonly passReqToCallback?: false },
    verify: VerifyCertificate,
  );
  constructor(...given: readonly unknown[]) {
    super(planFrom(typeof given[0] === 'function' ? [{}, given[0]] : given));
  }
}

function planFrom([options, given]: readonly unknown[]): Plan {
  const { passReqToCallback } = checkOptions('Strategy', options as ClientCertStrategyOptions, [
    'passReqToCallback',
  ]);
  const verify = verifyFrom<PeerCertificate>('Strategy', given, passReqToCallback);
  return {
    verifier: createVerifier({ methods: [mtls()] }),
    verify: (request, _identity, done) =>
      verify(request, certificateOf(request), (error, user) => done(error, user)),
    refuse(actions, request, decision) {
      const { response } = decision;
      if (decision.outcome === 'refused' && response.status >= 500) {
        errorWith(actions, request, decision);
      } else failWith(actions, request, response);
    },
  };
}

const certificates = new WeakMap<TlsPeer, PeerCertificate>();

// Of the very bytes that were verified, and read once for a connection: that takes longer than all the rest.
// What the application writes on it must not be there for the next request.
function certificateOf(request: PassportRequest): PeerCertificate {
  const tls = exchangeOf(request).peer.tls!;
  let certificate = certificates.get(tls);
  if (certificate === undefined) {
    certificate = new X509Certificate(tls.certificate!).toLegacyObject();
    certificates.set(tls, certificate);
  }
  return { ...certificate };
}
