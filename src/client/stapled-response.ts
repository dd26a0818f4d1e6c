import type { TLSSocket } from 'node:tls';

/** The option of `tls.connect` that asks for a stapled response. Its types do not know it. */
export const askForStaple = { requestOCSP: true } as const;

/**
 * The OCSP response that a server staples to its certificate, once the handshake is done; undefined where
 * it staples none, as every server does that resumes a session. Call this right after `tls.connect` with
 * `askForStaple` among its options.
 *
 * Nothing is believed yet: it arrives before the server has proven that it holds its key. What it says is
 * for `ocspStatus` to tell when the path, and so the issuer, is known.
 */
export function stapledResponse(socket: TLSSocket): () => Uint8Array | undefined {
  let stapled: Uint8Array | undefined;
  // To be left at that: Node before 26 finds no names in a certificate that was read in this event.
  socket.once('OCSPResponse', (response: Uint8Array | null) => {
    stapled = response ?? undefined;
  });
  return () => stapled;
}
