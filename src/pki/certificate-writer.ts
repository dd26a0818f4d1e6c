import { createHash, randomBytes, type KeyObject } from 'node:crypto';
import { explicit, integer, sequence, time } from './der-writer.ts';
import { extension, type Extension } from './extensions.ts';
import { signatureAlgorithm, signed, type Signer } from './signing.ts';

/** The contents of a certificate, its names as finished DER. */
export interface CertificateContents {
  readonly serialNumber: bigint;
  readonly issuer: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
  /**
   * The last word on the fields of the TBSCertificate before they are signed: version, serialNumber,
   * signature, issuer, validity, subject, subjectPublicKeyInfo, extensions (there only if any). For
   * defects that no other option makes.
   */
  readonly rewrite?: (fields: readonly Buffer[]) => readonly Buffer[];
  /** A signature that is well-formed and wrong. */
  readonly tampered?: boolean;
}

/** The DER of a version 3 certificate (RFC 5280 section 4.1) signed by `issuer`. */
export function writeCertificate(contents: CertificateContents, issuer: Signer): Buffer {
  const extensions = contents.extensions.map(extension);
  const fields = [
    explicit(0, integer(2)),
    integer(contents.serialNumber),
    signatureAlgorithm(issuer),
    contents.issuer,
    sequence(time(contents.notBefore), time(contents.notAfter)),
    contents.subject,
    spkiOf(contents.publicKey),
    ...(extensions.length === 0 ? [] : [explicit(3, sequence(...extensions))]),
  ];
  const body = sequence(...(contents.rewrite?.(fields) ?? fields));
  return signed(body, issuer, contents.tampered);
}

/** The DER of a key's SubjectPublicKeyInfo. */
export function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** The key identifier of RFC 7093 section 2, method 4: 160 bits of a SHA-256 over the whole SPKI. */
export function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha256').update(spkiOf(publicKey)).digest().subarray(0, 20);
}

/** A random serial number: positive, 16 octets, no leading zero (RFC 5280 section 4.1.2.2). */
export function randomSerialNumber(): bigint {
  const octets = randomBytes(16);
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return BigInt(`0x${octets.toString('hex')}`);
}

/** The number that `serialText` wrote. */
export function serialNumberOf(text: string): bigint {
  return text.startsWith('-') ? -serialNumberOf(text.slice(1)) : BigInt(`0x${text}`);
}

/** A serial number as the rest of the package writes it: upper-case hexadecimal, no leading zeros. */
export function serialText(serialNumber: bigint): string {
  return serialNumber.toString(16).toUpperCase();
}
