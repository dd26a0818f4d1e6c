// The last verb on the channel: is this the server we meant? Asked once per connection, before the first
// byte of a request.
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { AuthError, quote } from '../errors.ts';
import type { CertificateEvidence } from '../identity.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { certificateEvidence } from '../methods/mtls/protocol.ts';
import { tlsPeerOf } from '../peer/tls-peer.ts';
import { verdictError } from '../peer/tls-verdict.ts';
import { readCertificate } from '../x509/certificate.ts';
import type { PathTrust } from '../trust/path-trust.ts';
import { coversDnsName } from '../x509/dns-name.ts';
import { checkTlsUsage } from '../x509/usage.ts';
import { type ExpectedServer, referenceIdentifier } from './expected-server.ts';

/**
 * What the server at the other end of a finished handshake has proven.
 *
 * The path to a trusted CA is OpenSSL's verdict, which must be good; usage, names and pins are ours.
 *
 * @param host the host of the URL, the reference identifier where the options name none
 * @throws AuthError for any check that fails
 */
export function confirmServer(
  socket: TLSSocket,
  host: string,
  expected: Omit<ExpectedServer, 'origins' | 'ca' | 'paths' | 'proof'>,
): CertificateEvidence {
  // A resumed session skips the certificate, and with it every check below. We never offer one.
  if (socket.isSessionReused()) {
    throw new AuthError(
      'ERR_RESUMPTION_UNVERIFIED',
      'the server resumed a session we did not offer',
    );
  }
  const peer = tlsPeerOf(socket);
  if (peer?.complaint !== undefined) throw verdictError(peer.complaint);
  if (peer?.certificate === undefined) {
    throw new AuthError('ERR_CERTIFICATE_UNTRUSTED', 'the server showed no certificate');
  }
  const certificate = readCertificate(peer.certificate);
  checkTlsUsage(certificate, 'serverAuth');
  const evidence = certificateEvidence(certificate, 'tls');

  const name = expected.name ?? (expected.spiffeIds === undefined ? host : undefined);
  if (name !== undefined) checkName(evidence, name);
  if (expected.spiffeIds !== undefined) checkSpiffeId(evidence, expected.spiffeIds);
  if (expected.pins?.includes(evidence.spkiSha256) === false) {
    throw new AuthError(
      'ERR_PIN_MISMATCH',
      `the server's key ${evidence.spkiSha256} is not pinned`,
    );
  }
  return evidence;
}

/**
 * Checks that nothing in the path of a server that `confirmServer` has seen was revoked.
 *
 * @param stapled the OCSP response that the server sent along
 * @throws AuthError, or rejects with one
 */
export function confirmUnrevoked(
  socket: TLSSocket,
  paths: PathTrust,
  stapled: Uint8Array | undefined,
): MaybePromise<unknown> {
  const { certificate, intermediates } = tlsPeerOf(socket)!;
  return paths.find(certificate!, intermediates, new Date(), stapled);
}

// RFC 9525 section 6: an address matches addresses only, a name matches names only, and the common name
// is neither.
function checkName({ dnsNames, ips }: CertificateEvidence, name: string): void {
  const reference = referenceIdentifier(name);
  const covered =
    reference !== undefined &&
    (isIP(reference) === 0
      ? dnsNames.some((presented) => coversDnsName(presented, reference))
      : ips.includes(reference));
  if (!covered) {
    const presented = [...dnsNames, ...ips].join(', ') || 'no host';
    throw nameError(`is for ${quote(presented)}, not for ${quote(name)}`);
  }
}

function checkSpiffeId({ spiffeId }: CertificateEvidence, expected: readonly string[]): void {
  if (spiffeId === undefined) throw nameError('carries no SPIFFE ID');
  if (!expected.some((pattern) => coversSpiffeId(pattern, spiffeId))) {
    throw nameError(`is for ${quote(spiffeId)}, which is not expected`);
  }
}

function coversSpiffeId(pattern: string, id: string): boolean {
  return pattern.endsWith('/*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern;
}

function nameError(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_NAME', `the server's certificate ${what}`);
}
