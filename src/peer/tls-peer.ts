// What a TLS server knows of the peer, taken in one synchronous step and kept with the connection.
// Reading the socket again later is a trap: chains vanish, and TLS 1.2 can swap the certificate.
import type { Socket } from 'node:net';
import { type Server, TLSSocket } from 'node:tls';
import {
  type TlsTrust,
  canonical,
  forgetTickets,
  isUnchanged,
  serverOf,
  tlsTrustOf,
} from './tls-trust.ts';

/** The peer of one TLS connection, as its handshake left it. */
export interface TlsPeer {
  /** The leaf in DER; undefined where the peer showed none. */
  readonly certificate: Uint8Array | undefined;
  /** What came with the leaf, where this Node shows it. A hint for path building, never evidence. */
  readonly intermediates: readonly Uint8Array[];
  /** OpenSSL's complaint about the certificate, such as `CERT_HAS_EXPIRED`; undefined where it has none. */
  readonly complaint: string | undefined;
  /** Whether the TLS server was given the CAs it trusts. Without any, Node trusts every public one. */
  readonly anchored: boolean;
  /**
   * Whether the verdict is not this server's of now: the session was resumed and this process has not
   * seen its leaf pass a full handshake under the same CAs and CRLs, or these have changed since. A
   * ticket and a connection outlive expiry, rotation and revocation, so such a verdict is hearsay.
   */
  readonly hearsay: boolean;
  /**
   * The server name the peer asked for (SNI), lower case, without a trailing dot. TLS 1.2 does not tell
   * it of a resumed session.
   */
  readonly serverName: string | undefined;
  /**
   * Whether the certificate was shown to the host of this authority (see `Exchange.authority`): to this
   * server name, under the CAs that this name has here. Without a server name: whether the host has no CAs
   * of its own.
   */
  isFor(authority: string): boolean;
}

interface Known {
  readonly peer: TlsPeer;
  readonly trust: TlsTrust;
}

const connections = new WeakMap<Socket, Known>();
const watched = new WeakSet<Server>();

/** The TLS peer at the other end of `socket`; undefined without TLS. */
export function tlsPeerOf(socket: Socket): TlsPeer | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = connections.get(socket);
  if (known !== undefined) {
    return isUnchanged(known.trust, socket) ? known.peer : reconsider(socket, known);
  }
  watch(serverOf(socket));
  return snapshot(socket);
}

/**
 * From a server's first request on, each of its connections is looked at as soon as its handshake is
 * over: no moment is left in which TLS 1.2 could renegotiate unseen.
 */
function watch(server: Server | undefined): void {
  if (server === undefined || watched.has(server)) return;
  watched.add(server);
  server.prependListener('secureConnection', snapshot);
}

function snapshot(socket: TLSSocket): TlsPeer {
  socket.disableRenegotiation();
  // Once only: on Node 20 to 24 a second call has lost the chain.
  const leaf = socket.getPeerX509Certificate();
  const intermediates: Uint8Array[] = [];
  for (let next = leaf?.issuerCertificate; next !== undefined && intermediates.length < 10;) {
    intermediates.push(next.raw);
    next = next.issuerCertificate;
  }
  const complaint = complaintOf(socket);
  const trust = tlsTrustOf(socket);
  const { anchored, isFor, leaves, outrun } = trust;
  const thumbprint = complaint === undefined ? leaf?.fingerprint256 : undefined;
  let hearsay = false;
  if (thumbprint !== undefined) {
    const now = performance.now(); // Setting the clock back gives nobody more time.
    const resumed = socket.isSessionReused();
    hearsay = outrun || (resumed && leaves?.has(thumbprint, now) !== true);
    if (!hearsay && !resumed) leaves?.add(thumbprint, now);
    // Where we cannot tell what a ticket is worth, none is left to come back with.
    if (hearsay || leaves === undefined) forgetTickets(socket);
  }
  const { servername: name } = socket;
  const peer: TlsPeer = Object.freeze({
    certificate: leaf?.raw,
    intermediates,
    complaint,
    anchored,
    hearsay,
    serverName: typeof name === 'string' && name !== '' ? canonical(name) : undefined,
    isFor,
  });
  connections.set(socket, { peer, trust });
  return peer;
}

// setSecureContext or addContext was called since. A new server certificate changes nothing for the
// peer; other CAs or CRLs do, and only a handshake can tell what they make of its certificate.
function reconsider(socket: TLSSocket, { peer: before, trust: then }: Known): TlsPeer {
  const trust = tlsTrustOf(socket);
  const changed = trust.basis !== then.basis && before.certificate !== undefined;
  if (changed) forgetTickets(socket);
  const { anchored, isFor } = trust;
  const hearsay = before.hearsay || changed;
  const peer: TlsPeer = Object.freeze({ ...before, anchored, hearsay, isFor });
  connections.set(socket, { peer, trust });
  return peer;
}

// `authorized` alone proves nothing, and is the verdict of the first handshake; the handle (which Node
// does not document) knows that of the latest, should one have come before this snapshot.
function complaintOf(socket: TLSSocket): string | undefined {
  const error: unknown = socket.authorizationError ?? latestVerifyError(socket);
  if (socket.authorized === true && error == null) return undefined;
  if (typeof error === 'string') return error;
  const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : 'UNVERIFIED';
}

function latestVerifyError(socket: TLSSocket): unknown {
  const handle = (socket as { _handle?: { verifyError?: () => unknown } })._handle;
  return handle?.verifyError?.();
}
