import { AuthError } from '../errors.ts';
import type { Content, Exchange, FieldLine, Peer } from '../exchange.ts';
import { effectiveAuthority } from '../http/request-target.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import { remembered } from '../memory.ts';
import { plainAddress } from './address-list.ts';
import type { Statement } from './statement.ts';
import type { Heard, TrustedProxies } from './trusted-proxies.ts';

/**
 * A request as the peer sent it that a trusted proxy speaks for: the proxy's own connection is not the
 * peer's. Where no proxy sent it, it is the same request.
 *
 * Until it has settled, the peer is nobody.
 */
export class ProxiedExchange implements Exchange {
  readonly memory: unknown[] = [];
  readonly #origin: Exchange;
  readonly #proxies: TrustedProxies;
  #lines: readonly FieldLine[] | undefined;
  #settled: MaybePromise<Heard | undefined> | 'not yet' = 'not yet';
  #failure: { readonly error: unknown } | undefined;
  #heard: Heard | undefined;
  #peer: Peer;
  #authority: string | undefined;

  constructor(origin: Exchange, proxies: TrustedProxies) {
    this.#origin = origin;
    this.#proxies = proxies;
    this.#peer = { address: origin.peer.address, tls: undefined, forwarded: undefined };
  }

  /** The view of a request under certain proxies, always the same one. */
  static of(origin: Exchange, proxies: TrustedProxies): ProxiedExchange {
    return remembered(origin, proxies, () => new ProxiedExchange(origin, proxies));
  }

  /** Takes the fields of proxies out of the request. What was wrong with them, `settle` says. */
  take(): void {
    if (this.#lines !== undefined || this.#failure !== undefined) return;
    try {
      this.#lines = this.#proxies.take(this.#origin);
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Finds out who the peer is. @throws AuthError, or rejects with one, each time it is asked */
  settle(): MaybePromise<unknown> {
    if (this.#settled !== 'not yet') return this.#settled;
    this.take();
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      this.#settled = andThen(this.#proxies.hear(this.#origin, this.#lines!), (heard) => {
        this.#peer = heard === undefined ? this.#origin.peer : this.#forwarded(heard);
        return (this.#heard = heard);
      });
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    return this.#settled;
  }

  #forwarded({ statement, forwarded }: Heard): Peer {
    return { address: clientAddress(this.#origin, statement), tls: undefined, forwarded };
  }

  get peer(): Peer {
    return this.#peer;
  }

  // A proxy that hands over client certificates has spoken TLS with the client.
  get scheme(): 'http' | 'https' {
    if (this.#heard === undefined) return this.#origin.scheme;
    return this.#heard.statement.publicOrigin?.scheme ?? 'https';
  }

  get authority(): string | undefined {
    if (this.#heard === undefined) return this.#origin.authority;
    const { target } = this.#origin;
    const pseudo = this.#origin.field(':authority');
    // Also where another counts: a request that names two is refused.
    this.#authority ??= effectiveAuthority(target, this.fieldLines('host'), 'https', pseudo);
    return this.#heard.statement.publicOrigin?.authority ?? this.#authority;
  }

  get method(): string {
    return this.#origin.method;
  }

  get target(): string {
    return this.#origin.target;
  }

  get upgrade(): boolean {
    return this.#origin.upgrade;
  }

  get now(): Date {
    return this.#origin.now;
  }

  get content(): Content {
    return this.#origin.content;
  }

  field(name: string): string | undefined {
    return this.#origin.field(name);
  }

  fieldLines(name: string): readonly string[] {
    return this.#origin.fieldLines(name);
  }

  takeFields(isWanted: (name: string) => boolean): readonly FieldLine[] {
    return this.#origin.takeFields(isWanted);
  }
}

/**
 * The address that the outermost trusted proxy saw. Entries further left are the client's own invention.
 *
 * @throws AuthError `ERR_REQUEST_MALFORMED` where it is not there, or none
 */
function clientAddress(
  origin: Exchange,
  { clientAddress: name, hops }: Statement,
): string | undefined {
  if (name === undefined) return origin.peer.address;
  const entry = origin.field(name)?.split(',').at(-hops)?.trim();
  const [, bracketed, plain] =
    /^(?:\[([^\]]*)\]|(\d+(?:\.\d+){3}))(?::\d+)?$/.exec(entry ?? '') ?? [];
  const address = plainAddress(bracketed ?? plain ?? entry ?? '');
  if (address === undefined) {
    throw new AuthError('ERR_REQUEST_MALFORMED', `${name} holds no address of the client`);
  }
  return address;
}
