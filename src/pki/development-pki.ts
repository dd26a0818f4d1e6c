// A small authority in a directory, for development and tests. Its key lies unencrypted on the disk
// and nobody watches it: production wants an authority that is run as one.
import { resolve } from 'node:path';
import { ConfigError, quote } from '../errors.ts';
import { checkOptions, suggestion } from '../options.ts';
import { serialText } from './certificate-writer.ts';
import { revocationReasons, type RevocationReason } from './crl-writer.ts';
import {
  createAuthority,
  openAuthority,
  writeRevocations,
  type DevelopmentAuthority,
} from './development-authority.ts';
import {
  checkDays,
  checkFileName,
  checkKeyType,
  issueRequest,
  type DevelopmentIssueOptions,
  type IssueRequest,
} from './development-request.ts';
import { issueCertificate } from './issue.ts';
import { pem } from './pem.ts';
import { PkiDirectory } from './pki-directory.ts';
import { emptyIndex, isLive, readIndex, writeIndex, type CertificateRecord } from './pki-index.ts';
import { privatePem, type KeyType } from './signing.ts';

export interface CreatePkiOptions {
  /** The common name of the authority. @defaultValue `countersign development CA` */
  readonly name?: string;
  /** @defaultValue 3650 */
  readonly days?: number;
  /** @defaultValue `ec-p256` */
  readonly keyType?: KeyType;
}

/** A certificate and where it lies. `cert` and `key` go straight into TLS options. */
export interface DevelopmentCertificate {
  readonly record: CertificateRecord;
  /** PEM. */
  readonly cert: string;
  /** The private key, PEM (PKCS#8). */
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const files = ['ca.pem', 'ca.key', 'crl.pem', 'index.json'] as const;
const hour = 3_600_000;

/** Whether a development PKI lies in this directory. */
export function hasPki(path: string): boolean {
  return new PkiDirectory(resolve(path)).has('ca.pem');
}

/**
 * Makes a development PKI: ca.pem, ca.key (mode 0600), crl.pem and index.json.
 *
 * @throws ConfigError for a bad option; Error where one of these files exists.
 */
export function createPki(path: string, options: CreatePkiOptions = {}): DevelopmentPki {
  checkOptions('createPki', options, ['name', 'days', 'keyType']);
  const { name = 'countersign development CA', days = 3650, keyType = 'ec-p256' } = options;
  checkDays(days);
  checkKeyType(keyType);
  const directory = new PkiDirectory(resolve(path));
  directory.create();
  directory.exclusively(() => {
    const existing = files.find((file) => directory.has(file));
    if (existing !== undefined) {
      throw new Error(`${directory.file(existing)} exists; nothing was changed`);
    }
    writeIndex(directory, emptyIndex);
    createAuthority(directory, { name, keyType, notAfter: inDays(days) });
  });
  return openPki(path);
}

/** Opens what `createPki` made. @throws Error where it is not there, or not whole. */
export function openPki(path: string): DevelopmentPki {
  const directory = new PkiDirectory(resolve(path));
  if (!directory.has('ca.pem')) throw new Error(`there is no PKI in ${directory.path}`);
  readIndex(directory);
  return new DevelopmentPki(directory, openAuthority(directory));
}

/** The authority and what it has issued. Every change is on the disk when a method returns. */
export class DevelopmentPki {
  readonly path: string;
  /** The authority's certificate, PEM: the trust anchor of both sides. */
  readonly cert: string;
  readonly certFile: string;
  readonly crlFile: string;
  readonly #directory: PkiDirectory;
  readonly #authority: DevelopmentAuthority;

  /** @internal `createPki` and `openPki` call this. */
  constructor(directory: PkiDirectory, authority: DevelopmentAuthority) {
    this.path = directory.path;
    this.cert = authority.cert;
    this.certFile = directory.file('ca.pem');
    this.crlFile = directory.file('crl.pem');
    this.#directory = directory;
    this.#authority = authority;
  }

  /** All that was ever issued, the oldest first. */
  certificates(): readonly CertificateRecord[] {
    return readIndex(this.#directory).certificates;
  }

  /** The newest certificate of this name, or undefined where it is revoked or past its end. */
  find(name: string): DevelopmentCertificate | undefined {
    const record = this.#newest(name);
    return record !== undefined && isLive(record, new Date()) ? this.#stored(record) : undefined;
  }

  /** @throws ConfigError for a bad option; Error where the name holds a certificate already. */
  issue(name: string, options: DevelopmentIssueOptions): DevelopmentCertificate {
    checkFileName(name);
    const request = issueRequest(options);
    return this.#directory.exclusively(() => {
      const record = this.#newest(name);
      if (record !== undefined && isLive(record, new Date())) {
        throw new Error(
          `${quote(name)} holds a certificate until ${record.notAfter}; renew it, or revoke it first`,
        );
      }
      return this.#write(name, request);
    });
  }

  /**
   * The same names with a new key and new dates. The certificate before stays good until its end, so
   * that running services can change over; revoke it by its serial number where that is too long.
   *
   * @throws Error where there is nothing to renew, or it was revoked.
   */
  renew(name: string, options: { readonly days?: number } = {}): DevelopmentCertificate {
    checkOptions('renew', options, ['days']);
    if (options.days !== undefined) checkDays(options.days);
    return this.#directory.exclusively(() => {
      const record = this.#newest(name);
      if (record === undefined) throw unknownName(name, this.certificates());
      if (record.revokedAt !== undefined) {
        throw new Error(`${quote(name)} was revoked; issue it anew if it may come back`);
      }
      const { names, usage, keyType, days } = record;
      return this.#write(name, { names, usage, keyType, days: options.days ?? days });
    });
  }

  /**
   * Revokes all that a name still holds, or one serial number, and writes the CRL.
   *
   * @throws ConfigError for a reason that is none; Error where there is nothing to revoke.
   */
  revoke(
    nameOrSerial: string,
    options: { readonly reason?: RevocationReason } = {},
  ): readonly CertificateRecord[] {
    checkOptions('revoke', options, ['reason']);
    const { reason = 'unspecified' } = options;
    if (!Object.hasOwn(revocationReasons, reason)) {
      const known = Object.keys(revocationReasons);
      throw new ConfigError('reason', `no ${quote(reason)}.${suggestion(reason, known)}`);
    }
    return this.#directory.exclusively(() => {
      const index = readIndex(this.#directory);
      const chosen = revocable(nameOrSerial, index.certificates);
      const revokedAt = new Date().toISOString();
      const certificates = index.certificates.map((record) =>
        chosen.has(record.serialNumber) ? { ...record, revokedAt, reason } : record,
      );
      const crlNumber = index.crlNumber + 1;
      writeIndex(this.#directory, { ...index, crlNumber, certificates });
      writeRevocations(this.#directory, this.#authority, certificates, crlNumber);
      return certificates.filter(({ serialNumber }) => chosen.has(serialNumber));
    });
  }

  #newest(name: string): CertificateRecord | undefined {
    return this.certificates().findLast((record) => record.name === name);
  }

  #write(name: string, request: IssueRequest): DevelopmentCertificate {
    const { issuer, notAfter: end } = this.#authority;
    const wanted = inDays(request.days);
    const notBefore = new Date(Date.now() - hour);
    const notAfter = wanted < end ? wanted : end;
    const { names, usage, keyType } = request;
    const issued = issueCertificate(
      { subject: name, ...names, usage, keyType, notBefore, notAfter },
      issuer,
    );
    const record: CertificateRecord = {
      name,
      serialNumber: serialText(issued.serialNumber),
      notBefore: notBefore.toISOString(),
      notAfter: notAfter.toISOString(),
      ...request,
    };
    // The index first: a certificate that is not in it could not be revoked by its name.
    const index = readIndex(this.#directory);
    writeIndex(this.#directory, { ...index, certificates: [...index.certificates, record] });
    this.#directory.write(`${name}.key`, privatePem(issued.keyPair), 0o600);
    this.#directory.write(`${name}.pem`, pem('CERTIFICATE', issued.der), 0o644);
    return this.#stored(record);
  }

  #stored(record: CertificateRecord): DevelopmentCertificate {
    const [certName, keyName] = [`${record.name}.pem`, `${record.name}.key`];
    return {
      record,
      cert: this.#directory.read(certName),
      key: this.#directory.read(keyName),
      certFile: this.#directory.file(certName),
      keyFile: this.#directory.file(keyName),
    };
  }
}

/** The serial numbers to revoke: those that the name holds and has not lost already, or the one given. */
function revocable(
  nameOrSerial: string,
  records: readonly CertificateRecord[],
): ReadonlySet<string> {
  const named = records.filter(({ name }) => name === nameOrSerial);
  const serial = nameOrSerial.replaceAll(':', '').toUpperCase().replace(/^0+/, '');
  const meant = named.length > 0 ? named : records.filter((one) => one.serialNumber === serial);
  if (meant.length === 0) throw unknownName(nameOrSerial, records);
  const open = meant.filter(({ revokedAt }) => revokedAt === undefined);
  if (open.length === 0) throw new Error(`${quote(nameOrSerial)} is revoked already`);
  return new Set(open.map(({ serialNumber }) => serialNumber));
}

function unknownName(name: string, records: readonly CertificateRecord[]): Error {
  const known = [...new Set(records.map((record) => record.name))];
  const hint = known.length === 0 ? ' Nothing was issued yet.' : suggestion(name, known);
  return new Error(`no certificate for ${quote(name)} here.${hint}`);
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * 24 * hour);
}
