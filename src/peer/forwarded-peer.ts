/** A certificate that somebody presented, and what came with it. */
export interface PresentedCertificate {
  /** The leaf in DER. */
  readonly certificate: Uint8Array;
  /** Hints for path building, never evidence. */
  readonly intermediates: readonly Uint8Array[];
}

/** The peer that a trusted proxy speaks for. */
export interface ForwardedPeer {
  /** The header field that the proxy speaks in, lower case. */
  readonly field: string;
  /** What the peer showed to the proxy; the same object for the same bytes. undefined where it showed none */
  readonly certificate: PresentedCertificate | undefined;
}
