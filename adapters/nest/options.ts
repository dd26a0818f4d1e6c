import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import { ConfigError, type Policy, type Verifier, type VerifierOptions } from '../../src/index.ts';
import { verifierFrom } from '../../src/node/verifier-from.ts';
import { checkOptions } from '../../src/options.ts';
import type { RequestOf } from './routes.ts';

/** Options of a verifier, or a verifier made elsewhere and perhaps a policy, and `requestOf`. */
export type MutualAuthModuleOptions = (
  VerifierOptions | { readonly verifier?: Verifier; readonly policy?: Policy }
) & {
  /**
   * Finds the request of contexts that are not HTTP's own, for guards and for `@PeerIdentity()`. For
   * GraphQL: `(context) => GqlExecutionContext.create(context).getContext()`, where that has `req` and
   * `res`.
   */
  readonly requestOf?: RequestOf;
};

/** How to come by the options, from what else is in the application. */
export interface MutualAuthAsyncOptions<Dependencies extends readonly unknown[] = never[]> {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** The tokens of what `useFactory` is given. */
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  readonly useFactory: (
    ...dependencies: Dependencies
  ) => MutualAuthModuleOptions | Promise<MutualAuthModuleOptions>;
}

export interface Settings {
  readonly verifier: Verifier;
  readonly requestOf: RequestOf | undefined;
}

// Of this type, so that the compiler asks for what options of verifiers there will be.
const known: Readonly<Record<keyof VerifierOptions | keyof Settings, true>> = {
  methods: true,
  policy: true,
  trustedProxies: true,
  store: true,
  authorities: true,
  origins: true,
  proof: true,
  verifier: true,
  requestOf: true,
};

type Given = Partial<Settings & VerifierOptions>;

/**
 * What the arguments of `forRoot` mean.
 *
 * @throws ConfigError
 */
export function settingsFrom(given: readonly unknown[]): Settings {
  if (given.length === 0) return { verifier: verifierFrom([]), requestOf: undefined };
  const own = checkOptions('MutualAuthModule', given[0] as Given, Object.keys(known));
  const { verifier, requestOf, ...options } = own;
  if (requestOf !== undefined && typeof requestOf !== 'function') {
    throw new ConfigError('requestOf', 'must be a function that finds the request of a context');
  }
  const [name] = Object.keys(options).filter((option) => option !== 'policy');
  if (verifier !== undefined && name !== undefined) {
    throw new ConfigError(name, 'belongs to the verifier; give it to `createVerifier`');
  }
  if (verifier === undefined) {
    return { verifier: verifierFrom(Object.keys(options).length > 0 ? [options] : []), requestOf };
  }
  const { policy } = own;
  return {
    verifier: verifierFrom(policy === undefined ? [verifier] : [verifier, policy]),
    requestOf,
  };
}
