import type { Certificate } from '../x509/certificate.ts';
import { nameKey } from '../x509/name-match.ts';
import type { Candidate } from '../x509/path-builder.ts';

const maxCertificates = 1_000;
/** Ten times what CAs have. A peer with a larger one has to send it each time. */
const maxBytes = 16_384;

/**
 * Intermediates of paths that were valid, for peers that send none: a resumed session shows no chain, and
 * some Nodes never do. They are hints, and each path is validated as if they had come from the peer.
 *
 * Bounded: the one that was of use longest ago goes first. Only valid paths fill it.
 */
export class IntermediateCache {
  readonly #byThumbprint = new Map<string, Candidate>();
  readonly #bySubject = new Map<string, Set<Candidate>>();

  withSubject(key: string): readonly Candidate[] {
    return [...(this.#bySubject.get(key) ?? [])];
  }

  add(certificate: Certificate): void {
    if (certificate.der.length > maxBytes) return;
    const thumbprint = Buffer.from(certificate.der).toString('latin1');
    const known = this.#byThumbprint.get(thumbprint);
    if (known !== undefined) {
      this.#byThumbprint.delete(thumbprint);
      this.#byThumbprint.set(thumbprint, known);
      return;
    }
    const candidate = { certificate };
    this.#byThumbprint.set(thumbprint, candidate);
    const name = nameKey(certificate.subject);
    const same = this.#bySubject.get(name);
    if (same === undefined) this.#bySubject.set(name, new Set([candidate]));
    else same.add(candidate);
    if (this.#byThumbprint.size > maxCertificates) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [thumbprint, candidate] of this.#byThumbprint) {
      this.#byThumbprint.delete(thumbprint);
      const name = nameKey(candidate.certificate.subject);
      const same = this.#bySubject.get(name)!;
      same.delete(candidate);
      if (same.size === 0) this.#bySubject.delete(name);
      return;
    }
  }
}
