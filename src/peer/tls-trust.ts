// What a TLS server verified a certificate against. Node keeps this in members that it does not document
// (`ca`, `crl`, `pfx`, `_sharedCreds`, `_contexts`, the SNI callback, what a socket began with); all of them
// are there, and alike, on 20 to 26.
import { createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { LeafRecord } from './leaf-record.ts';

interface TrustingServer extends Server {
  readonly ca?: unknown;
  readonly crl?: unknown;
  /** May bring CAs of its own. */
  readonly pfx?: unknown;
  /** Another object after each `setSecureContext`. */
  readonly _sharedCreds?: object;
  /** Grows with each `addContext`. */
  readonly _contexts?: readonly (readonly [pattern: RegExp, context: object])[];
}

/** What Node keeps with a socket of what its handshake began with. */
interface JudgedSocket extends TLSSocket {
  readonly server?: TrustingServer;
  readonly _tlsOptions?: { readonly secureContext?: object };
  readonly _handle?: { readonly sni_context?: object };
}

/** What stands behind a TLS server's verdict on one connection. */
export interface TlsTrust {
  /** Whether the server was given the CAs it trusts. Without any, Node trusts every public one. */
  readonly anchored: boolean;
  /** The leaves that passed a full handshake here; undefined where a ticket cannot be traced back to here. */
  readonly leaves: LeafRecord | undefined;
  /** Stands for the CAs and CRLs: another value means others. */
  readonly basis: unknown;
  /** Whether the CAs and CRLs changed after the handshake had begun: then its verdict is by the old ones. */
  readonly outrun: boolean;
  /** What to look at to see that nothing has changed since: cheap enough for each request. */
  readonly version: readonly [credentials: unknown, contexts: unknown];
  /** See `TlsPeer.isFor`. */
  isFor(authority: string): boolean;
}

/** The server that accepted `socket`; undefined for sockets wrapped by hand. */
export function serverOf(socket: TLSSocket): Server | undefined {
  return (socket as JudgedSocket).server;
}

export function tlsTrustOf(socket: TLSSocket): TlsTrust {
  const { server } = socket as JudgedSocket;
  const version = versionOf(server);
  if (server === undefined) {
    const nowhere = { leaves: undefined, basis: undefined, outrun: false, version };
    return { anchored: false, ...nowhere, isFor: () => true };
  }
  const name = typeof socket.servername === 'string' ? socket.servername : '';
  const callback = hasSniCallback(server);
  const context = callback ? undefined : contextFor(server, name);
  const basis = context ?? digestOf(server);
  // Nothing tells which context a callback chose, nor whether it still would. And TLS 1.2 forgets the
  // server name when it resumes: Node then takes the default context, whichever vouched before.
  const traceable = !callback && (context === undefined || socket.getProtocol() === 'TLSv1.3');
  return {
    // A context of addContext has its own CAs, which nothing shows: there the user's word is all.
    anchored: context === undefined ? Boolean(server.ca) : true,
    leaves: traceable ? recordFor(context ?? server, basis) : undefined,
    basis,
    outrun: !beganUnder(basis, socket, callback),
    version,
    isFor: hostTest(server, name, callback ? 'callback' : context),
  };
}

/** Whether the server has the same contexts as when `trust` was taken. */
export function isUnchanged(trust: TlsTrust, socket: TLSSocket): boolean {
  const { server } = socket as JudgedSocket;
  const [credentials, contexts] = trust.version;
  return server?._sharedCreds === credentials && server?._contexts?.length === contexts;
}

/**
 * Makes every ticket that the server gave out worthless, so that peers shake hands in full once more.
 *
 * A peer whose resumed session is refused cannot know why: Node's own Agent takes a new ticket from that
 * very handshake and would come back with it, and be refused, for ever.
 */
export function forgetTickets(socket: TLSSocket): void {
  const server = serverOf(socket);
  // TLS 1.3 makes its tickets after Node has announced the connection, and those are to go as well.
  if (server !== undefined) setImmediate(() => server.setTicketKeys(randomBytes(48)));
}

function versionOf(server: TrustingServer | undefined): TlsTrust['version'] {
  return [server?._sharedCreds, server?._contexts?.length];
}

// The server name as it came chose the context. A spelling of it (capitals on Node 20, CVE-2026-48928; a
// trailing dot), or none at all, must not reach a host that has another one.
function hostTest(
  server: TrustingServer,
  name: string,
  context: object | 'callback' | undefined,
): TlsTrust['isFor'] {
  let last: string | undefined; // The usual connection speaks to one host only.
  return (authority) => {
    if (authority === last) return true;
    const host = authority.replace(/:\d+$/, '');
    const fits =
      context === 'callback'
        ? // Whatever it makes of a spelling: only a name as it is written in Host, or an address without.
          name === (isIP(host.replace(/^\[(.*)\]$/, '$1')) === 0 ? host : '')
        : (name === '' || canonical(name) === host) && contextFor(server, host) === context;
    if (fits) last = authority;
    return fits;
  };
}

/** The server name in the spelling of `Exchange.authority`. */
export function canonical(serverName: string): string {
  return serverName.toLowerCase().replace(/\.$/, '');
}

function contextFor(server: TrustingServer, name: string): object | undefined {
  if (name === '') return undefined;
  return server._contexts?.findLast(([pattern]) => pattern.test(name))?.[1];
}

// A peer that has seen a rotation come can begin its handshake before, and end it after.
function beganUnder(basis: unknown, socket: JudgedSocket, callback: boolean): boolean {
  const { server, _tlsOptions: options, _handle: handle } = socket;
  const context = callback ? undefined : handle?.sni_context;
  if (context !== undefined) return context === basis;
  const credentials = options?.secureContext;
  // A context that the handshake did not know: only the record of leaves can vouch, for a resumed one.
  if (typeof basis !== 'string') return socket.isSessionReused();
  if (credentials === undefined) return false;
  return credentials === server?._sharedCreds || digests.get(credentials) === basis;
}

function hasSniCallback(server: TrustingServer): boolean {
  const key = Object.getOwnPropertySymbols(server).find((s) => s.description === 'snicallback');
  return key !== undefined && Reflect.get(server, key) !== undefined;
}

const records = new WeakMap<object, LeafRecord>();

function recordFor(holder: object, basis: unknown): LeafRecord {
  let record = records.get(holder);
  if (record === undefined || record.basis !== basis) {
    // setSecureContext has changed the CAs or CRLs: what was seen before counts no more.
    record = new LeafRecord(basis);
    records.set(holder, record);
  }
  return record;
}

const digests = new WeakMap<object, string>();

// By `_sharedCreds`, not by the lists: those may be changed in place and handed over again.
function digestOf(server: TrustingServer): string {
  const { _sharedCreds: credentials = {}, ca, crl, pfx } = server;
  let digest = digests.get(credentials);
  if (digest === undefined) {
    const hash = createHash('sha256');
    for (const material of [ca, '|', crl, '|', pfx].flat())
      hash.update(bytesOf(material)).update(',');
    digest = hash.digest('base64');
    digests.set(credentials, digest);
  }
  return digest;
}

function bytesOf(material: unknown): string | Uint8Array {
  if (typeof material === 'string' || material instanceof Uint8Array) return material;
  // `pfx` may be a list of { buf, passphrase }.
  const { buf } = (material ?? {}) as { buf?: unknown };
  return typeof buf === 'string' || buf instanceof Uint8Array ? buf : '';
}
