import {
  type Decision,
  type Refused,
  accepted,
  continued,
  mergeFields,
  refused,
} from './decision.ts';
import { AuthError, ConfigError, type ResponseFields, quote } from './errors.ts';
import { publish, publishRefusal } from './events.ts';
import type { Exchange } from './exchange.ts';
import { Identity } from './identity.ts';
import { type MaybePromise, andThen, isPromise } from './maybe-promise.ts';
import { checkMethods, checkPlace } from './method-list.ts';
import { Continue, type ServerMethod, type Services } from './method.ts';
import { checkOptions } from './options.ts';
import { prepareOnce, verifyOnce } from './outcome.ts';
import { type Place, type PlaceOptions, checkAuthority, checkSite, readPlace } from './place.ts';
import { type CheckedPolicy, type Policy, checkPolicy } from './policy.ts';
import { type ResponseProof, checkProof } from './proof.ts';
import type { Proven } from './requirement.ts';
import { ProxiedExchange } from './proxies/proxied-exchange.ts';
import type { TrustedProxy } from './proxies/options.ts';
import { TrustedProxies } from './proxies/trusted-proxies.ts';
import { reportRuntime } from './runtime.ts';
import { memoryStore } from './stores/memory.ts';
import type { Store } from './stores/store.ts';

export interface VerifierOptions extends PlaceOptions {
  /** The ways in which a peer may prove itself. Their order is that of challenges. */
  readonly methods: readonly ServerMethod[];
  /** What is asked of every request, unless a route says otherwise. @defaultValue the only method is required */
  readonly policy?: Policy;
  /**
   * The proxies that may hand over their clients' certificates in a header field. From anyone else such a
   * field refuses the request. Needs `mtls({ trustAnchors })`.
   */
  readonly trustedProxies?: readonly TrustedProxy[];
  /**
   * What methods remember across requests, as nonces that were used. Give one that all processes of the
   * service share.
   *
   * @defaultValue the memory of this process
   */
  readonly store?: Store;
  /**
   * Proves the service in every response, whatever the method: `signedResponses` of `countersign/signature`.
   * Needs `authorities`, so that no other service can be asked for the same proof.
   */
  readonly proof?: ResponseProof;
}

/** Decides requests. Make one with `createVerifier`. */
export interface Verifier {
  readonly methods: readonly ServerMethod[];
  /** What proves the responses; `off` where its policy says so, undefined where nothing ever does. */
  readonly proof?: ResponseProof | 'off' | undefined;
  /**
   * The request as this verifier sees it: behind a trusted proxy the peer is the one that the proxy speaks
   * for, as soon as `decide` has an answer.
   */
  seen(exchange: Exchange): Exchange;
  /** Lets every method look at a request before anything reads its content. Decides nothing. */
  prepare(exchange: Exchange): void;
  /**
   * Decides one request: at once, where every method and callback answers at once. Never throws nor
   * rejects: what goes wrong is a refusal.
   */
  decide(exchange: Exchange): MaybePromise<Decision>;
  /**
   * The same verifier under a route's policy: the members it names replace the verifier's.
   *
   * @throws ConfigError
   */
  withPolicy(policy: Policy): Verifier;
}

/**
 * Makes the one object that decides requests: methods and a policy.
 *
 * @throws ConfigError for anything that is misspelt, unset or can never hold
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const own = checkOptions('', options, [
    'methods',
    'policy',
    'trustedProxies',
    'store',
    'authorities',
    'origins',
    'proof',
  ]);
  const { methods, policy = {}, trustedProxies, proof } = own;
  checkMethods(methods);
  checkPlace(methods, own.authorities);
  checkProof(proof, own.authorities);
  const store = own.store ?? memoryStore();
  const proxies =
    trustedProxies === undefined
      ? undefined
      : new TrustedProxies('trustedProxies', trustedProxies, methods, store);
  const setup = {
    methods: [...methods],
    place: readPlace(own),
    proxies,
    proof,
    services: { store },
  };
  const verifier = verifierOf(setup, checkPolicy(policy, methods));
  reportRuntime();
  return verifier;
}

/** Whether a value decides requests, as opposed to options that say how to make one that does. */
export function isVerifier(value: unknown): value is Verifier {
  return typeof (value as Partial<Verifier> | null | undefined)?.decide === 'function';
}

/** What a verifier has, whatever the policy. */
interface Setup {
  readonly methods: readonly ServerMethod[];
  readonly place: Place;
  readonly proxies: TrustedProxies | undefined;
  readonly proof: ResponseProof | undefined;
  readonly services: Services;
}

function verifierOf(setup: Setup, policy: CheckedPolicy): Verifier {
  const { methods, proxies } = setup;
  if (policy.proof === 'require' && setup.proof === undefined) {
    throw new ConfigError(
      'policy.proof',
      'needs the `proof` of a verifier, such as signedResponses',
    );
  }
  const proof = policy.proof === 'off' ? 'off' : setup.proof;
  const seen = (exchange: Exchange): Exchange =>
    proxies === undefined ? exchange : ProxiedExchange.of(exchange, proxies);
  return Object.freeze({
    methods,
    proof,
    seen,
    prepare(given) {
      const exchange = seen(given);
      if (exchange instanceof ProxiedExchange) exchange.take();
      for (const method of methods) prepareOnce(method, exchange);
    },
    decide(given) {
      const exchange = seen(given);
      const refuse = (cause: unknown): Decision => refusal(exchange, policy, cause);
      try {
        const decision =
          exchange instanceof ProxiedExchange
            ? andThen(exchange.settle(), () => judge(exchange, setup, policy))
            : judge(exchange, setup, policy);
        return isPromise(decision) ? decision.catch(refuse) : decision;
      } catch (cause) {
        return refuse(cause);
      }
    },
    withPolicy: (route) => verifierOf(setup, checkPolicy(route, methods, policy.source)),
  } satisfies Verifier);
}

function judge(
  exchange: Exchange,
  { place, proof, services }: Setup,
  policy: CheckedPolicy,
): MaybePromise<Decision> {
  checkAuthority(exchange, place);
  if (policy.proof !== 'off') proof?.read(exchange);
  return andThen(findings(exchange, services, policy.requirement.methods), ({ proven, step }) => {
    if (step !== undefined) return continued(step);
    checkSite(exchange, place, proven);
    return andThen(admitted(exchange, policy, proven), (identity) => {
      publish('accepted', exchange, () => ({
        subject: identity?.subject,
        method: identity?.method,
      }));
      return accepted(identity);
    });
  });
}

interface Findings {
  readonly proven: Proven[];
  /** The first method's that needs another round trip. */
  step: Continue | undefined;
}

// One after the other: behind a bad proof, no other method spends anything.
function findings(
  exchange: Exchange,
  services: Services,
  [method, ...others]: readonly ServerMethod[],
  found: Findings = { proven: [], step: undefined },
): MaybePromise<Findings> {
  if (method === undefined) return found;
  return andThen(verifyOnce(method, exchange, services), (outcome) => {
    if (outcome instanceof Continue) found.step ??= outcome;
    else if (outcome !== null) found.proven.push({ method, evidence: outcome });
    return findings(exchange, services, others, found);
  });
}

/** Who may pass; undefined for an anonymous peer, where the policy lets one. */
function admitted(
  exchange: Exchange,
  policy: CheckedPolicy,
  proven: readonly Proven[],
): MaybePromise<Identity | undefined> {
  const ways = policy.requirement.ways(proven);
  if (ways.length === 0) {
    if (policy.allowAnonymous) return undefined;
    const missing = policy.requirement.methods
      .filter((method) => !proven.some((one) => one.method === method))
      .map(({ name }) => name);
    throw new AuthError(
      'ERR_CREDENTIAL_MISSING',
      `nothing was presented for ${missing.join(', ')}`,
    );
  }
  const identity = allowedIdentity(ways, policy, exchange.now);
  checkAge(identity, policy.maxAge);
  if (policy.authorize === undefined) return identity;
  return andThen(policy.authorize(identity, exchange), (answer) => {
    // Anything else is no answer, however true it looks.
    if (answer === true) return identity;
    throw new AuthError(
      'ERR_NOT_ALLOWED',
      `authorize did not answer true for ${quote(identity.subject)}`,
    );
  });
}

function allowedIdentity(
  ways: readonly (readonly Proven[])[],
  { matchers }: CheckedPolicy,
  now: Date,
): Identity {
  for (const way of ways) {
    const identity = new Identity(
      way.map(({ method, evidence }) => [method.name, evidence]),
      now,
    );
    if (matchers === undefined || matchers.some((matches) => matches(identity.evidence))) {
      return identity;
    }
  }
  const { subject } = ways[0]![0]!.evidence;
  throw new AuthError('ERR_NOT_ALLOWED', `${quote(subject)} is not among the allowed`);
}

function checkAge({ authenticatedAt, verifiedAt }: Identity, maxAge: number | undefined): void {
  const age = (verifiedAt.getTime() - authenticatedAt.getTime()) / 1000;
  if (maxAge !== undefined && age > maxAge) {
    throw new AuthError('ERR_STEP_UP_REQUIRED', `the peer last signed in ${Math.floor(age)} s ago`);
  }
}

function refusal(exchange: Exchange, policy: CheckedPolicy, cause: unknown): Decision {
  const decision = refusalWithChallenges(exchange, policy, cause);
  publishRefusal(exchange, decision);
  return decision;
}

function refusalWithChallenges(exchange: Exchange, policy: CheckedPolicy, cause: unknown): Refused {
  const error = cause instanceof AuthError ? cause : internal(cause);
  if (error.status !== 401) return refused(error, {});
  try {
    return refused(error, challenges(exchange, policy));
  } catch (failure) {
    return refused(internal(failure), {});
  }
}

function internal(cause: unknown): AuthError {
  return new AuthError('ERR_INTERNAL', 'a method or callback failed', { cause });
}

function challenges(exchange: Exchange, { requirement }: CheckedPolicy): ResponseFields {
  return requirement.methods
    .map((method) => method.challenge?.(exchange) ?? {})
    .reduce(mergeFields, {});
}
