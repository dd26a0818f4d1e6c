// OCSP over HTTP (RFC 6960 appendix A): asks the responders that certificates name, and keeps what they say.
import { createHash, randomBytes } from 'node:crypto';
import type { MaybePromise } from '../maybe-promise.ts';
import type { Certificate } from '../x509/certificate.ts';
import { ocspRequest } from '../x509/ocsp/request.ts';
import { maxOcspBytes } from '../x509/ocsp/response.ts';
import { ocspStatus } from '../x509/ocsp/status.ts';
import type { RevocationStatus } from '../x509/revocation-status.ts';
import type { FetchBytes } from './fetcher.ts';
import { publishedAddress } from './published-address.ts';

/** How responders are asked. Durations are seconds. */
export interface OcspSourceOptions {
  readonly fetchBytes: FetchBytes;
  /**
   * Whether a response must prove that it was made for this very request. Those that are signed ahead of
   * time, as public CAs do, cannot; they may be replayed until their nextUpdate.
   *
   * @defaultValue `'prefer'`: a nonce is sent, and a response without one accepted
   */
  readonly nonce?: 'require' | 'prefer' | 'off';
  /**
   * How old an answer may get. One without nextUpdate is not believed after that, and any other is asked
   * for anew, though believed to its end where the responder is silent.
   *
   * @defaultValue 86400
   */
  readonly maxAge?: number;
  /** How far a responder's clock may be ahead. @defaultValue 300 */
  readonly clockTolerance?: number;
  /** @defaultValue the system's clock */
  readonly now?: () => Date;
}

/** What the responders of a certificate say of it: at once where they were asked before. */
export interface OcspSource {
  (certificate: Certificate, issuer: Certificate): MaybePromise<RevocationStatus>;
  /**
   * What a response says that the holder of the certificate brought along, and remembers it. A revocation
   * that is known is not undone by an older one.
   */
  stapled(certificate: Certificate, issuer: Certificate, response: Uint8Array): RevocationStatus;
}

interface Known {
  readonly status: RevocationStatus;
  /** Until when it is believed, and from when on it is asked for anew: in milliseconds. */
  readonly end: number;
  readonly renewal: number;
}

const maxKnown = 10_000;
const maxResponders = 2;
/** For how long nobody is asked again after a failure. */
const pauseMs = 30_000;

/**
 * A source of revocation status that asks by OCSP.
 *
 * Call it for certificates whose signatures reach a trust anchor, and for no others: it goes where the
 * certificate says. It never rejects, and what it cannot find out is `unknown`.
 */
export function ocspSource({
  fetchBytes,
  nonce = 'prefer',
  maxAge = 86_400,
  clockTolerance = 300,
  now = systemClock,
}: OcspSourceOptions): OcspSource {
  const settings: Settings = { fetchBytes, nonce, maxAge, clockTolerance, now };
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<RevocationStatus>>();

  const remember = (key: string, answer: Known): RevocationStatus => {
    known.delete(key);
    known.set(key, answer);
    if (known.size > maxKnown) known.delete(known.keys().next().value!);
    return answer.status;
  };

  const ask = async (key: string, question: Question): Promise<RevocationStatus> => {
    const status = await askResponders(question, settings);
    const time = now().getTime();
    const before = known.get(key);
    // Silence takes nothing back: what was good, or on hold, stays so to its end.
    if (status.status === 'unknown' && before !== undefined && time < before.end) {
      return remember(key, { ...before, renewal: time + pauseMs });
    }
    return remember(key, lifeOf(status, question.certificate, time, maxAge));
  };

  /** Everybody who asks the same at the same time gets the same answer. */
  const askOnce = (key: string, question: Question): Promise<RevocationStatus> => {
    let answer = asking.get(key);
    if (answer === undefined) {
      answer = ask(key, question).finally(() => asking.delete(key));
      asking.set(key, answer);
    }
    return answer;
  };

  const source = (
    certificate: Certificate,
    issuer: Certificate,
  ): MaybePromise<RevocationStatus> => {
    const urls = respondersOf(certificate);
    if (urls.length === 0) {
      return { status: 'unknown', why: 'the certificate names no OCSP responder' };
    }
    const key = keyOf(certificate, issuer);
    const answer = known.get(key);
    const time = now().getTime();
    const question = { urls, certificate, issuer };
    if (answer === undefined || time >= answer.end) return askOnce(key, question);
    if (time >= answer.renewal) void askOnce(key, question);
    return remember(key, answer);
  };

  return Object.assign(source, {
    stapled(certificate: Certificate, issuer: Certificate, response: Uint8Array) {
      const key = keyOf(certificate, issuer);
      const before = known.get(key);
      if (before?.status.status === 'revoked') return remember(key, before);
      const at = now();
      const question = { __proto__: null, certificate, issuer, at, maxAge, clockTolerance };
      const status = ocspStatus(response, question);
      if (status.status === 'unknown') return status;
      return remember(key, lifeOf(status, certificate, at.getTime(), maxAge));
    },
  });
}

type Settings = Required<OcspSourceOptions>;

interface Question {
  readonly urls: readonly string[];
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

function respondersOf({ authorityInfoAccess }: Certificate): readonly string[] {
  const urls = authorityInfoAccess?.ocsp ?? [];
  return urls.filter((url) => /^https?:/i.test(url)).slice(0, maxResponders);
}

/** The two hold all that the question is made of, and who may answer it. */
function keyOf(certificate: Certificate, issuer: Certificate): string {
  return createHash('sha256').update(certificate.der).update(issuer.der).digest('base64');
}

function lifeOf(
  status: RevocationStatus,
  { notAfter }: Certificate,
  time: number,
  maxAge: number,
): Known {
  if (status.status === 'unknown') return { status, end: time + pauseMs, renewal: time + pauseMs };
  const last = notAfter.getTime();
  // For good (RFC 5280 section 5.3.1), so that no older response can undo it.
  if (status.status === 'revoked' && status.reason !== 'certificateHold') {
    return { status, end: last, renewal: last };
  }
  const end = status.status === 'good' ? Math.min(status.until?.getTime() ?? last, last) : last;
  // Ahead of the end, so that nobody waits and a silent responder has time to come back.
  const renewal = time + Math.min((end - time) * 0.75, maxAge * 1000);
  return { status, end, renewal };
}

async function askResponders(
  { urls, certificate, issuer }: Question,
  settings: Settings,
): Promise<RevocationStatus> {
  let status: RevocationStatus = { status: 'unknown', why: 'nobody was asked' };
  for (const url of urls) {
    status = await askResponder(url, certificate, issuer, settings);
    if (status.status !== 'unknown') break;
  }
  return status;
}

async function askResponder(
  url: string,
  certificate: Certificate,
  issuer: Certificate,
  { fetchBytes, nonce: use, maxAge, clockTolerance, now }: Settings,
): Promise<RevocationStatus> {
  const nonce = use === 'off' ? undefined : randomBytes(32);
  try {
    const response = await fetchBytes(url, {
      body: ocspRequest(certificate, issuer, nonce),
      contentType: 'application/ocsp-request',
      accept: 'application/ocsp-response',
      maxBytes: maxOcspBytes,
    });
    const sent = nonce === undefined ? {} : { nonce, requireNonce: use === 'require' };
    // What every object inherits must not become an option.
    const own = {
      __proto__: null,
      certificate,
      issuer,
      at: now(),
      maxAge,
      clockTolerance,
      ...sent,
    };
    return ocspStatus(response, own);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it failed';
    const responder = publishedAddress(url);
    return { status: 'unknown', why: `the OCSP responder "${responder}" gave no answer: ${why}` };
  }
}

function systemClock(): Date {
  return new Date();
}
