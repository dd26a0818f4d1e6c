import type { IncomingMessage } from 'node:http';
import { ConfigError, type Policy, type Verifier } from '../../src/index.ts';
import type { Identity } from '../../src/identity.ts';
import { checkOptions } from '../../src/options.ts';
import { isVerifier } from '../../src/verifier.ts';
import { type PassportRequest, errorWith, failWith } from './refusal.ts';
import { type Done, type Plan, VerifierStrategy, verifyFrom } from './strategy.ts';

export interface MutualAuthStrategyOptions {
  /** Made by `createVerifier`. */
  readonly verifier: Verifier;
  /** Replaces the verifier's in the members it names. */
  readonly policy?: Policy;
  /** Whether `verify` gets the request, before all else. @defaultValue false */
  readonly passReqToCallback?: boolean;
}

/** Says which user a peer is that has proven itself. What it throws is an answer as `done(error)` is. */
export type VerifyIdentity = (identity: Identity, done: Done) => void | Promise<void>;

/** The same under `passReqToCallback`. */
export type VerifyIdentityWithRequest<Request> = (
  request: Request,
  identity: Identity,
  done: Done,
) => void | Promise<void>;

/**
 * Passport's strategy `mutual-auth`: `req.identity` is the peer once both sides have proven themselves,
 * and `req.user` what `verify` makes of it, or the identity itself without a `verify`.
 *
 * Where nothing was presented, or a method needs another round trip, it fails, and a later strategy may
 * go on. What was presented and is bad, or is not allowed, is an error that ends the list. Under
 * `allowAnonymous` a peer without credentials passes without a user. It is for Express, whose `req.res` is
 * the response.
 *
 * @throws ConfigError while the program starts
 */
export class MutualAuthStrategy<
  Request extends IncomingMessage = PassportRequest,
> extends VerifierStrategy {
  readonly name: string = 'mutual-auth';

  constructor(
    options: MutualAuthStrategyOptions & { readonly passReqToCallback: true },
    verify: VerifyIdentityWithRequest<Request>,
  );
  constructor(
    options: MutualAuthStrategyOptions & { readonly passReqToCallback?: false },
    verify?: VerifyIdentity,
  );
  constructor(options: MutualAuthStrategyOptions, ...given: readonly unknown[]) {
    super(planFrom(options, given));
  }
}

function planFrom(options: MutualAuthStrategyOptions, given: readonly unknown[]): Plan {
  const known = ['verifier', 'policy', 'passReqToCallback'];
  const { verifier, policy, passReqToCallback } = checkOptions(
    'MutualAuthStrategy',
    options,
    known,
  );
  if (!isVerifier(verifier)) {
    throw new ConfigError('MutualAuthStrategy.verifier', 'must be what createVerifier() makes');
  }
  return {
    verifier: policy === undefined ? verifier : verifier.withPolicy(policy),
    // One that is there and unset must not make a user of everybody.
    verify:
      given.length === 0
        ? (_request, identity, done) => done(null, identity)
        : verifyFrom('MutualAuthStrategy', given[0], passReqToCallback),
    refuse(actions, request, decision) {
      const { response } = decision;
      if (decision.outcome === 'continue') failWith(actions, request, response, response.status);
      else if (decision.error.code === 'ERR_CREDENTIAL_MISSING') {
        failWith(actions, request, response, decision.error.status);
      } else errorWith(actions, request, decision);
    },
  };
}
