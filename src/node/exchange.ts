import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { AuthError } from '../errors.ts';
import type { Content, Exchange, FieldLine, Peer } from '../exchange.ts';
import { effectiveAuthority } from '../http/request-target.ts';
import { type TlsPeer, tlsPeerOf } from '../peer/tls-peer.ts';
import { NodeContent } from './content.ts';

// A symbol of ours on the request, and no WeakMap by request: with one of those, collecting garbage costs
// more than all the rest of a verified request.
const view = Symbol('exchange');

/** A request as Node hands it to a listener, of HTTP/1.1 or of HTTP/2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

type Viewed = NodeRequest & { [view]?: NodeExchange; readonly originalUrl?: string };

/**
 * The one view of a request that every method gets, made on first sight and kept with the request.
 *
 * Call it before any `await`: the TLS peer is read from the socket here.
 */
export function exchangeOf(request: NodeRequest): Exchange {
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
  readonly #request: NodeRequest;
  #authority: string | undefined;
  #content: Content | undefined;
  #taken: readonly FieldLine[] = [];

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
    const { [':authority']: pseudo } = this.#request.headers as Partial<Record<string, string>>;
    const hosts = this.fieldLines('host');
    return (this.#authority = effectiveAuthority(this.target, hosts, this.scheme, pseudo));
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

  takeFields(isWanted: (name: string) => boolean): readonly FieldLine[] {
    const { rawHeaders } = this.#request;
    // Beyond its limit Node drops lines without a word, and who speaks last may be whom we listen to.
    if (rawHeaders.length >= maxRawHeaders(this.#request)) {
      throw new AuthError('ERR_FIELD_TOO_LARGE', 'more header lines than Node may have kept');
    }
    let taken: FieldLine[] | undefined;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (isWanted(rawHeaders[i]!)) (taken ??= []).push([rawHeaders[i]!, rawHeaders[i + 1]!]);
    }
    const before = this.#taken.filter(([name]) => isWanted(name));
    if (taken === undefined) return before;
    removeFields(this.#request, new Set(taken.map(([name]) => name.toLowerCase())));
    this.#taken = [...this.#taken, ...taken];
    return [...before, ...taken];
  }
}

class NodePeer implements Peer {
  readonly tls: TlsPeer | undefined;
  readonly forwarded: undefined;
  readonly #connection: Socket;

  constructor(request: NodeRequest) {
    this.#connection = connectionOf(request);
    this.tls = tlsPeerOf(this.#connection);
    Object.freeze(this);
  }

  get address(): string | undefined {
    return this.#connection.remoteAddress ?? (isLocal(this.#connection) ? 'unix' : undefined);
  }
}

// Of HTTP/2, Node hands out a stand-in for each stream. Its methods act on the socket of the session, so
// one that chains answers that very socket; once the session is over, the stream, which has no peer.
function connectionOf({ httpVersionMajor, socket }: NodeRequest): Socket {
  return httpVersionMajor >= 2 ? socket.off('close', nothing) : socket;
}

function nothing(): void {}

// A connection of TCP that is gone has no address of its peer either; that of its own end it keeps. And a
// server on a Unix socket may be handed connections that came elsewhere.
function isLocal(connection: Socket): boolean {
  const { server } = connection as { server?: Server };
  return (
    !connection.destroyed &&
    connection.localAddress === undefined &&
    typeof server?.address() === 'string'
  );
}

/** How many names and values Node keeps of a request at most. */
function maxRawHeaders({ socket }: NodeRequest): number {
  const { server } = socket as { server?: { maxHeadersCount?: number | null } };
  const lines = server?.maxHeadersCount ?? 1000;
  return lines > 0 ? lines * 2 : Infinity;
}

/** @param names in lower case */
function removeFields(request: NodeRequest, names: ReadonlySet<string>): void {
  // Node makes these two when they are first asked for, from the raw lines as it counted them then.
  const { headers, headersDistinct, rawHeaders } = request as NodeRequest & {
    readonly headersDistinct?: IncomingMessage['headersDistinct'];
  };
  for (const name of names) {
    delete headers[name];
    delete headersDistinct?.[name];
  }
  let end = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (names.has(rawHeaders[i]!.toLowerCase())) continue;
    rawHeaders[end++] = rawHeaders[i]!;
    rawHeaders[end++] = rawHeaders[i + 1]!;
  }
  rawHeaders.length = end;
}
