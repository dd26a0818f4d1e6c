export { testAuthority } from './test-authority.ts';
export type {
  CrlOptions,
  RevokeOptions,
  TestAuthority,
  TestCertificate,
  TestCrl,
} from './test-authority.ts';
export type { OcspOptions } from './test-ocsp.ts';
export type { IssueOptions } from './issue-options.ts';
export type { ExtendedKeyUsage, Extension, KeyUsageBit, NameConstraints } from './extensions.ts';
export type { DistinguishedName, GeneralName, NameAttribute } from './names.ts';
export type { StringType } from './der-writer.ts';
export type { KeyPair, KeyType, SignatureHash } from './signing.ts';
export type { RevocationReason } from './crl-writer.ts';
export { testServer } from './test-server.ts';
export type { TestServer, TestServerOptions } from './test-server.ts';
export { fakeIdentity, fakeVerifier } from './fakes.ts';
export type { FakeIdentityOptions } from './fakes.ts';
export { createPki, hasPki, openPki } from './development-pki.ts';
export type {
  CreatePkiOptions,
  DevelopmentCertificate,
  DevelopmentPki,
} from './development-pki.ts';
export type {
  CertificateNames,
  CertificateUsage,
  DevelopmentIssueOptions,
} from './development-request.ts';
export type { CertificateRecord } from './pki-index.ts';
