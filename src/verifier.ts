import {
  type Decision,
  type Refused,
  accepted,
  continued,
  mergeFields,
  refused,
} from './decision.ts';
import { AuthError, ConfigError, type ResponseFields, quote } from './errors.ts';
import { publish } from './events.ts';
import type { Exchange } from './exchange.ts';
import { isCrossSite } from './http/cross-site.ts';
import { type Evidence, Identity } from './identity.ts';
import { Continue, type ServerMethod } from './method.ts';
import { checkOptions } from './options.ts';
import { prepareOnce, verifyOnce } from './outcome.ts';
import { type CheckedPolicy, type Policy, checkPolicy } from './policy.ts';
import type { Proven } from './requirement.ts';
import {
  type ServedAuthority,
  checkAuthorities,
  checkOrigins,
  serves,
} from './served-authority.ts';

export interface VerifierOptions {
  /** The ways in which a peer may prove itself. Their order is that of challenges. */
  readonly methods: readonly ServerMethod[];
  /** What is asked of every request, unless a route says otherwise. @defaultValue the only method is required */
  readonly policy?: Policy;
  /**
   * The origins this service answers to, each with a path prefix if need be:
   * `https://api.bank.example/v1`. A request for another authority is refused with 421.
   */
  readonly authorities?: readonly string[];
  /** Origins of other sites whose pages may use evidence that browsers attach by themselves. */
  readonly origins?: readonly string[];
}

/** Decides requests. Make one with `createVerifier`. */
export interface Verifier {
  readonly methods: readonly ServerMethod[];
  /** Lets every method look at a request before anything reads its content. Decides nothing. */
  prepare(exchange: Exchange): void;
  /** Decides one request. Never rejects: what goes wrong is a refusal. */
  decide(exchange: Exchange): Promise<Decision>;
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
  checkOptions('', options, ['methods', 'policy', 'authorities', 'origins']);
  const { methods, policy = {}, authorities, origins = [] } = options;
  checkMethods(methods);
  const place: Place = {
    authorities:
      authorities === undefined ? undefined : checkAuthorities('authorities', authorities),
    origins: checkOrigins('origins', origins),
  };
  return verifierOf([...methods], place, checkPolicy(policy, methods));
}

/** Whether a value decides requests, as opposed to options that say how to make one that does. */
export function isVerifier(value: unknown): value is Verifier {
  return typeof (value as Partial<Verifier> | null | undefined)?.decide === 'function';
}

/** Where the service lives, as far as it was told. */
interface Place {
  readonly authorities: readonly ServedAuthority[] | undefined;
  readonly origins: ReadonlySet<string>;
}

function verifierOf(
  methods: readonly ServerMethod[],
  place: Place,
  policy: CheckedPolicy,
): Verifier {
  return Object.freeze({
    methods,
    prepare(exchange) {
      for (const method of methods) prepareOnce(method, exchange);
    },
    async decide(exchange) {
      try {
        const decision = await judge(exchange, place, policy);
        if (decision.outcome === 'accepted') {
          const { identity } = decision;
          publish('accepted', exchange, () => ({
            subject: identity?.subject,
            method: identity?.method,
          }));
        }
        return decision;
      } catch (cause) {
        return refusal(exchange, policy, cause);
      }
    },
    withPolicy: (route) => verifierOf(methods, place, checkPolicy(route, methods, policy.source)),
  } satisfies Verifier);
}

async function judge(exchange: Exchange, place: Place, policy: CheckedPolicy): Promise<Decision> {
  checkPlace(exchange, place);
  const { methods } = policy.requirement;
  const found = new Map<ServerMethod, Evidence>();
  let step: Continue | undefined;
  for (const method of methods) {
    const answer = verifyOnce(method, exchange);
    const outcome = answer instanceof Promise ? await answer : answer;
    if (outcome instanceof Continue) step ??= outcome;
    else if (outcome !== null) found.set(method, outcome);
  }
  if (step !== undefined) return continued(step);
  checkSite(exchange, place, found);

  const ways = policy.requirement.ways(found);
  if (ways.length === 0) {
    if (policy.allowAnonymous) return accepted();
    const missing = methods.filter((method) => !found.has(method)).map(({ name }) => name);
    throw new AuthError(
      'ERR_CREDENTIAL_MISSING',
      `nothing was presented for ${missing.join(', ')}`,
    );
  }
  const identity = allowedIdentity(ways, policy, exchange.now);
  checkAge(identity, policy.maxAge);
  if (policy.authorize !== undefined && (await policy.authorize(identity, exchange)) !== true) {
    throw new AuthError(
      'ERR_NOT_ALLOWED',
      `authorize did not answer true for ${quote(identity.subject)}`,
    );
  }
  return accepted(identity);
}

function checkPlace(exchange: Exchange, { authorities }: Place): void {
  // Read even where nothing compares it: a request that names two authorities is refused.
  const { authority } = exchange;
  if (authorities !== undefined && !authorities.some((one) => serves(one, exchange))) {
    throw new AuthError(
      'ERR_MISDIRECTED_REQUEST',
      `${authority === undefined ? 'no authority' : quote(authority)} is not among the authorities`,
    );
  }
}

function checkSite(
  exchange: Exchange,
  { origins }: Place,
  found: ReadonlyMap<ServerMethod, Evidence>,
): void {
  const ambient = [...found.keys()].find((method) => method.ambient === true);
  if (ambient === undefined) return;
  const { method, upgrade, scheme, authority } = exchange;
  const claim = {
    method,
    upgrade,
    ownOrigin: `${scheme}://${authority ?? ''}`,
    origin: exchange.field('origin'),
    secFetchSite: exchange.field('sec-fetch-site'),
  };
  if (isCrossSite(claim, origins)) {
    throw new AuthError(
      'ERR_CROSS_SITE',
      `a page of another origin sends this with evidence of ${ambient.name}; list it in origins to let it`,
    );
  }
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
  const { error, response } = decision;
  publish('refused', exchange, () => ({
    code: error.code,
    status: response.status,
    reason: error.message,
    cause: error.cause,
  }));
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

function checkMethods(methods: readonly ServerMethod[]): void {
  if (!Array.isArray(methods) || methods.length === 0) {
    throw new ConfigError('methods', 'must be a list with at least one method, such as [mtls()]');
  }
  const names = new Set<string>();
  methods.forEach((method: Partial<ServerMethod> | undefined, i) => {
    if (
      typeof method?.name !== 'string' ||
      method.name === '' ||
      typeof method.verify !== 'function'
    ) {
      throw new ConfigError(`methods[${i}]`, 'is no method; call its factory, as in mtls()');
    }
    if (names.has(method.name)) {
      throw new ConfigError(
        `methods[${i}]`,
        `a second method is named "${method.name}"; name it otherwise`,
      );
    }
    names.add(method.name);
  });
}
