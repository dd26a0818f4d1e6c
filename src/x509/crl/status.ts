// What CRLs say of a certificate (RFC 5280 section 6.3.3). The answer is good only where lists that are
// current, properly signed and about this certificate cover every reason for revocation between them.
// A list that says revoked counts, whatever other lists say, and also after its end: what is revoked, unless
// it is on hold, stays so (section 5.3.1).
import { quote } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import type { CrlEntry } from './entry.ts';
import { type CrlPoint, allReasons, crlPointsOf, reasonsCovered } from './scope.ts';
import { isCrlSignedBy } from './signature.ts';
import { isSameSeries, isWhole, newestFirst } from './series.ts';
import type { Crl, CrlIndex } from './crl.ts';
import { DerReader, context as contextTag, tag } from '../der.ts';
import { nameKey } from '../name-match.ts';
import { type RevocationStatus, revocationReasonNames } from '../revocation-status.ts';

export interface CrlContext {
  /** The instant at which the lists must be current. */
  readonly at: Date;
  /**
   * Certificates with this subject that may have signed a list, the likeliest first: each with a valid
   * path of its own to the same trust anchor. Whether it may sign CRLs at all is checked here.
   */
  signers(issuerName: Uint8Array): Iterable<Certificate>;
}

interface UsableCrl {
  readonly crl: Crl;
  readonly signer: Certificate;
  /** The reasons it answers for. */
  readonly reasons: number;
  /** Why nothing but a lasting revocation is believed of it; undefined where it is current. */
  readonly ended: string | undefined;
}

const certificateHold = 6;
const removeFromCrl = 8;

/** Whether a certificate is revoked, going by these lists alone. */
export function crlStatus(
  certificate: Certificate,
  crls: CrlIndex,
  context: CrlContext,
): RevocationStatus {
  const issuer = nameKey(certificate.issuer);
  const serialNumber = serialBytes(certificate);
  const whys = new Set<string>();
  let covered = 0;
  let until = Infinity;

  for (const point of crlPointsOf(certificate)) {
    const lists = point.issuers.flatMap((name) => crls.withIssuer(name));
    const used: UsableCrl[] = [];
    for (const crl of lists.filter(isWhole).sort(newestFirst)) {
      const usable = usableCrl(crl, certificate, point, context);
      if (typeof usable === 'string') {
        whys.add(`${describe(crl)} ${usable}`);
        continue;
      }
      if (used.some((newer) => supersedes(newer, usable))) continue;
      used.push(usable);
      const delta = usableDelta(usable, lists, context);
      const entry = delta?.find(issuer, serialNumber) ?? crl.find(issuer, serialNumber);
      const lasts = usable.ended === undefined || entry?.reason !== certificateHold;
      if (entry !== undefined && entry.reason !== removeFromCrl && lasts) return revoked(entry);
      if (usable.ended !== undefined) {
        whys.add(`${describe(crl)} ${usable.ended}`);
        continue;
      }
      covered |= usable.reasons;
      for (const list of [crl, delta])
        until = Math.min(until, list?.nextUpdate?.getTime() ?? until);
    }
    if (lists.length > 0 && !lists.some(isWhole)) {
      whys.add(`of ${quote(lists[0]!.issuerDn)} there is no CRL, only changes to one`);
    }
  }
  if (covered === allReasons) return { status: 'good', until: new Date(until) };
  if (covered !== 0) whys.add('the CRLs there are do not cover all reasons for revocation');
  if (whys.size === 0) whys.add(`there is no CRL about what ${quote(certificate.issuerDn)} issues`);
  return { status: 'unknown', why: [...whys].slice(0, 4).join('; ') };
}

/** The list with its signer, or why it says nothing about this certificate. */
function usableCrl(
  crl: Crl,
  certificate: Certificate,
  point: CrlPoint,
  context: CrlContext,
): UsableCrl | string {
  const reasons = reasonsCovered(crl, certificate, point);
  if (reasons === 0) return 'is not about this certificate';
  const unfit = whyUnfit(crl, context.at);
  if (unfit !== undefined) return unfit;
  const ended = whyEnded(crl, context.at);
  for (const signer of context.signers(crl.issuer)) {
    if (isCrlSignedBy(crl, signer)) return { crl, signer, reasons, ended };
  }
  return 'is not signed by anybody who may sign it, with an algorithm that is accepted';
}

/** The newest list of changes that can be combined with this one (sections 5.2.4 and 6.3.3 c). */
function usableDelta(
  { crl: base, signer }: UsableCrl,
  lists: readonly Crl[],
  { at }: CrlContext,
): Crl | undefined {
  const { number } = base;
  if (number === undefined) return undefined;
  return lists
    .filter(
      (delta) =>
        delta.baseNumber !== undefined &&
        delta.baseNumber <= number &&
        delta.number! > number &&
        isSameSeries(delta, base),
    )
    .sort(newestFirst)
    .find(
      (delta) =>
        whyUnfit(delta, at) === undefined &&
        whyEnded(delta, at) === undefined &&
        isCrlSignedBy(delta, signer),
    );
}

function whyUnfit({ thisUpdate, nextUpdate }: Crl, at: Date): string | undefined {
  if (at < thisUpdate) return `begins ${thisUpdate.toISOString()}`;
  // RFC 5280 section 5.1.2.5: a list must say when the next one comes. One that does not, says nothing
  // about now.
  return nextUpdate === undefined ? 'does not say until when it holds' : undefined;
}

function whyEnded({ nextUpdate }: Crl, at: Date): string | undefined {
  return nextUpdate !== undefined && at > nextUpdate
    ? `ended ${nextUpdate.toISOString()}`
    : undefined;
}

/**
 * Two lists at hand of the same series, by the same key: only the newer one counts, unless it has ended and
 * the older one has not.
 */
function supersedes(newer: UsableCrl, older: UsableCrl): boolean {
  return (
    (newer.ended === undefined || older.ended !== undefined) &&
    isSameSeries(newer.crl, older.crl) &&
    Buffer.compare(newer.signer.spki, older.signer.spki) === 0
  );
}

function revoked({ revokedAt, reason }: CrlEntry): RevocationStatus {
  return { status: 'revoked', revokedAt, reason: revocationReasonNames[reason]! };
}

function describe({ issuerDn, number }: Crl): string {
  return `the CRL${number === undefined ? '' : ` ${number}`} of ${quote(issuerDn)}`;
}

/** The serial number as a CRL has it: the shortest form, so equal numbers are equal bytes. */
function serialBytes({ signed }: Certificate): Uint8Array {
  const members = DerReader.only(signed.content, tag.sequence);
  members.optional(contextTag(0, true));
  return members.next(tag.integer).content;
}
