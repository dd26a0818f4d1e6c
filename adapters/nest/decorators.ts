import {
  type ExecutionContext,
  Inject,
  Injectable,
  InternalServerErrorException,
  Logger,
  type PipeTransform,
  SetMetadata,
  UseGuards,
  applyDecorators,
  createParamDecorator,
} from '@nestjs/common';
import { ConfigError, type Policy } from '../../src/index.ts';
import type { Identity } from '../../src/identity.ts';
import { MutualAuthGuard } from './guard.ts';
import { Routes, policyKey } from './routes.ts';

const decorated = new WeakSet<object>();

/**
 * Guards a controller or a handler, under this policy: the module's with the members it names replaced.
 *
 * Exactly one policy counts: the handler's, else the controller's, else the module's. Without an argument
 * it is the module's. A policy is checked while the program starts.
 *
 * @throws ConfigError for an argument that is there and undefined, and for a second policy on one target
 */
export function MutualAuth(policy?: Policy): ClassDecorator & MethodDecorator;
export function MutualAuth(
  ...given: readonly (Policy | undefined)[]
): ClassDecorator & MethodDecorator {
  if (given.length > 0 && given[0] === undefined) {
    throw new ConfigError('MutualAuth', 'was given undefined; leave the argument out instead');
  }
  return applyDecorators(only, SetMetadata(policyKey, given[0] ?? {}), UseGuards(MutualAuthGuard));
}

/**
 * `@MutualAuth({ allowAnonymous: true })`: also lets peers pass that present nothing. What they present and
 * is bad is refused all the same.
 */
export function AllowAnonymous(): ClassDecorator & MethodDecorator {
  return MutualAuth({ allowAnonymous: true });
}

/**
 * The peer, as a parameter of a handler; undefined where the policy allows anonymous peers and this one is.
 *
 * On a handler without a guard it fails with 500: nobody has asked who the peer is.
 */
export function PeerIdentity(): ParameterDecorator {
  return peerIdentity(PeerIdentityPipe);
}

// A function, for an application's own pipes come first, and must find nothing in it to transform.
const peerIdentity = createParamDecorator((_: unknown, context: ExecutionContext) => () => context);

// A parameter's factory is given no providers. A pipe is.
class PeerIdentityPipe implements PipeTransform<() => ExecutionContext, Identity | undefined> {
  readonly #routes: Routes;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  transform(contextOf: () => ExecutionContext): Identity | undefined {
    const route = this.#routes.of(contextOf());
    if (route?.admissions.has(route.verifier) === true) {
      return route.admissions.get(route.verifier);
    }
    new Logger('PeerIdentity').error('a handler that asks for the peer has no MutualAuthGuard');
    throw new InternalServerErrorException();
  }
}

Injectable()(PeerIdentityPipe);
Inject(Routes)(PeerIdentityPipe, undefined, 0);

// Of two policies one would be forgotten without a word.
function only(target: object, _key?: string | symbol, method?: { readonly value?: object }): void {
  const decorates = method?.value ?? target;
  if (decorated.has(decorates)) {
    throw new ConfigError('MutualAuth', 'stands here already; write one policy with all it takes');
  }
  decorated.add(decorates);
}
