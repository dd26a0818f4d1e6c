export { createClient } from './client.ts';
export type { Answer, Client, ClientOptions, Dispatcher } from './client.ts';
export type { ServerProofOptions } from './expected-proof.ts';
export type { ServerOptions } from './expected-server.ts';
export type { ProofEvidence } from './confirm-response.ts';
export type { SignatureAlgorithm } from '../http/message-signatures/algorithms.ts';
export type { NamedPeerKey, PeerKey, PeerKeys } from '../methods/signature/key-ring.ts';
export type { KeyMaterial } from '../http/message-signatures/key-material.ts';
export { mtlsClient } from '../methods/mtls/client.ts';
export type { MtlsCredentials, PemSource } from '../methods/mtls/client.ts';
export { AuthError, ConfigError } from '../errors.ts';
export type { AuthErrorCode } from '../errors.ts';
export { Identity } from '../identity.ts';
export type { CertificateEvidence, Evidence, EvidenceByMethod } from '../identity.ts';
export type { MaybePromise } from '../maybe-promise.ts';
export { Continue } from '../method.ts';
export type {
  ClientMethod,
  IncomingHead,
  OutgoingRequest,
  Pem,
  TlsCredentials,
} from '../method.ts';
