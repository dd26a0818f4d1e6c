import type { IncomingMessage } from 'node:http';
import type { Content, Exchange, Peer } from '../exchange.ts';
import { effectiveAuthority } from '../http/request-target.ts';
import { type TlsPeer, tlsPeerOf } from '../peer/tls-peer.ts';
import { NodeContent } from './content.ts';

// A symbol of ours on the request, and no WeakMap by request: with one of those, collecting garbage costs
// more than all the rest of a verified request.
const view = Symbol('exchange');

type Viewed = IncomingMessage & { [view]?: NodeExchange; readonly originalUrl?: string };

/**
 * The one view of a request that every method gets, made on first sight and kept with the request.
 *
 * Call it before any `await`: the TLS peer is read from the socket here.
 */
export function exchangeOf(request: IncomingMessage): Exchange {
  return ((request as Viewed)[view] ??= new NodeExchange(request));
}

class NodeExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly scheme: 'http' | 'https';
  readonly upgrade: boolean;
  readonly peer: Peer;
  readonly now: Date = new Date(Date.now());
  readonly memory: unknown[] = [];
  readonly #request: IncomingMessage;
  #authority: string | undefined;
  #content: Content | undefined;

  constructor(request: Viewed) {
    this.#request = request;
    this.method = request.method ?? '';
    // Routers rewrite `url` while they descend; Express and Koa keep what came.
    this.target = request.originalUrl ?? request.url ?? '';
    this.upgrade = request.headers.upgrade !== undefined;
    this.peer = new NodePeer(request);
    this.scheme = this.peer.tls === undefined ? 'http' : 'https';
    Object.freeze(this);
  }

  get content(): Content {
    return (this.#content ??= new NodeContent(this.#request));
  }

  get authority(): string | undefined {
    if (this.#authority !== undefined) return this.#authority;
    const { headers } = this.#request;
    const pseudo = headers[':authority'];
    const hosts = typeof pseudo === 'string' ? [pseudo] : this.fieldLines('host');
    return (this.#authority = effectiveAuthority(this.target, hosts, this.scheme));
  }

  field(name: string): string | undefined {
    const value = this.#request.headers[name];
    return typeof value === 'object' ? value.join(', ') : value;
  }

  fieldLines(name: string): readonly string[] {
    const { rawHeaders } = this.#request;
    const lines: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const given = rawHeaders[i]!;
      if (given.length === name.length && given.toLowerCase() === name)
        lines.push(rawHeaders[i + 1]!);
    }
    return lines;
  }
}

class NodePeer implements Peer {
  readonly tls: TlsPeer | undefined;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    this.#request = request;
    this.tls = tlsPeerOf(request.socket);
    Object.freeze(this);
  }

  get address(): string | undefined {
    return this.#request.socket.remoteAddress;
  }
}
