import { ConfigError, type Verifier } from '../../src/index.ts';
import type { Identity } from '../../src/identity.ts';
import { andThen, isPromise } from '../../src/maybe-promise.ts';
import { decide, respond } from '../../src/node/guard.ts';
import { coverErrors } from '../auth-errors.ts';
import { type Actions, type NotAccepted, type PassportRequest, refusal } from './refusal.ts';

/** How a `verify` answers: with an error, with a user, or with neither where it knows no such user. */
export type Done = (error: unknown, user?: unknown, info?: unknown) => void;

/** Says which user a peer is. */
export type Verify<Peer> = (request: PassportRequest, peer: Peer, done: Done) => unknown;

export interface Plan {
  readonly verifier: Verifier;
  readonly verify: Verify<Identity>;
  refuse(actions: Actions, request: PassportRequest, decision: NotAccepted): void;
}

// By a symbol, so that a subclass has all names to itself. No `#private` member: Passport calls a strategy
// through `Object.create`, and what inherits has none of those.
const plan = Symbol('plan');

/** A strategy that asks a verifier. */
export class VerifierStrategy {
  constructor(value: Plan) {
    Object.defineProperty(this, plan, { value });
  }

  /** Called by Passport. */
  authenticate(this: Actions, request: PassportRequest): void {
    const { verifier, verify, refuse } = (this as unknown as { readonly [plan]: Plan })[plan];
    // Read before anything is awaited: a strategy that `passport.authenticate()` was given itself, and
    // not by name, is one object for all requests.
    const { success, fail, error, pass } = this;
    const actions = { success, fail, error, pass };
    const { res } = request;
    if (res === undefined && provesSomething(verifier)) {
      const cause = new Error('the service is proven on `req.res`, which is not there');
      return error(refusal(500, {}, { cause }));
    }
    coverErrors(request);
    // Nothing but a proof touches the response.
    void andThen(decide(verifier, request, res!), (decision) => {
      if (decision.outcome === 'accepted') {
        accept(actions, request, decision.identity, verify);
      } else if (res?.headersSent === true) {
        respond(request, res, decision.response);
      } else {
        refuse(actions, request, decision);
      }
    });
  }
}

function provesSomething({ methods, proof }: Verifier): boolean {
  return (
    (proof !== undefined && proof !== 'off') || methods.some(({ prove }) => prove !== undefined)
  );
}

/**
 * The application's `verify`, which takes the request before all else where `passReqToCallback` is true.
 *
 * @throws ConfigError
 */
export function verifyFrom<Peer>(
  path: string,
  verify: unknown,
  passReqToCallback: unknown = false,
): Verify<Peer> {
  if (typeof verify !== 'function') {
    throw new ConfigError(`${path}.verify`, 'must be a function that calls done(error, user)');
  }
  if (typeof passReqToCallback !== 'boolean') {
    throw new ConfigError(`${path}.passReqToCallback`, 'must be true or false');
  }
  if (passReqToCallback) return verify as Verify<Peer>;
  return (_request, peer, done) => (verify as (peer: Peer, done: Done) => unknown)(peer, done);
}

function accept(
  { success, fail, error, pass }: Actions,
  request: PassportRequest & { identity?: Identity | undefined },
  identity: Identity | undefined,
  verify: Verify<Identity>,
): void {
  if (identity === undefined) {
    request.identity = undefined;
    return pass();
  }
  let answered = false;
  // The first answer counts: a refusal must not be followed by a success.
  const done: Done = (failure, user, info) => {
    if (answered) return;
    answered = true;
    const [failed, known] = [Boolean(failure), Boolean(user)];
    if (failed) return error(failure);
    if (!known) return fail(info);
    request.identity = identity;
    success(user, info);
  };
  const caught = (thrown: unknown): void => {
    // Behind an answer it was not `verify` that threw, but what Passport went on to.
    if (answered) throw thrown;
    done(thrown);
  };
  try {
    const pending = verify(request, identity, done);
    if (isPromise(pending)) pending.catch(caught);
  } catch (thrown) {
    caught(thrown);
  }
}
