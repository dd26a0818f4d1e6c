import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { nameKey } from '../x509/name-match.ts';
import type { Candidate } from '../x509/path/builder.ts';

const maxCertificates = 1_000;
// A CA below an anchor may call those below it as it likes. Were there many of one name, whoever has a CA of
// that name would be refused for too many certificates to try.
const maxOfOneName = 8;
/** Ten times what CAs have. A peer with a larger one has to send it each time. */
const maxBytes = 16_384;

/**
 * Intermediates of paths that were valid, for peers that send none: a resumed session shows no chain, and
 * some Nodes never do. They are hints, and each path is validated as if they had come from the peer.
 *
 * A peer that does send one sends what was there before as a rule. It gets the same object for the same bytes,
 * so that neither the certificate nor its key is read again and its signature not verified.
 *
 * Bounded: the one that was of use longest ago goes first. Only valid paths fill it.
 */
export class IntermediateCache {
  readonly #byThumbprint = new Map<string, Candidate>();
  readonly #bySubject = new Map<string, Set<Candidate>>();

  /**
   * Reads a certificate, unless it is here already.
   *
   * @throws AuthError `ERR_CERTIFICATE_MALFORMED`
   */
  read(der: Uint8Array): Certificate {
    const known = this.#byThumbprint.get(thumbprintOf(der));
    // A copy: what the caller does with its bytes afterwards must not change what others are shown.
    return known?.certificate ?? readCertificate(new Uint8Array(der));
  }

  withSubject(key: string): readonly Candidate[] {
    return [...(this.#bySubject.get(key) ?? [])];
  }

  add(certificate: Certificate): void {
    if (certificate.der.length > maxBytes) return;
    const thumbprint = thumbprintOf(certificate.der);
    const known = this.#byThumbprint.get(thumbprint);
    if (known !== undefined) this.#forget(known);
    const candidate = known ?? { certificate };
    this.#byThumbprint.set(thumbprint, candidate);
    const name = nameKey(certificate.subject);
    const same = this.#bySubject.get(name) ?? new Set();
    this.#bySubject.set(name, same.add(candidate));
    const [oldestOfName] = same;
    if (same.size > maxOfOneName) this.#forget(oldestOfName!);
    const [oldest] = this.#byThumbprint.values();
    if (this.#byThumbprint.size > maxCertificates) this.#forget(oldest!);
  }

  #forget(candidate: Candidate): void {
    const { certificate } = candidate;
    this.#byThumbprint.delete(thumbprintOf(certificate.der));
    const name = nameKey(certificate.subject);
    const same = this.#bySubject.get(name)!;
    same.delete(candidate);
    if (same.size === 0) this.#bySubject.delete(name);
  }
}

function thumbprintOf(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
}
