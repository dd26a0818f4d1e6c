// OCSP responses, read strictly (RFC 6960 section 4.2). This says what a response states. Whether anybody may
// say so is the business of `ocspStatus`, and the signature is not checked here.
import { AuthError } from '../../errors.ts';
import {
  type Certificate,
  type Signed,
  readCertificate,
  readExtensions,
  readSigned,
} from '../certificate.ts';
import {
  DerReader,
  type Element,
  context,
  countOf,
  enumeratedOf,
  malformed,
  oidOf,
  tag,
  timeOf,
} from '../der.ts';
import type { Extension } from '../extensions.ts';
import { type CertId, readCertId } from './cert-id.ts';
import { revocationReasonNames } from '../revocation-status.ts';

export interface OcspResponse {
  readonly responder: ResponderId;
  readonly producedAt: Date;
  readonly answers: readonly SingleResponse[];
  readonly extensions: Extensions;
  /** Sent along to find the responder's key. Nobody vouches for them yet. */
  readonly certificates: readonly Certificate[];
  readonly signed: Signed;
}

/** Who claims to have signed. */
export type ResponderId =
  /** The DER of a Name. */
  | { readonly name: Uint8Array }
  /** SHA-1 of the public key. */
  | { readonly keyHash: Uint8Array };

/** What is said of one certificate. */
export interface SingleResponse {
  readonly id: CertId;
  readonly status: CertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: Extensions;
}

export type CertStatus =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly revokedAt: Date; readonly reason: string }
  | { readonly status: 'unknown' };

type Extensions = ReadonlyMap<string, Extension>;

const basicResponse = '1.3.6.1.5.5.7.48.1.1';
/** A usual response has 500 to 2,500 bytes. A stapled one comes from a peer that has proven nothing yet. */
export const maxOcspBytes = 65_536;
const maxCertificates = 10;

/** Why a responder gives no answer (RFC 6960 section 4.2.1). */
const refusals: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
};

/**
 * Reads an OCSPResponse that holds a BasicOCSPResponse, the only kind there is.
 *
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED`; `ERR_REVOCATION_UNKNOWN` where the responder refused
 */
export function readOcspResponse(der: Uint8Array): OcspResponse {
  if (der.length > maxOcspBytes) throw malformed(`more than ${maxOcspBytes} bytes`);
  const outer = DerReader.only(der, tag.sequence);
  const status = enumeratedOf(outer.next(tag.enumerated));
  const bytes = outer.optional(context(0, true));
  outer.end();
  if (status !== 0) {
    const name = refusals[status] ?? `status ${status}`;
    throw new AuthError('ERR_REVOCATION_UNKNOWN', `the OCSP responder refused: ${name}`);
  }
  if (bytes === undefined) throw malformed('success without a response');
  const typed = DerReader.only(bytes.content, tag.sequence);
  if (oidOf(typed.next(tag.oid)) !== basicResponse) throw malformed('a response of unknown type');
  const { content } = typed.next(tag.octetString);
  typed.end();
  return readBasicResponse(content);
}

function readBasicResponse(der: Uint8Array): OcspResponse {
  let certificates: readonly Certificate[] = [];
  const { signed, members } = readSigned(der, (rest) => {
    const list = rest.optional(context(0, true));
    if (list !== undefined) certificates = readCertificates(list);
  });
  const version = members.optional(context(0, true));
  // DER would leave a version 1 out, and some responders spell it out.
  if (version !== undefined && countOf(only(version, tag.integer)) !== 0) {
    throw malformed('a version that does not exist');
  }
  const responder = readResponderId(members.next());
  const producedAt = timeOf(members.next(tag.generalizedTime));
  const list = members.enter(tag.sequence);
  const answers: SingleResponse[] = [];
  while (!list.done) answers.push(readSingleResponse(list.enter(tag.sequence)));
  const extensions = optionalExtensions(members);
  members.end();
  return { responder, producedAt, answers, extensions, certificates, signed };
}

function readResponderId(choice: Element): ResponderId {
  if (choice.tag === context(1, true)) return { name: only(choice, tag.sequence).whole };
  if (choice.tag === context(2, true)) return { keyHash: only(choice, tag.octetString).content };
  throw malformed('a responder without name and key');
}

function readSingleResponse(reader: DerReader): SingleResponse {
  const id = readCertId(reader);
  const status = readCertStatus(reader.next());
  const thisUpdate = timeOf(reader.next(tag.generalizedTime));
  const next = reader.optional(context(0, true));
  const nextUpdate = next === undefined ? undefined : timeOf(only(next, tag.generalizedTime));
  const extensions = optionalExtensions(reader);
  reader.end();
  return { id, status, thisUpdate, nextUpdate, extensions };
}

function readCertStatus(choice: Element): CertStatus {
  if (choice.tag === context(1, true)) return readRevokedInfo(choice.members());
  if (choice.content.length > 0) throw malformed('a status with contents');
  if (choice.tag === context(0, false)) return { status: 'good' };
  if (choice.tag === context(2, false)) return { status: 'unknown' };
  throw malformed('a status that does not exist');
}

function readRevokedInfo(reader: DerReader): CertStatus {
  const revokedAt = timeOf(reader.next(tag.generalizedTime));
  const reason = reader.optional(context(0, true));
  reader.end();
  const code = reason === undefined ? 0 : enumeratedOf(only(reason, tag.enumerated));
  return { status: 'revoked', revokedAt, reason: revocationReasonNames[code] ?? `reason ${code}` };
}

function optionalExtensions(reader: DerReader): Extensions {
  const element = reader.optional(context(1, true));
  return element === undefined ? new Map<string, Extension>() : readExtensions(element.content);
}

function readCertificates({ content }: Element): readonly Certificate[] {
  const reader = DerReader.only(content, tag.sequence);
  const certificates: Certificate[] = [];
  while (!reader.done) {
    if (certificates.length === maxCertificates) throw malformed('too many certificates');
    certificates.push(readCertificate(reader.next(tag.sequence).whole));
  }
  return certificates;
}

/** The one element inside an explicit tag. */
function only({ content }: Element, expected: number): Element {
  const reader = new DerReader(content);
  const element = reader.next(expected);
  reader.end();
  return element;
}
