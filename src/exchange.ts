import type { ForwardedPeer } from './peer/forwarded-peer.ts';
import type { TlsPeer } from './peer/tls-peer.ts';

/** One request as every method sees it: the same frozen view, whatever framework received it. */
export interface Exchange {
  readonly method: string;
  /** The path and query exactly as they came, whatever a framework has rewritten since. */
  readonly target: string;
  /** Host and port the request names, lower case, without a default port; undefined where it names none. */
  readonly authority: string | undefined;
  readonly scheme: 'http' | 'https';
  /** Whether the request asks to leave HTTP, as a WebSocket does. */
  readonly upgrade: boolean;
  readonly peer: Peer;
  /** The one instant that every check of this request uses. */
  readonly now: Date;
  readonly content: Content;
  /** What the verifier remembers of this request. Its own: begin with an empty list, and leave it alone. */
  readonly memory: unknown[];
  /** The field's value, lines joined by `, `; undefined where it is absent. @param name in lower case */
  field(name: string): string | undefined;
  /** The field's lines as they came, in order. @param name in lower case */
  fieldLines(name: string): readonly string[];
  /**
   * Takes fields out of the request, for everybody who looks at it from now on.
   *
   * @param isWanted is asked about each name, in the spelling that came
   * @returns the lines of those fields in order, also where they were taken before
   * @throws AuthError `ERR_FIELD_TOO_LARGE` where some may be missing
   */
  takeFields(isWanted: (name: string) => boolean): readonly FieldLine[];
}

/** One line of a header section, its name in the spelling that came. */
export type FieldLine = readonly [name: string, value: string];

/** Who is at the other end of the connection. */
export interface Peer {
  /**
   * The address the connection comes from, `unix` for a Unix socket; behind a trusted proxy that of its
   * client, where `clientAddress` says how to learn it. undefined where the socket is gone
   */
  readonly address: string | undefined;
  /** What TLS says of the peer, taken once per connection; undefined without TLS, and behind a trusted proxy. */
  readonly tls: TlsPeer | undefined;
  /** What a trusted proxy says of the peer; undefined where none stands in between. */
  readonly forwarded: ForwardedPeer | undefined;
}

/** The request's content, on its way to the handler. */
export interface Content {
  /** Whether the request says that it has none. */
  readonly isEmpty: boolean;
  /**
   * Shows `sink` the content as it arrives, before the handler gets it, without holding it.
   *
   * @throws AuthError `ERR_BODY_CONSUMED` where part of it has passed already.
   */
  tap(sink: ContentSink): void;
}

/** Sees every byte of a content. What it throws reaches the handler instead of a clean end. */
export interface ContentSink {
  chunk(bytes: Uint8Array): void;
  end(): void;
}
