// What happens, for whoever listens: channels of node:diagnostics_channel named `countersign:<event>`.
// Messages hold names and reasons, never a token, a key, a query string or a whole certificate.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { Refused } from './decision.ts';
import type { AuthErrorCode } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** The request an event is about. */
export interface RequestSummary {
  readonly method: string;
  /** Without the query, and without what an absolute target has before it. */
  readonly path: string;
  readonly address: string | undefined;
}

/** The messages, by event. */
export interface Events {
  /** A request was let through; `subject` and `method` are undefined for an anonymous one. */
  readonly accepted: {
    readonly request: RequestSummary;
    readonly subject: string | undefined;
    readonly method: string | undefined;
  };
  /** A request was refused. */
  readonly refused: {
    readonly request: RequestSummary;
    readonly code: AuthErrorCode;
    readonly status: number;
    readonly reason: string;
    /** What went wrong underneath, where it was a fault of ours. */
    readonly cause: unknown;
  };
  /**
   * A header field about a client certificate was taken out of a request, because it is none that a trusted
   * proxy was to send: a forgery that some proxy let through, or a leftover.
   */
  readonly 'field-removed': {
    readonly request: RequestSummary;
    /** Its name, lower case. */
    readonly field: string;
  };
  /** A response was torn down, because the service's proof could not be made. */
  readonly proof: {
    readonly request: RequestSummary;
    readonly method: string;
    readonly cause: unknown;
  };
  /** An option was given that begins with `insecure`. Published where it is read, at start. */
  readonly 'insecure-option': {
    /** Its path: `mtls.revocation.insecureAllowPrivateAddresses`. */
    readonly option: string;
    readonly reason: string;
  };
  /** Files of certificates or CRLs have changed, and are in use; or they are not, with the reason. */
  readonly rotation: {
    /** The option that names the files. */
    readonly option: string;
    /** Why what was there before stays in use. */
    readonly error: Error | undefined;
  };
  /** A source of revocation data, a file or an address, gave nothing that is of use. */
  readonly revocation: {
    readonly place: string;
    readonly error: Error;
  };
  /** A store has become of no use, with the reason, and what needs it is refused; or it is of use again. */
  readonly store: {
    /** As in the name of its door: `redis`. */
    readonly store: string;
    readonly error: Error | undefined;
  };
  /**
   * A verifier was made on a Node.js that is past its end of life. Published once per process: subscribe
   * before the first verifier is made.
   */
  readonly 'insecure-runtime': {
    /** As in `process.version`. */
    readonly version: string;
    readonly reason: string;
  };
}

/** The events about one request. */
type RequestEvent = {
  [Event in keyof Events]: Events[Event] extends { readonly request: RequestSummary }
    ? Event
    : never;
}[keyof Events];

const channels: { readonly [Event in keyof Events]: Channel } = {
  accepted: channel('countersign:accepted'),
  refused: channel('countersign:refused'),
  'field-removed': channel('countersign:field-removed'),
  proof: channel('countersign:proof'),
  'insecure-option': channel('countersign:insecure-option'),
  'insecure-runtime': channel('countersign:insecure-runtime'),
  rotation: channel('countersign:rotation'),
  revocation: channel('countersign:revocation'),
  store: channel('countersign:store'),
};

/** Publishes an event about a request. The message is only made where somebody listens. */
export function publish<Event extends RequestEvent>(
  event: Event,
  exchange: Exchange,
  details: () => Omit<Events[Event], 'request'>,
): void {
  const target = channels[event];
  if (!target.hasSubscribers) return;
  const { method, target: requestTarget, peer } = exchange;
  const request: RequestSummary = {
    method,
    // An absolute target may hold a password in its authority.
    path: requestTarget.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, ''),
    address: peer.address,
  };
  target.publish({ request, ...details() });
}

/** Publishes a refusal, with the reason that its peer does not get. */
export function publishRefusal(exchange: Exchange, { error, response }: Refused): void {
  publish('refused', exchange, () => ({
    code: error.code,
    status: response.status,
    reason: error.message,
    cause: error.cause,
  }));
}

/** Publishes an event about the process itself, and says whether anybody listens. */
export function announce<Event extends Exclude<keyof Events, RequestEvent>>(
  event: Event,
  message: Events[Event],
): boolean {
  const { hasSubscribers } = channels[event];
  channels[event].publish(message);
  return hasSubscribers;
}
