const maxLeaves = 10_000;

/**
 * The leaves that passed a full handshake under one set of CAs and CRLs, by thumbprint.
 *
 * Full means the oldest goes: its peer must then shake hands anew, which costs time and admits nobody.
 */
export class LeafRecord {
  /** Stands for the CAs and CRLs. */
  readonly basis: unknown;
  readonly #leaves = new Set<string>();

  constructor(basis: unknown) {
    this.basis = basis;
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
