import type { RevocationReason } from './crl-writer.ts';
import type { IssueRequest } from './development-request.ts';
import type { PkiDirectory } from './pki-directory.ts';

/** What is remembered of a certificate: enough to renew it and to revoke it. */
export interface CertificateRecord extends IssueRequest {
  readonly name: string;
  /** Upper-case hexadecimal, without leading zeros. */
  readonly serialNumber: string;
  /** ISO 8601, as all instants here. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly revokedAt?: string;
  readonly reason?: RevocationReason;
}

/** The contents of index.json. */
export interface PkiIndex {
  readonly version: 1;
  readonly purpose: string;
  readonly crlNumber: number;
  readonly certificates: readonly CertificateRecord[];
}

export const emptyIndex: PkiIndex = {
  version: 1,
  purpose: 'countersign development PKI: for development and tests, never for production',
  crlNumber: 0,
  certificates: [],
};

/** @throws Error where index.json is not what this version writes. */
export function readIndex(directory: PkiDirectory): PkiIndex {
  const text = directory.read('index.json');
  let index: Partial<PkiIndex> | null;
  try {
    index = JSON.parse(text) as Partial<PkiIndex> | null;
  } catch (error) {
    throw new Error(`${directory.file('index.json')} is not JSON`, { cause: error });
  }
  if (index?.version !== 1 || !Array.isArray(index.certificates)) {
    throw new Error(`${directory.file('index.json')} is not an index of this version`);
  }
  return index as PkiIndex;
}

export function writeIndex(directory: PkiDirectory, index: PkiIndex): void {
  directory.write('index.json', `${JSON.stringify(index, null, 2)}\n`, 0o644);
}

/** Whether a certificate can still be used: neither revoked nor past its end. */
export function isLive(record: CertificateRecord, now: Date): boolean {
  return record.revokedAt === undefined && new Date(record.notAfter) > now;
}
