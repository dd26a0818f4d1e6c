import { readCertificate } from '../x509/certificate.ts';
import type { Extension } from './extensions.ts';
import {
  ocspNonce,
  writeOcspRefusal,
  writeOcspResponse,
  type OcspAnswer,
  type OcspContents,
} from './ocsp-writer.ts';
import { defaultHash, type KeyPair, type SignatureHash, type Signer } from './signing.ts';

/** What an OCSP response is to hold, for defects as well. */
export interface OcspOptions {
  /** @defaultValue what was revoked is revoked, and all else is good */
  readonly status?: 'good' | 'unknown';
  /** @defaultValue an hour ago */
  readonly thisUpdate?: Date;
  /** Null leaves it out. @defaultValue in a day */
  readonly nextUpdate?: Date | null;
  /** @defaultValue now */
  readonly producedAt?: Date;
  /** What the request sent. */
  readonly nonce?: Uint8Array;
  /** A certificate that signs in place of the authority, and is sent along. */
  readonly responder?: { readonly der: Uint8Array; readonly keyPair: KeyPair };
  /** Whether the responder is named by its subject or by its key. @defaultValue `name` */
  readonly responderId?: 'name' | 'key';
  /** The DER of what is sent along. @defaultValue the responder's, where it is not the authority */
  readonly certificates?: readonly Uint8Array[];
  /** The hash by which the authority is named. @defaultValue `sha1` */
  readonly idHash?: SignatureHash;
  readonly extensions?: readonly Extension[];
  /** Extensions of every single answer. */
  readonly singleExtensions?: readonly Extension[];
  /** A refusal without any answer: the number of an OCSPResponseStatus. */
  readonly refusal?: number;
  readonly signWith?: Signer['key'];
  readonly hash?: SignatureHash;
  readonly tampered?: boolean;
}

// A record, so that the compiler insists on every name.
const known: Readonly<Record<keyof OcspOptions, true>> = {
  status: true,
  thisUpdate: true,
  nextUpdate: true,
  producedAt: true,
  nonce: true,
  responder: true,
  responderId: true,
  certificates: true,
  idHash: true,
  extensions: true,
  singleExtensions: true,
  refusal: true,
  signWith: true,
  hash: true,
  tampered: true,
};

export const ocspOptionNames: readonly string[] = Object.keys(known);

const hour = 3_600_000;

/** The answers of an authority with this name and these keys. */
export function testOcspResponse(
  authority: { readonly name: Buffer; readonly keyPair: KeyPair },
  answers: readonly OcspAnswer[],
  options: OcspOptions,
): Buffer {
  if (options.refusal !== undefined) return writeOcspRefusal(options.refusal);
  const { nonce, responder, extensions = [] } = options;
  const signing = (responder ?? authority).keyPair;
  const key = options.signWith ?? signing.privateKey;
  const now = Date.now();
  const contents: OcspContents = {
    issuer: { name: authority.name, publicKey: authority.keyPair.publicKey },
    answers,
    responder:
      options.responderId === 'key'
        ? { publicKey: signing.publicKey }
        : { name: responder === undefined ? authority.name : subjectOf(responder.der) },
    producedAt: options.producedAt ?? new Date(now),
    thisUpdate: options.thisUpdate ?? new Date(now - hour),
    nextUpdate: options.nextUpdate === undefined ? new Date(now + 24 * hour) : options.nextUpdate,
    idHash: options.idHash ?? 'sha1',
    extensions: nonce === undefined ? extensions : [ocspNonce(nonce), ...extensions],
    singleExtensions: options.singleExtensions ?? [],
    certificates: options.certificates ?? (responder === undefined ? [] : [responder.der]),
    tampered: options.tampered ?? false,
  };
  return writeOcspResponse(contents, { key, hash: options.hash ?? defaultHash(key) });
}

function subjectOf(der: Uint8Array): Buffer {
  return Buffer.from(readCertificate(der).subject);
}
