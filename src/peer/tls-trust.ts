// What a TLS server verified a certificate against. Node keeps this in members that it does not
// document (`ca`, `crl`, `_contexts`, the SNI callback); all of them are there, and alike, on 20 to 26.
import { createHash } from 'node:crypto';
import type { Server, TLSSocket } from 'node:tls';

interface TrustingServer extends Server {
  readonly ca?: unknown;
  readonly crl?: unknown;
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
}

/** The server that accepted `socket`; undefined for sockets wrapped by hand. */
export function serverOf(socket: TLSSocket): Server | undefined {
  return (socket as { server?: Server }).server;
}

export function tlsTrustOf(socket: TLSSocket): TlsTrust {
  const server = serverOf(socket) as TrustingServer | undefined;
  if (server === undefined) {
    return { anchored: false, misrouted: false, leaves: undefined };
  }
  const name = typeof socket.servername === 'string' ? socket.servername : '';
  const context = contextFor(server, name);
  const callback = name !== '' && hasSniCallback(server);
  return {
    // A context of addContext has its own CAs, which nothing shows: there the user's word is all.
    anchored: context === undefined ? Boolean(server.ca) : true,
    misrouted: context !== contextFor(server, name.toLowerCase()),
    // Nothing tells which context a callback chose, nor whether it still would.
    leaves: callback ? undefined : recordFor(context ?? server, context ? '' : digestOf(server)),
  };
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

const maxLeaves = 10_000;

/**
 * The leaves that passed a full handshake under one set of CAs and CRLs, by thumbprint.
 *
 * Full means the oldest goes: its peer must then shake hands anew, which costs time and admits nobody.
 */
export class LeafRecord {
  readonly #leaves = new Set<string>();
  readonly #trusted: string;

  constructor(trusted: string) {
    this.#trusted = trusted;
  }

  /** Whether it was kept under these CAs and CRLs. */
  isUnder(trusted: string): boolean {
    return this.#trusted === trusted;
  }

  add(thumbprint: string): void {
    this.#leaves.delete(thumbprint);
    this.#leaves.add(thumbprint);
    if (this.#leaves.size > maxLeaves) {
      for (const oldest of this.#leaves) return void this.#leaves.delete(oldest);
    }
  }

  has(thumbprint: string): boolean {
    return this.#leaves.has(thumbprint);
  }
}

const records = new WeakMap<object, LeafRecord>();

function recordFor(holder: object, trusted: string): LeafRecord {
  let record = records.get(holder);
  if (record === undefined || !record.isUnder(trusted)) {
    // setSecureContext has changed the CAs or CRLs: what was seen before counts no more.
    record = new LeafRecord(trusted);
    records.set(holder, record);
  }
  return record;
}

const digests = new WeakMap<object, readonly [ca: unknown, crl: unknown, digest: string]>();

function digestOf(server: TrustingServer): string {
  const known = digests.get(server);
  if (known !== undefined && known[0] === server.ca && known[1] === server.crl) return known[2];
  const hash = createHash('sha256');
  for (const material of [server.ca, '|', server.crl].flat()) hash.update(bytesOf(material)).update(',');
  const digest = hash.digest('base64');
  digests.set(server, [server.ca, server.crl, digest]);
  return digest;
}

function bytesOf(material: unknown): string | Uint8Array {
  return typeof material === 'string' || material instanceof Uint8Array ? material : '';
}
