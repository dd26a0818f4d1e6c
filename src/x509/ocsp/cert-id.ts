// How OCSP names a certificate (RFC 6960 section 4.1.1): by hashes of its issuer and by its serial number.
import { createHash } from 'node:crypto';
import { type Certificate, readSigned } from '../certificate.ts';
import { encode } from '../der-encode.ts';
import {
  DerReader,
  bitStringBytes,
  context,
  integerBytes,
  malformed,
  oidOf,
  serialText,
  tag,
} from '../der.ts';

export interface CertId {
  /** Node's name of the hash; undefined for one that nothing here knows. */
  readonly hash: string | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** As `Certificate.serialNumber`. */
  readonly serialNumber: string;
}

// Two issuers that share a name and a SHA-1 of their keys would be confused here; forging the response
// takes the signature nevertheless, and that is held to better hashes.
const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** The AlgorithmIdentifier of SHA-1 with its NULL, as most responders compare it byte by byte. */
const sha1 = Buffer.from('300906052b0e03021a0500', 'hex');

/** The CertID of a certificate with SHA-1, the one hash that every responder knows (RFC 5019 section 2.1.1). */
export function writeCertId(certificate: Certificate, issuer: Certificate): Buffer {
  return encode(
    tag.sequence,
    sha1,
    encode(tag.octetString, digest('sha1', certificate.issuer)),
    encode(tag.octetString, digest('sha1', publicKeyBits(issuer))),
    serialNumberOf(certificate),
  );
}

/** Reads the next element as a CertID. @throws AuthError `ERR_CERTIFICATE_MALFORMED` */
export function readCertId(reader: DerReader): CertId {
  const id = reader.enter(tag.sequence);
  const algorithm = id.enter(tag.sequence);
  const hash = hashes[oidOf(algorithm.next(tag.oid))];
  // RFC 4055 section 2.1: NULL or nothing, both accepted.
  if (!algorithm.done && algorithm.next(tag.null).content.length > 0) {
    throw malformed('a hash with parameters');
  }
  algorithm.end();
  const issuerNameHash = id.next(tag.octetString).content;
  const issuerKeyHash = id.next(tag.octetString).content;
  const serialNumber = serialText(integerBytes(id.next(tag.integer)));
  id.end();
  return { hash, issuerNameHash, issuerKeyHash, serialNumber };
}

/** Whether this is the certificate meant, by all three: serial numbers alone repeat from CA to CA. */
export function isNamedBy(id: CertId, certificate: Certificate, issuer: Certificate): boolean {
  const { hash, issuerNameHash, issuerKeyHash, serialNumber } = id;
  return (
    hash !== undefined &&
    serialNumber === certificate.serialNumber &&
    digest(hash, certificate.issuer).equals(issuerNameHash) &&
    digest(hash, publicKeyBits(issuer)).equals(issuerKeyHash)
  );
}

/** Whether `keyHash` is the SHA-1 by which OCSP names the key of a responder. */
export function isKeyHashOf(keyHash: Uint8Array, certificate: Certificate): boolean {
  return digest('sha1', publicKeyBits(certificate)).equals(keyHash);
}

/** The INTEGER as it stands in the certificate. */
function serialNumberOf({ der }: Certificate): Uint8Array {
  const { members } = readSigned(der);
  members.optional(context(0, true));
  return members.next(tag.integer).whole;
}

/** The value of the BIT STRING alone, without its count of unused bits. */
function publicKeyBits({ spki }: Certificate): Uint8Array {
  const reader = DerReader.only(spki, tag.sequence);
  reader.next(tag.sequence);
  return bitStringBytes(reader.next(tag.bitString));
}

function digest(hash: string, bytes: Uint8Array): Buffer {
  return createHash(hash).update(bytes).digest();
}
