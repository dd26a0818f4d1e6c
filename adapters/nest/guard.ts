import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type MaybePromise, andThen } from '../../src/maybe-promise.ts';
import { decide } from '../../src/node/guard.ts';
import { MutualAuthException } from './exception.ts';
import { Routes } from './routes.ts';

/**
 * Lets a request pass once both sides have proven themselves, under the policy of its handler, else of its
 * controller, else of the module, and puts the peer on `req.identity`.
 *
 * For `@UseGuards` and, so that no route is forgotten, as `APP_GUARD`. `@MutualAuth` applies it itself.
 * What belongs to no HTTP request (WebSocket messages, microservices, GraphQL without `requestOf`) is
 * refused.
 *
 * @throws MutualAuthException for a refusal, and for a method's next step
 */
export class MutualAuthGuard implements CanActivate {
  readonly #routes: Routes;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const route = this.#routes.of(context);
    if (route === undefined) return false;
    const { verifier, request, response, req, admissions } = route;
    // Behind APP_GUARD, a decorator's guard meets the same policy again. Nothing is asked twice.
    if (admissions.has(verifier)) return true;
    return andThen(decide(verifier, request, response), (decision) => {
      if (decision.outcome !== 'accepted') throw new MutualAuthException(decision.response);
      admissions.set(verifier, decision.identity);
      req.identity = decision.identity;
      return true;
    });
  }
}

// Written out, here and below: nothing may rest on the types that only some compilers emit.
Injectable()(MutualAuthGuard);
Inject(Routes)(MutualAuthGuard, undefined, 0);
