// What a CRL says, for people and for programs. Not who is on it: that may be a million, and the question
// is always about one (verify-path).
import type { Crl } from '../x509/crl/crl.ts';
import { readAlgorithm } from '../x509/signature.ts';
import {
  signatureFacts,
  thumbprints,
  type SignatureFacts,
  type Thumbprints,
} from './certificate-facts.ts';
import { refusals, warning, type Warning } from './certificate-warnings.ts';
import { algorithmWords, momentWords, type Row } from './certificate-words.ts';
import { plain } from './layout.ts';
import { distance } from './moments.ts';

export interface CrlFacts extends Thumbprints {
  readonly kind: 'crl';
  readonly version: number;
  /** RFC 4514 text. */
  readonly issuer: string;
  /** Decimal, since it may be larger than numbers of JSON are exact. */
  readonly number: string | null;
  /** The number of the list that this one holds the changes to. */
  readonly baseNumber: string | null;
  readonly thisUpdate: string;
  readonly nextUpdate: string | null;
  /** How many certificates are on it. */
  readonly entries: number;
  /** The one kind of certificates that it is about. */
  readonly only: string | null;
  /** Whether certificates of other issuers may be on it. */
  readonly indirect: boolean;
  readonly signatureAlgorithm: SignatureFacts;
}

export function crlFacts(crl: Crl): CrlFacts {
  return {
    kind: 'crl',
    version: crl.version,
    issuer: crl.issuerDn,
    number: crl.number?.toString() ?? null,
    baseNumber: crl.baseNumber?.toString() ?? null,
    thisUpdate: crl.thisUpdate.toISOString(),
    nextUpdate: crl.nextUpdate?.toISOString() ?? null,
    entries: crl.size,
    only: crl.issuingDistributionPoint?.only ?? null,
    indirect: crl.issuingDistributionPoint?.indirect ?? false,
    signatureAlgorithm: signatureFacts(crl.signed.algorithm),
    ...thumbprints(crl.der),
  };
}

/** The gravest first. */
export function crlWarnings(crl: Crl, now: Date): readonly Warning[] {
  const { thisUpdate, nextUpdate, baseNumber } = crl;
  const found = refusals(() => readAlgorithm(crl.signed.algorithm));
  if (thisUpdate > now) {
    found.push(warning('WARN_CRL_NOT_YET', `It begins ${distance(thisUpdate, now)}.`));
  }
  if (nextUpdate === undefined) {
    found.push(warning('WARN_CRL_ENDLESS', 'It does not say when the next one comes.'));
  } else if (nextUpdate <= now) {
    const text = `The next one was due ${distance(nextUpdate, now)}: nobody relies on this one.`;
    found.push(warning('WARN_CRL_STALE', text));
  }
  if (baseNumber !== undefined) {
    const text = 'It holds changes only, and is of use together with the list they are to.';
    found.push(warning('WARN_CRL_DELTA', text));
  }
  return found;
}

export function crlRows(facts: CrlFacts, now: Date): readonly Row[] {
  const { number, baseNumber, nextUpdate, only, indirect } = facts;
  const scope = `${only === null ? 'all' : kinds[only]} certificates ${indirect ? 'of several issuers' : 'of its issuer'}`;
  return [
    ['issuer', plain(facts.issuer)],
    ['about', scope],
    ['entries', String(facts.entries)],
    ['from', momentWords(facts.thisUpdate, now)],
    ...(nextUpdate === null ? [] : [['next', momentWords(nextUpdate, now)] as const]),
    ...(number === null ? [] : [['number', number] as const]),
    ...(baseNumber === null ? [] : [['changes to', `number ${baseNumber}`] as const]),
    ['signed with', algorithmWords(facts.signatureAlgorithm)],
    ['SHA-256', facts.sha256],
  ];
}

const kinds: Readonly<Record<string, string>> = {
  userCerts: 'leaf',
  caCerts: 'CA',
  attributeCerts: 'attribute',
};
