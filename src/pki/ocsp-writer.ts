import { createHash, type KeyObject } from 'node:crypto';
import { DerReader, bitStringBytes, tag } from '../x509/der.ts';
import { spkiOf } from './certificate-writer.ts';
import { revocationReasons, type RevokedCertificate } from './crl-writer.ts';
import {
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  integer,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
} from './der-writer.ts';
import { extension, type Extension } from './extensions.ts';
import { signed, type SignatureHash, type Signer } from './signing.ts';

/** What an OCSP response is to hold, all names as finished DER. */
export interface OcspContents {
  /** Whose certificates it is about. */
  readonly issuer: { readonly name: Buffer; readonly publicKey: KeyObject };
  readonly answers: readonly OcspAnswer[];
  readonly responder: { readonly name: Buffer } | { readonly publicKey: KeyObject };
  readonly producedAt: Date;
  readonly thisUpdate: Date;
  /** Null leaves the field out: there is always something newer. */
  readonly nextUpdate: Date | null;
  /** The hash by which issuers are named. */
  readonly idHash: SignatureHash;
  readonly extensions: readonly Extension[];
  /** Extensions of every single answer. */
  readonly singleExtensions: readonly Extension[];
  readonly certificates: readonly Uint8Array[];
  readonly tampered: boolean;
}

export interface OcspAnswer {
  readonly serialNumber: bigint;
  readonly status: 'good' | 'unknown' | Omit<RevokedCertificate, 'serialNumber'>;
}

const hashOids: Readonly<Record<SignatureHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

/** The DER of an OCSP response (RFC 6960 section 4.2) signed by `signer`. */
export function writeOcspResponse(contents: OcspContents, signer: Signer): Buffer {
  const { responder, answers, certificates } = contents;
  const body = sequence(
    'name' in responder
      ? explicit(1, responder.name)
      : explicit(2, octetString(digest('sha1', keyBitsOf(responder.publicKey)))),
    generalizedTime(contents.producedAt),
    sequence(...answers.map((answer) => singleResponse(answer, contents))),
    ...extensionsOf(contents.extensions),
  );
  const along = certificates.length === 0 ? [] : [explicit(0, sequence(...certificates))];
  const basic = octetString(signed(body, signer, contents.tampered, ...along));
  const typed = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), basic);
  return sequence(enumerated(0), explicit(0, typed));
}

/** What a responder says in place of an answer: the number of an OCSPResponseStatus. */
export function writeOcspRefusal(status: number): Buffer {
  return sequence(enumerated(status));
}

/** The extension that repeats a request's nonce (RFC 9654). */
export function ocspNonce(nonce: Uint8Array): Extension {
  return { oid: '1.3.6.1.5.5.7.48.1.2', value: octetString(nonce) };
}

function singleResponse({ serialNumber, status }: OcspAnswer, contents: OcspContents): Buffer {
  const { issuer, idHash, nextUpdate } = contents;
  return sequence(
    sequence(
      sequence(objectIdentifier(hashOids[idHash]), nothing()),
      octetString(digest(idHash, issuer.name)),
      octetString(digest(idHash, keyBitsOf(issuer.publicKey))),
      integer(serialNumber),
    ),
    certStatus(status),
    generalizedTime(contents.thisUpdate),
    ...(nextUpdate === null ? [] : [explicit(0, generalizedTime(nextUpdate))]),
    ...extensionsOf(contents.singleExtensions),
  );
}

function certStatus(status: OcspAnswer['status']): Buffer {
  if (status === 'good') return implicit(0, nothing());
  if (status === 'unknown') return implicit(2, nothing());
  const code = revocationReasons[status.reason ?? 'unspecified'];
  const reason = code === 0 ? [] : [explicit(0, enumerated(code))];
  return implicit(1, sequence(generalizedTime(status.revokedAt), ...reason));
}

function extensionsOf(extensions: readonly Extension[]): Buffer[] {
  return extensions.length === 0 ? [] : [explicit(1, sequence(...extensions.map(extension)))];
}

/** The value of the BIT STRING in the SPKI, which is what OCSP hashes. */
function keyBitsOf(publicKey: KeyObject): Uint8Array {
  const spki = DerReader.only(spkiOf(publicKey), tag.sequence);
  spki.next(tag.sequence);
  return bitStringBytes(spki.next(tag.bitString));
}

function digest(hash: SignatureHash, bytes: Uint8Array): Buffer {
  return createHash(hash).update(bytes).digest();
}
