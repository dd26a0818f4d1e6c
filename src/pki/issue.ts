import type { KeyObject } from 'node:crypto';
import {
  keyIdOf,
  randomSerialNumber,
  writeCertificate,
  type CertificateContents,
} from './certificate-writer.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  subjectAltName,
  subjectKeyIdentifier,
  type Extension,
  type KeyUsageBit,
} from './extensions.ts';
import type { IssueOptions } from './issue-options.ts';
import { distinguishedName, isEmptyName, type GeneralName } from './names.ts';
import { defaultHash, newKeyPair, type KeyPair } from './signing.ts';

/** What a certificate takes from the one that signs it. */
export interface Issuer {
  /** The DER of its subject. */
  readonly name: Buffer;
  readonly keyId: Uint8Array | null;
  readonly key: KeyObject;
}

export interface Issued {
  readonly der: Buffer;
  readonly keyPair: KeyPair;
  readonly serialNumber: bigint;
  /** The certificate in the part of the issuer of others. */
  readonly asIssuer: Issuer;
}

const hour = 3_600_000;
const day = 24 * hour;

/** A new certificate from `issuer`; from itself where there is none or the options say so. */
export function issueCertificate(options: IssueOptions, issuer?: Issuer): Issued {
  const keyPair = options.keyPair ?? newKeyPair(options.keyType ?? 'ec-p256');
  const asIssuer: Issuer = {
    name: distinguishedName(options.subject ?? 'test leaf'),
    keyId: options.subjectKeyId === undefined ? keyIdOf(keyPair.publicKey) : options.subjectKeyId,
    key: keyPair.privateKey,
  };
  const signer = options.selfSigned === true || issuer === undefined ? asIssuer : issuer;
  const key = options.signWith ?? signer.key;
  const serialNumber = BigInt(options.serialNumber ?? randomSerialNumber());
  const contents: CertificateContents = {
    serialNumber,
    issuer: options.issuer === undefined ? signer.name : distinguishedName(options.issuer),
    ...validity(options),
    subject: asIssuer.name,
    publicKey: keyPair.publicKey,
    extensions: extensionsOf(options, asIssuer, signer),
    ...(options.rewrite === undefined ? {} : { rewrite: options.rewrite }),
    tampered: options.tampered ?? false,
  };
  const der = writeCertificate(contents, { key, hash: options.hash ?? defaultHash(key) });
  return { der, keyPair, serialNumber, asIssuer };
}

function validity({ notBefore, notAfter }: IssueOptions): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return {
    notBefore: notBefore ?? new Date(Math.min(now - hour, (notAfter?.getTime() ?? now) - day)),
    notAfter: notAfter ?? new Date(Math.max(now + day, (notBefore?.getTime() ?? now) + day)),
  };
}

function extensionsOf(options: IssueOptions, own: Issuer, signer: Issuer): Extension[] {
  const { ca = false, policies, crlUris, ocspUris } = options;
  const isCa = ca === true;
  const names = namesOf(options);
  const usage = options.usage === undefined && !isCa ? ['clientAuth', 'serverAuth'] : options.usage;
  const bits = options.keyUsage === undefined ? usualKeyUsage(own.key, isCa) : options.keyUsage;
  const authority = options.authorityKeyId === undefined ? signer.keyId : options.authorityKeyId;

  const written: Extension[] = [];
  if (ca !== null) written.push(basicConstraints(isCa, options.pathLength));
  if (bits !== null) written.push(keyUsage(bits));
  if (usage !== null && usage !== undefined) written.push(extendedKeyUsage([usage].flat()));
  if (names.length > 0) written.push(subjectAltName(names, isEmptyName(own.name)));
  if (own.keyId !== null) written.push(subjectKeyIdentifier(own.keyId));
  if (authority !== null) written.push(authorityKeyIdentifier(authority));
  if (policies !== undefined) written.push(certificatePolicies(policies));
  if (options.nameConstraints !== undefined) written.push(nameConstraints(options.nameConstraints));
  if (crlUris !== undefined) written.push(crlDistributionPoints(crlUris));
  if (ocspUris !== undefined) written.push(authorityInfoAccess(ocspUris));

  const given = options.extensions ?? [];
  const replaced = new Set(given.map(({ oid }) => oid));
  return [...written.filter(({ oid }) => !replaced.has(oid)), ...given];
}

function namesOf(options: IssueOptions): GeneralName[] {
  const { dnsNames, emails, uris, spiffeId, ips, upns, otherNames } = options;
  const lists = [dnsNames, emails, uris, spiffeId, ips, upns, otherNames];
  if (options.ca !== true && lists.every((list) => list === undefined)) {
    return [{ dnsName: 'localhost' }, { ip: '127.0.0.1' }, { ip: '::1' }];
  }
  return [
    ...(dnsNames ?? []).map((dnsName) => ({ dnsName })),
    ...(emails ?? []).map((email) => ({ email })),
    ...(spiffeId === undefined ? [] : [{ uri: spiffeId }]),
    ...(uris ?? []).map((uri) => ({ uri })),
    ...(ips ?? []).map((ip) => ({ ip })),
    ...(upns ?? []).map((upn) => ({ upn })),
    ...(otherNames ?? []),
  ];
}

function usualKeyUsage(key: KeyObject, ca: boolean): readonly KeyUsageBit[] {
  if (ca) return ['keyCertSign', 'cRLSign'];
  // TLS 1.2 may still transport keys with RSA.
  return key.asymmetricKeyType === 'rsa'
    ? ['digitalSignature', 'keyEncipherment']
    : ['digitalSignature'];
}
