import { type DynamicModule, Inject, Module, type Provider } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule, DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import type { Verifier } from '../../src/index.ts';
import type { NodeRequest } from '../../src/node/exchange.ts';
import { prepare } from '../../src/node/guard.ts';
import type { NodeResponse } from '../../src/node/response-hook.ts';
import { checkOptions } from '../../src/options.ts';
import { MutualAuthFilter } from './exception.ts';
import { MutualAuthGuard } from './guard.ts';
import {
  type MutualAuthAsyncOptions,
  type MutualAuthModuleOptions,
  type Settings,
  settingsFrom,
} from './options.ts';
import { Routes } from './routes.ts';

/** The token of the verifier that guards decide with: to inject it, or to override it in tests. */
export const VERIFIER: unique symbol = Symbol('countersign.VERIFIER');

const settingsToken: unique symbol = Symbol('countersign.settings');

/**
 * Mutual authentication for a whole application. The root module imports it, once.
 *
 * Methods that read content see it before Nest's body parsers do. A parser that the platform's instance had
 * before Nest was given it comes first all the same, and then such a method answers 500.
 */
export class MutualAuthModule {
  constructor(verifier: Verifier, host: HttpAdapterHost) {
    host.init$.subscribe(() => prepareFirst(verifier, host));
  }

  /**
   * With these options; without any, a client certificate is required, verified against the `ca` of the TLS
   * server.
   *
   * @throws ConfigError
   */
  static forRoot(options?: MutualAuthModuleOptions): DynamicModule;
  static forRoot(...given: readonly unknown[]): DynamicModule {
    return moduleWith({ provide: settingsToken, useValue: settingsFrom(given) });
  }

  /**
   * With options that a factory answers. What is wrong about those is a ConfigError while the application is
   * created.
   *
   * @throws ConfigError
   */
  static forRootAsync<Dependencies extends readonly unknown[]>(
    options: MutualAuthAsyncOptions<Dependencies>,
  ): DynamicModule {
    const known = ['imports', 'inject', 'useFactory'];
    const { imports = [], inject = [], useFactory } = checkOptions('forRootAsync', options, known);
    const settings = async (...given: unknown[]): Promise<Settings> =>
      settingsFrom([await useFactory(...(given as unknown as Dependencies))]);
    return moduleWith({ provide: settingsToken, inject, useFactory: settings }, imports);
  }
}

Module({})(MutualAuthModule);
Inject(VERIFIER)(MutualAuthModule, undefined, 0);
Inject(HttpAdapterHost)(MutualAuthModule, undefined, 1);

function moduleWith(
  settings: Provider,
  imports: NonNullable<DynamicModule['imports']> = [],
): DynamicModule {
  return {
    module: MutualAuthModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      settings,
      {
        provide: VERIFIER,
        inject: [settingsToken],
        useFactory: ({ verifier }: Settings) => verifier,
      },
      {
        provide: Routes,
        inject: [VERIFIER, settingsToken, DiscoveryService],
        useFactory: (verifier: Verifier, { requestOf }: Settings, discovery: DiscoveryService) =>
          new Routes(verifier, requestOf, discovery),
      },
      MutualAuthGuard,
      { provide: APP_FILTER, useClass: MutualAuthFilter },
    ],
    exports: [VERIFIER, Routes, MutualAuthGuard],
  };
}

/** As much of Fastify as it takes to see requests. */
interface Fastify {
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: NodeRequest },
      reply: { readonly raw: NodeResponse },
      done: () => void,
    ) => void,
  ): void;
}

// Nest parses bodies before any guard runs, and any middleware that a module may ask for. Here, where it
// has just been told of its platform, nothing stands before the verifier yet.
function prepareFirst(verifier: Verifier, { httpAdapter }: Partial<HttpAdapterHost>): void {
  if (httpAdapter?.getType() === 'fastify') {
    httpAdapter.getInstance<Fastify>().addHook('onRequest', ({ raw }, reply, done) => {
      prepare(verifier, raw, reply.raw);
      done();
    });
  } else {
    httpAdapter?.use((request: NodeRequest, response: NodeResponse, next: () => void) => {
      prepare(verifier, request, response);
      next();
    });
  }
}
