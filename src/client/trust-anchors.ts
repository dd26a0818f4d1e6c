import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { ConfigError } from '../errors.ts';
import type { Pem } from '../method.ts';

/** Certificates in PEM, one or several to a text; `'system'` is the list that Node comes with. */
export type TrustAnchors = 'system' | Pem | readonly Pem[];

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the option `ca` into single certificates.
 *
 * @throws ConfigError where there is none, or one that cannot be read
 */
export function readTrustAnchors(path: string, given: unknown): readonly string[] {
  if (given === 'system') return rootCertificates;
  const texts: unknown[] = Array.isArray(given) ? given : [given];
  return texts.length === 0 ? refuse(path) : texts.flatMap((text) => readPem(path, text));
}

function readPem(path: string, text: unknown): readonly string[] {
  if (typeof text !== 'string' && !Buffer.isBuffer(text)) return refuse(path);
  const certificates = text.toString('latin1').match(certificate) ?? refuse(path);
  if (!certificates.every(isReadable)) {
    throw new ConfigError(path, 'holds a certificate that cannot be read; give it anew, in PEM');
  }
  return certificates;
}

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

// OpenSSL reads a list without certificates as no complaint, and then trusts nobody or everybody.
function refuse(path: string): never {
  throw new ConfigError(
    path,
    "must be the certificates (PEM) of the CAs that vouch for the server, or 'system' for Node's own",
  );
}
