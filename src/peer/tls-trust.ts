// What a TLS server verified a certificate against. Node keeps this in members that it does not document
// (`ca`, `crl`, `pfx`, `_sharedCreds`, `_contexts`, the SNI callback); all of them are there, and alike,
// on 20 to 26.
import { createHash, randomBytes } from 'node:crypto';
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

/** What stands behind a TLS server's verdict on one connection. */
export interface TlsTrust {
  /** Whether the server was given the CAs it trusts. Without any, Node trusts every public one. */
  readonly anchored: boolean;
  /** Whether this server name chose another context than its lower-case spelling would have. */
  readonly misrouted: boolean;
  /** The leaves that passed a full handshake here; undefined where we cannot tell what `here` is. */
  readonly leaves: LeafRecord | undefined;
  /** Stands for the CAs and CRLs: another value means others. */
  readonly basis: unknown;
  /** What to look at to see that nothing has changed since: cheap enough for each request. */
  readonly version: readonly [credentials: unknown, contexts: unknown];
}

/** The server that accepted `socket`; undefined for sockets wrapped by hand. */
export function serverOf(socket: TLSSocket): Server | undefined {
  return (socket as { server?: Server }).server;
}

export function tlsTrustOf(socket: TLSSocket): TlsTrust {
  const server: TrustingServer | undefined = serverOf(socket);
  const version = versionOf(server);
  if (server === undefined) {
    return { anchored: false, misrouted: false, leaves: undefined, basis: undefined, version };
  }
  const name = typeof socket.servername === 'string' ? socket.servername : '';
  const context = contextFor(server, name);
  const callback = name !== '' && hasSniCallback(server);
  const basis = context ?? digestOf(server);
  return {
    // A context of addContext has its own CAs, which nothing shows: there the user's word is all.
    anchored: context === undefined ? Boolean(server.ca) : true,
    misrouted: context !== contextFor(server, name.toLowerCase()),
    // Nothing tells which context a callback chose, nor whether it still would.
    leaves: callback ? undefined : recordFor(context ?? server, basis),
    basis,
    version,
  };
}

/** Whether the server has the same contexts as when `trust` was taken. */
export function isUnchanged(trust: TlsTrust, socket: TLSSocket): boolean {
  const [credentials, contexts] = versionOf(serverOf(socket));
  return credentials === trust.version[0] && contexts === trust.version[1];
}

/**
 * Makes every ticket that the server gave out worthless, so that peers shake hands in full once more.
 *
 * A peer whose resumed session is refused cannot know why: Node's own Agent takes a new ticket from that
 * very handshake and would come back with it, and be refused, for ever.
 */
export function forgetTickets(socket: TLSSocket): void {
  serverOf(socket)?.setTicketKeys(randomBytes(48));
}

function versionOf(server: TrustingServer | undefined): TlsTrust['version'] {
  return [server?._sharedCreds, server?._contexts?.length];
}

// Node 20 compares capitals as they come (CVE-2026-48928), so the pattern itself must be asked.
function contextFor(server: TrustingServer, name: string): object | undefined {
  if (name === '' || hasSniCallback(server)) return undefined;
  return server._contexts?.findLast(([pattern]) => pattern.test(name))?.[1];
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
