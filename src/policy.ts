import { ConfigError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { type IdentityMatch, type Matcher, compileMatch } from './identity-match.ts';
import type { Identity } from './identity.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { ServerMethod } from './method.ts';
import { checkOptions, checkSeconds } from './options.ts';
import { type CheckedRequirement, type Requirement, checkRequirement } from './requirement.ts';

/** Who may pass. Plain data; it is checked once, when a verifier takes it. */
export interface Policy {
  /** What the peer must prove. @defaultValue the verifier's only method, where it has one */
  readonly require?: Requirement;
  /** The peers that may pass: any one must match. An empty list allows nobody. @defaultValue all proven ones */
  readonly allow?: readonly IdentityMatch[];
  /** Has the last word. Only `true` lets the peer pass. */
  readonly authorize?: (identity: Identity, exchange: Exchange) => MaybePromise<boolean>;
  /**
   * Lets pass, without an identity, a peer that has not proven what is required. Evidence that is there
   * and bad is refused all the same.
   *
   * @defaultValue false
   */
  readonly allowAnonymous?: boolean;
  /** How long ago, in seconds, the peer may last have signed in itself (step-up). @defaultValue no limit */
  readonly maxAge?: number;
  /**
   * Whether responses carry the verifier's `proof`; `off` leaves them without, refusals as well.
   *
   * @defaultValue `require` where the verifier has a proof
   */
  readonly proof?: 'require' | 'off';
}

const members = ['require', 'allow', 'authorize', 'allowAnonymous', 'maxAge', 'proof'] as const;

/** A policy whose every member has been checked. */
export interface CheckedPolicy {
  readonly source: Policy;
  readonly requirement: CheckedRequirement;
  readonly matchers: readonly Matcher[] | undefined;
  readonly authorize: Policy['authorize'];
  readonly allowAnonymous: boolean;
  readonly maxAge: number | undefined;
  readonly proof: 'require' | 'off' | undefined;
}

/**
 * Checks a policy; with `base`, one whose members replace those of the policy it refines.
 *
 * @throws ConfigError
 */
export function checkPolicy(
  policy: Policy,
  methods: readonly ServerMethod[],
  base: Policy = {},
): CheckedPolicy {
  const own = checkOptions('policy', policy, members);
  const source: Policy = { __proto__: null, ...base, ...own } as Policy;
  const { require, allow, authorize, allowAnonymous = false, maxAge, proof } = source;
  if (require === undefined && methods.length !== 1) {
    throw new ConfigError('policy.require', 'must say which of the methods are required');
  }
  if (allow !== undefined && !Array.isArray(allow)) {
    throw new ConfigError(
      'policy.allow',
      'must be a list of matches, such as [{ dnsName: "a.example" }]',
    );
  }
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new ConfigError('policy.authorize', 'must be a function that answers true or false');
  }
  if (typeof allowAnonymous !== 'boolean') {
    throw new ConfigError('policy.allowAnonymous', 'must be true or false');
  }
  if (proof !== undefined && proof !== 'require' && proof !== 'off') {
    throw new ConfigError('policy.proof', "must be 'require' or 'off'");
  }
  // Not `??`: null is a mistake, and must not fall back to whatever method comes first.
  const required = require === undefined ? methods[0]!.name : require;
  return {
    source,
    requirement: checkRequirement('policy.require', required, methods),
    matchers: (allow as readonly IdentityMatch[] | undefined)?.map((match, i) =>
      compileMatch(`policy.allow[${i}]`, match),
    ),
    authorize,
    allowAnonymous,
    maxAge: maxAge === undefined ? undefined : checkSeconds('policy.maxAge', maxAge),
    proof,
  };
}
