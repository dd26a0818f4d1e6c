import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { DerReader, context, tag } from '../x509/der.ts';
import { keyIdOf, serialNumberOf } from './certificate-writer.ts';
import { writeCrl } from './crl-writer.ts';
import { issueCertificate, type Issuer } from './issue.ts';
import { pem } from './pem.ts';
import type { PkiDirectory } from './pki-directory.ts';
import type { CertificateRecord } from './pki-index.ts';
import { defaultHash, privatePem, type KeyType } from './signing.ts';

/** The authority of a directory, ready to sign. */
export interface DevelopmentAuthority {
  /** PEM. */
  readonly cert: string;
  readonly notAfter: Date;
  readonly issuer: Issuer;
}

/** Writes a new authority into the directory: the key, the certificate and an empty CRL. */
export function createAuthority(
  directory: PkiDirectory,
  { name, keyType, notAfter }: { name: string; keyType: KeyType; notAfter: Date },
): void {
  const issued = issueCertificate({
    subject: [
      { type: 'O', value: 'for development only' },
      { type: 'CN', value: name },
    ],
    ca: true,
    // It signs leaves only.
    pathLength: 0,
    keyType,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter,
  });
  directory.write('ca.key', privatePem(issued.keyPair), 0o600);
  writeRevocations(directory, { issuer: issued.asIssuer, notAfter }, [], 0);
  directory.write('ca.pem', pem('CERTIFICATE', issued.der), 0o644);
}

/** @throws Error where a file is missing, unreadable or does not belong to the others. */
export function openAuthority(directory: PkiDirectory): DevelopmentAuthority {
  const cert = directory.read('ca.pem');
  const [certificate, key] = parsed(directory, cert, directory.read('ca.key'));
  if (!certificate.checkPrivateKey(key)) {
    throw new Error(`${directory.file('ca.key')} is not the key of ca.pem`);
  }
  const issuer = {
    name: subjectOf(certificate.raw),
    keyId: keyIdOf(certificate.publicKey),
    key,
  };
  return { cert, notAfter: new Date(certificate.validTo), issuer };
}

/**
 * Writes crl.pem. The list is good as long as the authority: in development nobody is there to publish
 * a new one in time, and an outdated list locks everybody out.
 */
export function writeRevocations(
  directory: PkiDirectory,
  authority: Pick<DevelopmentAuthority, 'issuer' | 'notAfter'>,
  records: readonly CertificateRecord[],
  number: number,
): void {
  const { issuer, notAfter } = authority;
  const der = writeCrl(
    {
      issuer: issuer.name,
      thisUpdate: new Date(),
      nextUpdate: notAfter,
      number,
      authorityKeyId: issuer.keyId,
      revoked: records.flatMap(({ serialNumber, revokedAt, reason = 'unspecified' }) =>
        revokedAt === undefined
          ? []
          : [
              {
                serialNumber: serialNumberOf(serialNumber),
                revokedAt: new Date(revokedAt),
                reason,
              },
            ],
      ),
    },
    { key: issuer.key, hash: defaultHash(issuer.key) },
  );
  directory.write('crl.pem', pem('X509 CRL', der), 0o644);
}

function parsed(directory: PkiDirectory, cert: string, key: string): [X509Certificate, KeyObject] {
  try {
    return [new X509Certificate(cert), createPrivateKey(key)];
  } catch {
    // The cause is not passed on: nothing that was about a private key leaves this place.
    throw new Error(`ca.pem or ca.key in ${directory.path} is damaged`);
  }
}

// The sixth field of the TBSCertificate. The issuer of what we sign must be the same bytes.
function subjectOf(der: Uint8Array): Buffer {
  const tbs = DerReader.only(der, tag.sequence).enter(tag.sequence);
  tbs.optional(context(0, true));
  for (let skipped = 0; skipped < 4; skipped++) tbs.next();
  return Buffer.from(tbs.next(tag.sequence).whole);
}
