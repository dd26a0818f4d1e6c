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
}

/** Who is at the other end of the connection. */
export interface Peer {
  /** The address the connection comes from, or undefined where the socket is gone. */
  readonly address: string | undefined;
  /** What TLS says of the peer, taken once per connection; undefined without TLS. */
  readonly tls: TlsPeer | undefined;
}

/** The request's content, on its way to the handler. */
export interface Content {
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
