import { ConfigError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Identity } from './identity.ts';
import type { MaybePromise } from './maybe-promise.ts';

/**
 * How a service proves itself in every response, whatever the method of its peer. `signedResponses` of
 * `countersign/signature` makes one.
 */
export interface ResponseProof {
  /** What events call it. */
  readonly name: string;

  /**
   * Reads what a request asks of the proof, before anything is decided.
   *
   * @throws AuthError where that cannot be read, which refuses the request
   */
  read(exchange: Exchange): void;

  /** The value of Content-Digest (RFC 9530) for content that is known in one go. */
  digest(content: Uint8Array | string): string;

  /** The same, for content that comes in parts. */
  digesting(): Digesting;

  /**
   * The fields that prove a response, to be set where its digest is: in the head, or in the trailers.
   * Undefined where nothing proves it to this peer; it then leaves as it is.
   *
   * What it throws tears the connection down: an answer that was to be proven never leaves without.
   *
   * @param identity of the peer, where it was accepted
   */
  prove(
    exchange: Exchange,
    identity: Identity | undefined,
    response: ProvableResponse,
  ): MaybePromise<ProofFields | undefined>;
}

/** Makes a digest of content as it passes, without holding it. */
export interface Digesting {
  chunk(bytes: Uint8Array): void;
  end(): string;
}

/** Fields by lower-case name. */
export type ProofFields = Readonly<Record<string, string>>;

/** A response whose head is final. */
export interface ProvableResponse {
  readonly status: number;
  /** Whether content follows the head: not behind 204 and 304, nor where HEAD was asked. */
  readonly hasContent: boolean;
  /** Where the digest of that content is. */
  readonly digest: 'head' | 'trailers' | 'nowhere';
  /** The lines of a field of the head. @param name in lower case */
  lines(name: string): readonly string[];
  /** The lines of a field of the trailers. @param name in lower case */
  trailerLines(name: string): readonly string[];
}

/** @throws ConfigError for what is none, and where no authorities are said that it could speak for */
export function checkProof(
  proof: Partial<ResponseProof> | null | undefined,
  authorities: unknown,
): void {
  if (proof === undefined) return;
  if (typeof proof?.prove !== 'function') {
    throw new ConfigError(
      'proof',
      'is none; call its factory, as in signedResponses({ keyId, key })',
    );
  }
  if (authorities === undefined) {
    throw new ConfigError(
      'authorities',
      'must be said with `proof`: the origins of this service, such as ["https://api.bank.example"]',
    );
  }
}
