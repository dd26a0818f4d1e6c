// The moment at which the head of a response leaves with its proof, or its trailers do.
import { andThen, isPromise } from '../maybe-promise.ts';
import type { ProofFields, ProvableResponse } from '../proof.ts';
import { forbidTransforming, setCaching } from './cache-control.ts';
import { type NodeResponse, headOf, isGone, linesOf } from './head.ts';
import { holdHead, releaseHead } from './held-head.ts';
import {
  type Chunk,
  type Done,
  type Hook,
  type Hooked,
  type Signing,
  fail,
  sendHead,
} from './hook.ts';
import { addTrailers } from './trailers.ts';

/** Has a head wait, and everybody else take it for sent. */
export function hold(response: NodeResponse, hook: Hook): void {
  holdHead(response, () => {
    if (isGone(response)) return;
    fail(response, hook, new Error('content was sent past the proof; put prepare(verifier) first'));
  });
}

export function hasContent({ statusCode }: NodeResponse, { exchange }: Signing): boolean {
  return exchange.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304;
}

function setDigest(response: NodeResponse, digest: string, length: number): void {
  response.setHeader('content-digest', digest);
  if ('stream' in response) return;
  // Behind a known length HTTP/1.1 has no trailers.
  const framing = ['content-length', 'transfer-encoding', 'trailer'];
  if (framing.some((name) => response.hasHeader(name))) return;
  response.setHeader('content-length', length);
}

/** Has the head leave with its proof, now or as soon as there is one. @param whole the content, where known */
export function depart(
  response: Hooked,
  hook: Hook,
  digest: ProvableResponse['digest'],
  whole?: Chunk,
): void {
  const signing = hook.signing!;
  const proof = signing.proof!;
  releaseHead(response);
  try {
    if (whole !== undefined) setDigest(response, proof.digest(whole), Buffer.byteLength(whole));
    const head = headOf(response);
    setCaching('accept-signature', head);
    if (hook.isForeign) forbidTransforming(head);
    const inHead = digest === 'trailers' ? 'nowhere' : digest;
    const fields = proof.prove(
      signing.exchange,
      signing.identity,
      provable(response, signing, inHead),
    );
    if (!isPromise(fields)) return leave(response, hook, fields, digest === 'trailers');
    signing.phase = 'waiting';
    hold(response, hook);
    fields.then(
      (proven) => departLate(response, hook, proven, digest === 'trailers'),
      (cause: unknown) => fail(response, hook, cause, proof),
    );
  } catch (cause) {
    fail(response, hook, cause, proof);
  }
}

function departLate(
  response: Hooked,
  hook: Hook,
  fields: ProofFields | undefined,
  withTrailers: boolean,
): void {
  const signing = hook.signing!;
  const waiting = signing.waiting.splice(0);
  // Nobody is there any more.
  if (isGone(response)) return;
  releaseHead(response);
  try {
    leave(response, hook, fields, withTrailers);
    const isDrained = waiting.map((act) => act()).every(Boolean);
    // Whoever writes has been told to wait, and Node knows nothing of it.
    if (isDrained && !response.writableEnded) response.emit('drain');
  } catch (cause) {
    fail(response, hook, cause, signing.proof);
  }
}

function leave(
  response: Hooked,
  hook: Hook,
  fields: ProofFields | undefined,
  withTrailers: boolean,
): void {
  const signing = hook.signing!;
  if (fields !== undefined) {
    for (const name in fields) response.setHeader(name, fields[name]!);
    if (withTrailers) {
      signing.digesting = signing.proof!.digesting();
      response.appendHeader('trailer', 'content-digest, signature-input, signature');
      // HTTP/1.1 has trailers behind chunks only.
      if (!('stream' in response)) response.removeHeader('content-length');
    }
  }
  signing.phase = 'sent';
  sendHead(response, hook);
}

/** Ends a stream, with its proof in the trailers. */
export function endStream(response: Hooked, hook: Hook, signing: Signing, done: Done): void {
  const proof = signing.proof!;
  const digest = signing.digesting!.end();
  signing.digesting = undefined;
  const finish = (fields: ProofFields | undefined): void => {
    addTrailers(response, { 'content-digest': digest, ...fields });
    (signing.end as (done: Done) => void).call(response, done);
  };
  try {
    const trailers = provable(response, signing, 'trailers', digest);
    const fields = proof.prove(signing.exchange, signing.identity, trailers);
    if (isPromise(fields)) {
      Object.defineProperty(response, 'writableEnded', { configurable: true, get: () => true });
    }
    const ending = andThen(fields, finish);
    if (isPromise(ending)) ending.catch((cause: unknown) => fail(response, hook, cause, proof));
  } catch (cause) {
    fail(response, hook, cause, proof);
  }
}

function provable(
  response: Hooked,
  signing: Signing,
  digest: ProvableResponse['digest'],
  trailer?: string,
): ProvableResponse {
  return {
    status: response.statusCode,
    hasContent: hasContent(response, signing),
    digest,
    lines: (name) => linesOf(response, name),
    trailerLines: (name) => (trailer !== undefined && name === 'content-digest' ? [trailer] : []),
  };
}
