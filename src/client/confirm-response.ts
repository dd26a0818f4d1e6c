// Whether a response is the expected server's answer to this very request: RFC 9421 over its head, and
// over its content by the digest that the signature covers. No I/O and no clock of its own.
import { AuthError } from '../errors.ts';
import { type DigestAlgorithm, checkingDigest, digestContent } from '../http/content-digest.ts';
import { componentsOf } from '../http/message-signatures/components.ts';
import { type Freshness, checkFreshness } from '../http/message-signatures/freshness.ts';
import {
  type RequestMessage,
  type ResponseMessage,
  lookupIn,
} from '../http/message-signatures/message.ts';
import type { SignatureParameters } from '../http/message-signatures/parameters.ts';
import { readSignatures } from '../http/message-signatures/signature-fields.ts';
import { type VerifiedSignature, verifyMessage } from '../http/message-signatures/verify.ts';
import { parseDictionary } from '../http/structured-fields/parse.ts';
import { serialiseMember } from '../http/structured-fields/serialise.ts';
import type { Evidence } from '../identity.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import {
  type RequestSignature,
  requestTag,
  responseCoverage,
  responseTag,
} from '../methods/signature/coverage.ts';
import type { ProofKey, ProofKeys } from './expected-proof.ts';

const freshness: Freshness = { lifetime: 60, clockTolerance: 30 };

/** What we ask for: content that is hashed before its digest arrives is hashed once. */
export const trailedDigest: DigestAlgorithm = 'sha-256';

/** What was asked. */
export interface AskedRequest {
  /** As it was sent. */
  readonly message: RequestMessage;
  readonly nonce: string;
}

/** What the server has proven, once its content has arrived. */
export interface ProofEvidence extends Evidence {
  readonly keyId: string;
  /** When the server signed. */
  readonly signedAt: Date;
}

/** Fields by lower-case name. */
export type FieldLines = Readonly<Record<string, string | readonly string[]>>;

/** A response whose head is confirmed. Its content is as `chunk` and `end` find it. */
export interface ConfirmedHead {
  readonly evidence: ProofEvidence;
  /** @throws AuthError where there should be no content */
  chunk(bytes: Uint8Array): void;
  /**
   * The trailers that are confirmed too.
   *
   * @throws AuthError where the content was another, or nothing confirms it
   */
  end(trailers: FieldLines, now: Date): FieldLines;
}

/**
 * Confirms the head of a response, its fields by lower-case name.
 *
 * The signature must cover what `responseCoverage` says, so also the request that we sent: what the
 * server saw instead does not count. A head without a digest is confirmed as it is, and its content by a
 * second signature in the trailers.
 *
 * @throws AuthError, or rejects with one
 */
export function confirmHead(
  { message: request, nonce }: AskedRequest,
  { status, headers }: ResponseMessage,
  keys: ProofKeys,
  now: Date,
): MaybePromise<ConfirmedHead> {
  const response: ResponseMessage = { status, headers, request };
  const fields = lookupIn(headers);
  const hasContent = mayHaveContent(request.method, status);
  const digest = hasContent ? fields('content-digest') : [];
  const required = coverage(response, digest.length > 0);
  return andThen(
    signed(() => verifyMessage<ProofKey>(response, { key: keys, required, tag: responseTag })),
    (head) => {
      const signedAt = checkParameters(head.parameters, nonce, now);
      const keyId = head.parameters.keyid!;
      const evidence = { subject: head.key.subject, keyId, signedAt };
      if (!hasContent) return { evidence, ...withoutContent };
      if (digest.length > 0) return { evidence, ...contentOf(digest) };
      return { evidence, ...contentOfTrailers(response, nonce, head) };
    },
  );
}

/** Neither 204 nor 304 nor an answer to HEAD has content (RFC 9110 section 6.4.1), and 101 ends HTTP. */
function mayHaveContent(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 101 && status !== 204 && status !== 304;
}

function coverage(response: ResponseMessage, hasContent: boolean): readonly string[] {
  const request = response.request!;
  const inResponse = lookupIn(response.headers);
  const inRequest = lookupIn(request.headers);
  return responseCoverage(
    { has: (name) => inResponse(name).length > 0 },
    hasContent,
    { has: (name) => inRequest(name).length > 0 },
    ownSignature(request),
  );
}

/** The signature that `signatureClient` gave the request. */
function ownSignature({ headers }: RequestMessage): RequestSignature | undefined {
  const own = readSignatures(lookupIn(headers)).find(
    ({ input }) => input.parameters.get('tag') === requestTag,
  );
  return own && { label: own.label, components: [...componentsOf(own.input.items).ids] };
}

/** Verifies; what is not signed at all has proven nothing. */
function signed<T>(verify: () => MaybePromise<T>): MaybePromise<T> {
  try {
    return verify();
  } catch (error) {
    if (error instanceof AuthError && error.code === 'ERR_CREDENTIAL_MISSING') {
      throw unproven(error.message.replace('the message', 'the response'));
    }
    throw error;
  }
}

function checkParameters(parameters: SignatureParameters, nonce: string, now: Date): Date {
  if (parameters.nonce !== nonce) throw unproven('the signature is for another request');
  const { created } = checkFreshness(parameters, freshness, now.getTime() / 1000);
  return new Date(created * 1000);
}

type Content = Pick<ConfirmedHead, 'chunk' | 'end'>;

const withoutContent: Content = {
  chunk(bytes) {
    if (bytes.length > 0) throw unproven('there is content where there can be none');
  },
  end: () => ({}),
};

/** Content whose digest is in the head. Nobody signed its trailers. */
function contentOf(digest: readonly string[]): Content {
  const { chunk, end } = checkingDigest(digest);
  return {
    chunk,
    end() {
      end();
      return {};
    },
  };
}

/** Content whose digest comes after it, signed by the key that signed the head. */
function contentOfTrailers(
  response: ResponseMessage,
  nonce: string,
  head: VerifiedSignature<ProofKey>,
): Content {
  const digest = digestContent(trailedDigest);
  // The head as well: else that of another answer to the same question could stand before this content.
  const required = [...coverage(response, false), 'content-digest;tr'];
  return {
    chunk: digest.chunk,
    end(trailers, now) {
      const whole = { ...response, trailers };
      const { parameters, covers } = signed(() =>
        verifyMessage(whole, { key: head.key, required, tag: responseTag, section: 'trailers' }),
      ) as VerifiedSignature;
      if (parameters.keyid !== head.parameters.keyid) {
        throw unproven('the trailers are signed by another key than the head');
      }
      checkParameters(parameters, nonce, now);
      const lines = lookupIn(trailers)('content-digest');
      const given = parseDictionary(lines, { name: 'content-digest' }).get(trailedDigest);
      if (given === undefined || `${trailedDigest}=${serialiseMember(given)}` !== digest.end()) {
        throw new AuthError('ERR_DIGEST_MISMATCH', 'the content is not what its digest says');
      }
      return Object.fromEntries(Object.entries(trailers).filter(([name]) => covers(`${name};tr`)));
    },
  };
}

function unproven(reason: string): AuthError {
  return new AuthError('ERR_SERVER_UNPROVEN', reason);
}
