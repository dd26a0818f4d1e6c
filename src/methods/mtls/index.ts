export { type MtlsOptions, mtls } from './server.ts';
export type { CertificateSubject } from './protocol.ts';
