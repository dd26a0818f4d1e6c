export { AuthError, ConfigError } from './errors.ts';
export type { AuthErrorCode, AuthErrorOptions, ResponseFields } from './errors.ts';
export { createVerifier } from './verifier.ts';
export type { Verifier, VerifierOptions } from './verifier.ts';
export type { PlaceOptions } from './place.ts';
export type { Policy } from './policy.ts';
export type { AllOf, AnyOf, Bind, Requirement } from './requirement.ts';
export type { IdentityMatch, OneOf } from './identity-match.ts';
export type {
  CertificateEvidence,
  CertificateOrigin,
  Evidence,
  EvidenceByMethod,
  Identity,
} from './identity.ts';
export type { Answer, Decision } from './decision.ts';
export type { Content, ContentSink, Exchange, FieldLine, Peer } from './exchange.ts';
export type { TlsPeer } from './peer/tls-peer.ts';
export type { ForwardedPeer, PresentedCertificate } from './peer/forwarded-peer.ts';
export type { PresetName, TrustedProxy } from './proxies/options.ts';
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
export type { Digesting, ProofFields, ProvableResponse, ResponseProof } from './proof.ts';
export type { Events, RequestSummary } from './events.ts';
export { mtls } from './methods/mtls/index.ts';
export type { CertificateSubject, MtlsOptions } from './methods/mtls/index.ts';
export { readCertificate } from './x509/certificate.ts';
export type { Certificate, Signed } from './x509/certificate.ts';
export type {
  AuthorityInfoAccess,
  AuthorityKeyId,
  BasicConstraints,
  CertificatePolicies,
  Extension,
  KeyUsage,
  PolicyConstraints,
  PolicyMapping,
} from './x509/extensions.ts';
export type { DistributionPoint, DistributionPointName } from './x509/distribution-points.ts';
export type { GeneralName, GeneralNames, OtherName } from './x509/general-names.ts';
export type { NameConstraints, Subtree } from './x509/name-constraints.ts';
export type { CanonicalName } from './x509/name-match.ts';
export type { PolicyOptions } from './x509/path/policy-graph.ts';
export type { ReferenceName } from './x509/reference-name.ts';
export type { Profile } from './x509/path/conformance.ts';
export type { TlsPurpose } from './x509/usage.ts';
export { validatePath } from './validate-path.ts';
export type { CertificateSource, PathValidation, ValidatePathOptions } from './validate-path.ts';
