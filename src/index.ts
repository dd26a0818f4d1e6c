export { AuthError, ConfigError } from './errors.ts';
export type { AuthErrorCode, AuthErrorOptions, ResponseFields } from './errors.ts';
export { createVerifier } from './verifier.ts';
export type { Verifier, VerifierOptions } from './verifier.ts';
export type { PlaceOptions } from './place.ts';
export type { Policy } from './policy.ts';
export type { AllOf, AnyOf, Bind, Requirement } from './requirement.ts';
export type { IdentityMatch, OneOf } from './identity-match.ts';
export type { CertificateEvidence, Evidence, EvidenceByMethod, Identity } from './identity.ts';
export type { Answer, Decision } from './decision.ts';
export type { Content, ContentSink, Exchange, Peer } from './exchange.ts';
export type { TlsPeer } from './peer/tls-peer.ts';
export type { MaybePromise } from './maybe-promise.ts';
export { Continue } from './method.ts';
export type {
  ClientMethod,
  IncomingHead,
  OutgoingRequest,
  Pem,
  ResponseHead,
  ServerMethod,
  TlsCredentials,
} from './method.ts';
export type { Events, RequestSummary } from './events.ts';
export { mtls } from './methods/mtls/index.ts';
export type { CertificateSubject, MtlsOptions } from './methods/mtls/index.ts';
export { readCertificate } from './x509/certificate.ts';
export type { BasicConstraints, Certificate, KeyUsage } from './x509/certificate.ts';
export type { GeneralNames, OtherName } from './x509/general-names.ts';
