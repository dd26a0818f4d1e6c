// The door `countersign/nest`.
export { AllowAnonymous, MutualAuth, PeerIdentity } from './decorators.ts';
export { MutualAuthException } from './exception.ts';
export { MutualAuthGuard } from './guard.ts';
export { MutualAuthModule, VERIFIER } from './module.ts';
export type { MutualAuthAsyncOptions, MutualAuthModuleOptions } from './options.ts';
export type { RequestAndResponse, RequestOf } from './routes.ts';
export type { Identity } from '../../src/identity.ts';
