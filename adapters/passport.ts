// The door `countersign/passport`. Passport itself is not loaded: of a strategy it asks a name and
// `authenticate`.
export { type Identity, identityOf } from './express.ts';
export {
  type ClientCertStrategyOptions,
  Strategy,
  type VerifyCertificate,
  type VerifyCertificateWithRequest,
} from './passport/client-cert-strategy.ts';
export {
  MutualAuthStrategy,
  type MutualAuthStrategyOptions,
  type VerifyIdentity,
  type VerifyIdentityWithRequest,
} from './passport/mutual-auth-strategy.ts';
export type { Actions, PassportRequest } from './passport/refusal.ts';
export type { Done, VerifierStrategy } from './passport/strategy.ts';
