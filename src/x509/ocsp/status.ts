// What an OCSP response says of one certificate, and whether the one who says so may (RFC 6960 sections 3.2,
// 4.2.2). Whether a delegated responder was itself revoked is not asked: most carry id-pkix-ocsp-nocheck, by
// which their CA waives the question.
import { AuthError } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import { DerReader, tag } from '../der.ts';
import { type Extension, extensionOid } from '../extensions.ts';
import { isSameName } from '../name-match.ts';
import { isKeyHashOf, isNamedBy } from './cert-id.ts';
import { type OcspResponse, type SingleResponse, readOcspResponse } from './response.ts';
import { checkValidity } from '../path/rules.ts';
import type { RevocationStatus } from '../revocation-status.ts';
import { isSignedBy } from '../signature.ts';
import { publicKeyOf } from '../path/trust-anchors.ts';

/** What is asked of a response. Durations are seconds. */
export interface OcspQuestion {
  readonly certificate: Certificate;
  /** Whose key signed the certificate. */
  readonly issuer: Certificate;
  readonly at: Date;
  /** What was sent. A response with another nonce answers another question. */
  readonly nonce?: Uint8Array;
  /** Whether a response must repeat the nonce. Many are signed ahead of time, and cannot. */
  readonly requireNonce?: boolean;
  /** How old an answer without nextUpdate may be. @defaultValue 86400 */
  readonly maxAge?: number;
  /** How far the responder's clock may be ahead. @defaultValue 300 */
  readonly clockTolerance?: number;
}

const ocspSigning = '1.3.6.1.5.5.7.3.9';
const nonceOid = '1.3.6.1.5.5.7.48.1.2';

const understoodOfResponses = new Set([nonceOid]);
/** Extensions of a responder's certificate that may be critical: none of the others concerns a signature. */
const understoodOfResponders = new Set<string>([
  extensionOid.keyUsage,
  extensionOid.extendedKeyUsage,
  extensionOid.basicConstraints,
  extensionOid.subjectAltName,
]);

/**
 * What a response says of a certificate. Whatever bytes it is given, it answers: what cannot be relied on is
 * `unknown`, with the reason.
 *
 * Where several parts of a response speak of the certificate, the worst counts.
 *
 * @param isSigned for test vectors alone, many of which are signed with SHA-1
 */
export function ocspStatus(
  response: Uint8Array,
  question: OcspQuestion,
  isSigned: typeof isSignedBy = isSignedBy,
): RevocationStatus {
  try {
    const read = readOcspResponse(response);
    const { certificate, issuer } = question;
    const answers = read.answers.filter(({ id }) => isNamedBy(id, certificate, issuer));
    if (answers.length === 0) throw refused('is about other certificates');
    const responder = responderOf(read, question, isSigned);
    checkResponse(read, question);
    return answers
      .map((answer) => statusOf(answer, question, responder))
      .reduce((worst, status) => (badness[status.status] > badness[worst.status] ? status : worst));
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    // The readers that this rests on speak of certificates only.
    const why = error.message.replace(/^the certificate (?=has|holds)/, 'the OCSP response ');
    return { status: 'unknown', why };
  }
}

const badness = { good: 0, unknown: 1, revoked: 2 } as const;

/** The one who signed the response: the issuer, or one whom the issuer appointed (section 4.2.2.2). */
function responderOf(
  response: OcspResponse,
  { issuer, at }: OcspQuestion,
  isSigned: typeof isSignedBy,
): Certificate {
  const candidates = [issuer, ...response.certificates].filter((one) => isResponder(response, one));
  let objection = 'does not show the certificate of its responder';
  for (const candidate of candidates) {
    const found =
      (candidate === issuer ? undefined : objectionTo(candidate, issuer, at, isSigned)) ??
      (isSigned(response.signed, publicKeyOf(candidate)) ? undefined : 'has a wrong signature');
    if (found === undefined) return candidate;
    objection = found;
  }
  throw refused(objection);
}

function isResponder({ responder }: OcspResponse, certificate: Certificate): boolean {
  return 'name' in responder
    ? isSameName(responder.name, certificate.subject)
    : isKeyHashOf(responder.keyHash, certificate);
}

/** Why a certificate may not answer for the issuer. */
function objectionTo(
  responder: Certificate,
  issuer: Certificate,
  at: Date,
  isSigned: typeof isSignedBy,
): string | undefined {
  const { extendedKeyUsage, keyUsage, extensions } = responder;
  // The purpose itself: with anyExtendedKeyUsage every such leaf could absolve all others.
  if (extendedKeyUsage?.includes(ocspSigning) !== true) {
    return 'comes from a responder that is not meant for OCSP';
  }
  if (keyUsage?.has('digitalSignature') === false) return 'comes from a key that may not sign';
  const critical = unknownCritical(extensions, understoodOfResponders);
  if (critical !== undefined) {
    return `comes from a responder with an unknown critical extension (${critical})`;
  }
  try {
    checkValidity(responder, at);
  } catch {
    return 'comes from a responder whose certificate is not valid now';
  }
  return isSameName(responder.issuer, issuer.subject) &&
    isSigned(responder.signed, publicKeyOf(issuer))
    ? undefined
    : 'comes from a responder that the issuer did not appoint';
}

function checkResponse({ producedAt, extensions }: OcspResponse, question: OcspQuestion): void {
  const { certificate, nonce, requireNonce = false } = question;
  if (producedAt.getTime() > latest(question)) throw refused('was made in the future');
  // Nobody can have known of a certificate that there was not.
  if (producedAt < certificate.notBefore) throw refused('is older than the certificate');
  const critical = unknownCritical(extensions, understoodOfResponses);
  if (critical !== undefined) throw refused(`has an unknown critical extension (${critical})`);
  if (nonce === undefined) return;
  const repeated = extensions.get(nonceOid);
  if (repeated === undefined) {
    if (requireNonce) throw refused('does not repeat the nonce');
    return;
  }
  const reader = new DerReader(repeated.value);
  const { content } = reader.next(tag.octetString);
  reader.end();
  if (Buffer.compare(content, nonce) !== 0) throw refused('repeats another nonce');
}

function statusOf(
  answer: SingleResponse,
  question: OcspQuestion,
  responder: Certificate,
): RevocationStatus {
  const { status, thisUpdate, nextUpdate } = answer;
  const { at, maxAge = 86_400 } = question;
  const end = nextUpdate ?? new Date(thisUpdate.getTime() + maxAge * 1000);
  const critical = unknownCritical(answer.extensions);
  if (critical !== undefined) return unknown(`has an unknown critical extension (${critical})`);
  if (thisUpdate.getTime() > latest(question)) return unknown('is of the future');
  if (at > end) return unknown(`ended ${end.toISOString()}`);
  if (status.status === 'unknown') return unknown('does not know the certificate');
  if (status.status === 'revoked') return status;
  return { status: 'good', until: end < responder.notAfter ? end : responder.notAfter };
}

function unknownCritical(
  extensions: ReadonlyMap<string, Extension>,
  known?: ReadonlySet<string>,
): string | undefined {
  return [...extensions].find(([oid, { critical }]) => critical && known?.has(oid) !== true)?.[0];
}

/** What lies after this instant, in milliseconds, is the future even by a clock that is ahead. */
function latest({ at, clockTolerance = 300 }: OcspQuestion): number {
  return at.getTime() + clockTolerance * 1000;
}

function unknown(what: string): Extract<RevocationStatus, { status: 'unknown' }> {
  return { status: 'unknown', why: `the OCSP response ${what}` };
}

function refused(what: string): AuthError {
  return new AuthError('ERR_REVOCATION_UNKNOWN', unknown(what).why);
}
