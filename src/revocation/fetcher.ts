/** What is asked of a server of revocation data. */
export interface FetchOptions {
  /** Sent with POST; without it the request is a GET. */
  readonly body?: Uint8Array;
  readonly contentType?: string;
  readonly accept: string;
  /** A longer answer is a failure. */
  readonly maxBytes: number;
}

/** Fetches one answer whole, within limits of size and time, or rejects. */
export type FetchBytes = (url: string, options: FetchOptions) => Promise<Uint8Array>;
