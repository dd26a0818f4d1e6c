export { signMessage, signatureBase } from '../../http/message-signatures/sign.ts';
export type {
  KeySigner,
  RemoteSigner,
  SignMessageOptions,
  SignatureBaseOptions,
  SignatureFields,
} from '../../http/message-signatures/sign.ts';
export { verifyMessage } from '../../http/message-signatures/verify.ts';
export type {
  KeyLookup,
  VerificationKey,
  VerifiedSignature,
  VerifyMessageOptions,
} from '../../http/message-signatures/verify.ts';
export type { SignatureAlgorithm } from '../../http/message-signatures/algorithms.ts';
export type { SignatureParameters } from '../../http/message-signatures/parameters.ts';
export type {
  StructuredFieldType,
  StructuredFieldTypes,
} from '../../http/message-signatures/structured-field-types.ts';
export type {
  FieldLookup,
  Fields,
  Message,
  RequestMessage,
  ResponseMessage,
} from '../../http/message-signatures/message.ts';
export {
  parseAcceptSignature,
  serialiseAcceptSignature,
} from '../../http/message-signatures/accept-signature.ts';
export type { SignatureRequest } from '../../http/message-signatures/accept-signature.ts';
export {
  checkDigest,
  checkingDigest,
  contentDigest,
  digestContent,
  wantDigest,
  wantedDigest,
} from '../../http/content-digest.ts';
export { signedResponses } from './proof.ts';
export type { ResponseKeyLookup, ResponseKeyOptions } from './response-key.ts';
export type { Digesting, ProofFields, ProvableResponse, ResponseProof } from '../../proof.ts';
export type { DigestAlgorithm, DigestCheck } from '../../http/content-digest.ts';
export type { FieldLines } from '../../http/structured-fields/parse.ts';
export type { MaybePromise } from '../../maybe-promise.ts';
export { signature } from './server.ts';
export type { SignatureOptions } from './server.ts';
export type { NamedPeerKey, PeerKey, PeerKeys, SignatureEvidence } from './key-ring.ts';
export type { KeyMaterial } from '../../http/message-signatures/key-material.ts';
export { signatureClient } from './client.ts';
export type {
  SignatureClientKey,
  SignatureClientOptions,
  SignatureClientSigner,
} from './client.ts';
export type { ClientMethod } from '../../method.ts';
