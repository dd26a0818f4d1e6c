// What an execution context of Nest is to us: one request, and the verifier under the one policy that
// counts for its handler.
import { type ExecutionContext, Logger } from '@nestjs/common';
import { type DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ConfigError, type Policy, type Verifier } from '../../src/index.ts';
import type { Identity } from '../../src/identity.ts';
import type { NodeRequest } from '../../src/node/exchange.ts';
import { refine } from '../../src/node/guard.ts';
import type { NodeResponse } from '../../src/node/response-hook.ts';

/** A request and its response, as Node or as the platform hands them out. */
export interface RequestAndResponse {
  readonly req: object;
  readonly res: object;
}

/** Finds the HTTP request that a context belongs to: of GraphQL, say. Undefined means there is none. */
export type RequestOf = (context: ExecutionContext) => RequestAndResponse | undefined;

/** Where `@MutualAuth` keeps its policy. */
export const policyKey: unique symbol = Symbol('countersign.policy');

/** Whom a request was let pass as, by the verifier that decided so. */
export type Admissions = Map<Verifier, Identity | undefined>;

export interface Route {
  readonly verifier: Verifier;
  /** Under the policy that counts. */
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  /** The platform's request, which handlers see. */
  readonly req: { identity?: Identity | undefined };
  readonly admissions: Admissions;
}

// A symbol of ours on the request, for the reason that src/node/exchange.ts gives for its own.
const admissions = Symbol('admissions');
const reflector = new Reflector();
const scanner = new MetadataScanner();
const logger = new Logger('MutualAuthModule');

export class Routes {
  readonly #verifier: Verifier;
  readonly #requestOf: RequestOf | undefined;
  readonly #discovery: DiscoveryService;

  constructor(verifier: Verifier, requestOf: RequestOf | undefined, discovery: DiscoveryService) {
    this.#verifier = verifier;
    this.#requestOf = requestOf;
    this.#discovery = discovery;
  }

  /** Checks every policy that a decorator holds. @throws ConfigError while the program starts */
  onModuleInit(): void {
    const found = [...this.#discovery.getControllers(), ...this.#discovery.getProviders()];
    for (const { metatype } of found) {
      // What is no class, but a value, has none.
      if (typeof metatype !== 'function') continue;
      this.#check(metatype.name, metatype);
      const prototype = metatype.prototype as Record<string, () => unknown>;
      for (const name of scanner.getAllMethodNames(prototype)) {
        this.#check(`${metatype.name}.${name}`, prototype[name]!);
      }
    }
  }

  /** Undefined where there is no request to decide about; the log says why. */
  of(context: ExecutionContext): Route | undefined {
    const { req, res } = this.#requestAndResponse(context) ?? {};
    const request = rawOf(req) as (NodeRequest & { [admissions]?: Admissions }) | undefined;
    const response = rawOf(res) as NodeResponse | undefined;
    if (request?.rawHeaders === undefined || response?.writeHead === undefined) {
      logger.error(
        `refused: no request and response for a context of type "${context.getType()}" ` +
          '(requestOf of MutualAuthModule.forRoot finds them)',
      );
      return undefined;
    }
    const targets = [context.getHandler(), context.getClass()];
    const policy = reflector.getAllAndOverride<Policy | undefined>(policyKey, targets);
    return {
      verifier: policy === undefined ? this.#verifier : refine(this.#verifier, policy),
      request,
      response,
      req: req as Route['req'],
      admissions: (request[admissions] ??= new Map()),
    };
  }

  #requestAndResponse(context: ExecutionContext): Partial<RequestAndResponse> | undefined {
    if (context.getType() !== 'http') return this.#requestOf?.(context);
    const http = context.switchToHttp();
    return { req: http.getRequest<object>(), res: http.getResponse<object>() };
  }

  // Metadata is inherited by classes, and so are policies.
  #check(where: string, target: Parameters<Reflector['get']>[1]): void {
    const policy = reflector.get<Policy | undefined>(policyKey, target);
    try {
      if (policy !== undefined) refine(this.#verifier, policy);
    } catch (cause) {
      throw new ConfigError(where, (cause as ConfigError).message);
    }
  }
}

/** What Node handed out, where Fastify wraps it. */
export function rawOf(given: object | undefined): unknown {
  return given !== undefined && 'raw' in given ? given.raw : given;
}
