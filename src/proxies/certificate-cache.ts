import type { PresentedCertificate } from '../peer/forwarded-peer.ts';

/** Of one generation. A certificate takes some 5 KB with all that hangs on it. */
const maxEntries = 4_096;
const maxCharacters = 8_388_608;

/**
 * Certificates by the exact text that they came in, so that the same text is the same object, and whatever
 * was found out about it holds.
 *
 * Bounded: two generations, of which the older is dropped when the younger is full. What was asked for since
 * is in the younger one.
 */
export class CertificateCache {
  #young = new Map<string, PresentedCertificate>();
  #old = new Map<string, PresentedCertificate>();
  #characters = 0;

  /** The certificate of this text; read, and kept, where the text is new. That there is none is not kept. */
  of(text: string, read: () => PresentedCertificate | undefined): PresentedCertificate | undefined {
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    const certificate = this.#old.get(text) ?? read();
    if (certificate === undefined) return undefined;
    this.#characters += text.length;
    if (this.#young.size >= maxEntries || this.#characters > maxCharacters) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#characters = text.length;
    }
    this.#young.set(text, certificate);
    return certificate;
  }
}
