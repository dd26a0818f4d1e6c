const maxLeaves = 10_000;
const maxAgeMs = 3_600_000;

/**
 * The leaves that passed a full handshake under one set of CAs and CRLs, by thumbprint.
 *
 * For an hour each: what vouched for the leaf, an intermediate CA or a CRL, has an end of its own, and a
 * resumed session does not show it. Full means the oldest goes. Whoever is forgotten must shake hands
 * anew, which costs time and admits nobody.
 */
export class LeafRecord {
  /** Stands for the CAs and CRLs. */
  readonly basis: unknown;
  readonly #leaves = new Map<string, number>();

  constructor(basis: unknown) {
    this.basis = basis;
  }

  /** @param at when the full handshake was, in milliseconds of a clock that nobody sets */
  add(thumbprint: string, at: number): void {
    this.#leaves.delete(thumbprint);
    this.#leaves.set(thumbprint, at);
    if (this.#leaves.size > maxLeaves) {
      for (const oldest of this.#leaves.keys()) return void this.#leaves.delete(oldest);
    }
  }

  has(thumbprint: string, now: number): boolean {
    const at = this.#leaves.get(thumbprint);
    return at !== undefined && now - at < maxAgeMs;
  }
}
