export { mtls } from './server.ts';
export type { MtlsOptions } from './options.ts';
export type { CertificateSubject } from './protocol.ts';
