import type { ResponseFields } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Evidence } from './identity.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Store } from './stores/store.ts';

/**
 * One way of mutual authentication, the server's half: it VERIFIES the peer and PROVES the service.
 *
 * A method owns only its own scheme, cookie or tag. Other people's credentials are absent to it.
 */
export interface ServerMethod {
  /** The name that policies use, and the key of `identity.evidence`. */
  readonly name: string;
  /** Whether a browser attaches this evidence by itself, so that the cross-site rule applies. */
  readonly ambient?: boolean;
  /** Whether it needs to know where the service lives: then `authorities` must be given. */
  readonly needsAuthorities?: boolean;
  /** Whether the user chose the `subject` this method answers, so that `bind: 'subject'` can hold. */
  readonly mapsSubject?: boolean;

  /**
   * Called once, before `verify` and before anything else reads the request where `prepare(verifier)`
   * goes first: the place to tap the content.
   *
   * @throws AuthError which refuses the request as soon as a policy asks for this method
   */
  prepare?(exchange: Exchange): void;

  /**
   * `null`: nothing of mine here. Evidence: mine, and good. `Continue`: another round trip.
   *
   * Called at most once per request, whatever the number of guards.
   *
   * @throws AuthError mine, and bad. It refuses the request under every policy.
   */
  verify(exchange: Exchange, services: Services): MaybePromise<Evidence | Continue | null>;

  /**
   * Who is at the other end of the connection itself, whatever the request says: a proxy perhaps, whose
   * client the request is from. Only a method has it that judges certificates itself, and so can judge one
   * that a trusted proxy hands over (`exchange.peer.forwarded`).
   *
   * @throws AuthError
   */
  verifyConnection?(exchange: Exchange): MaybePromise<Evidence | null>;

  /** The fields that ask for this method's credentials: `WWW-Authenticate` and the like. */
  challenge?(exchange: Exchange): ResponseFields;

  /**
   * Adds this service's own proof to the response. Called once, synchronously, when its head is final
   * and before it leaves. What it throws tears the connection down: an unproven answer never goes out.
   */
  prove?(exchange: Exchange, evidence: Evidence, response: ResponseHead): void;

  /** Whether this method's evidence (a token) names the key that `other` was proven with (RFC 7800). */
  confirms?(evidence: Evidence, other: Evidence): boolean;
}

/** What a verifier lends its methods. */
export interface Services {
  /** What is remembered across requests, unless a method was given a store of its own. */
  readonly store: Store;
}

/** The head of a response while it can still be changed. */
export interface ResponseHead {
  readonly status: number;
  field(name: string): string | undefined;
  setField(name: string, value: string | readonly string[]): void;
}

/**
 * What a method answers when it needs another round trip, on either side.
 *
 * On the server: the response to send, 401 unless `status` says otherwise. On the client: the fields
 * to send **without the request's content**; the method is then asked again with the answer.
 */
export class Continue {
  readonly fields: ResponseFields;
  readonly status: number;

  constructor(fields: ResponseFields, status = 401) {
    this.fields = fields;
    this.status = status;
  }
}

/**
 * The client's half: it PRESENTS this client's credentials and CONFIRMS the service.
 *
 * A method lives in the channel (`credentials`) or in the message (`present` and `confirm`).
 */
export interface ClientMethod {
  readonly name: string;

  /** What the TLS handshake presents; asked once per connection. */
  credentials?(): MaybePromise<TlsCredentials>;

  /**
   * The fields to add to `request`, or `Continue` to ask the service first.
   *
   * `request` is one object from the first round to `confirm`: a `WeakMap` by it keeps what the
   * method must remember. @param answer the head that answered the round before
   */
  present?(
    request: OutgoingRequest,
    answer: IncomingHead | undefined,
  ): MaybePromise<Readonly<Record<string, string>> | Continue>;

  /**
   * Whether the service proved itself in this response. Called synchronously with the head, before
   * the caller sees it. Required of every method that presents, unless `server.proof` proves every
   * response anyway.
   *
   * @throws AuthError it did not; the response never reaches the caller.
   */
  confirm?(request: OutgoingRequest, response: IncomingHead): Evidence;
}

/** PEM text, or the bytes of it. */
export type Pem = string | Buffer;

export interface TlsCredentials {
  /** The certificate, leaf first, then any intermediates. */
  readonly cert: Pem;
  readonly key: Pem;
  /** The passphrase of an encrypted key. */
  readonly passphrase?: string;
}

/** A request about to leave. */
export interface OutgoingRequest {
  readonly method: string;
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The head of a response that came in. */
export interface IncomingHead {
  readonly status: number;
  /** By lower-case name; several lines joined by `, `. */
  readonly fields: Readonly<Record<string, string>>;
}
