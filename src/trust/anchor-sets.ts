import { ConfigError } from '../errors.ts';
import { announce } from '../events.ts';
import { parseSpiffeId } from '../x509/spiffe.ts';
import { CertificateIndex, type TrustAnchor } from '../x509/path/trust-anchors.ts';
import { CertificateStore, type Certificates } from './certificates.ts';

/**
 * The CAs that are trusted: one set, or several by name. A set whose name is a trust domain, as
 * `spiffe://bank.example`, is the bundle of that domain: it vouches for its SPIFFE IDs and no others.
 */
export type TrustAnchors = Certificates | Readonly<Record<string, Certificates>>;

/** The anchors of all sets, kept up to date with their files. */
export class AnchorSets {
  /** Changes whenever an anchor does. */
  version = 0;
  index: CertificateIndex<TrustAnchor> = new CertificateIndex();
  readonly #option: string;
  readonly #sets: readonly (readonly [name: string | undefined, store: CertificateStore])[];
  #versions = '';

  /** @throws ConfigError for what cannot be read, and for a CA in two sets */
  constructor(option: string, anchors: unknown) {
    this.#option = option;
    this.#sets = setsOf(option, anchors).map(
      ([name, source]) =>
        [
          name,
          new CertificateStore(name === undefined ? option : `${option}.${name}`, source),
        ] as const,
    );
    this.#rebuild();
  }

  /** Whether a set is the bundle of a trust domain, so that SPIFFE IDs belong to their own. */
  get hasBundles(): boolean {
    return this.#sets.some(([name]) => isBundle(name));
  }

  /** Looks for changed files in the background, and takes over what was found since. */
  refresh(): void {
    for (const [, store] of this.#sets) store.refresh();
    if (this.#stamp() === this.#versions) return;
    try {
      this.#rebuild();
    } catch (error) {
      this.#versions = this.#stamp();
      announce('rotation', { option: this.#option, error: error as Error });
    }
  }

  #stamp(): string {
    return this.#sets.map(([, { version }]) => version).join();
  }

  #rebuild(): void {
    const owners = new Map<string, string | undefined>();
    const index = new CertificateIndex<TrustAnchor>();
    for (const [set, store] of this.#sets) {
      for (const certificate of store.all) {
        const key = Buffer.from(certificate.der).toString('latin1');
        // Which set vouched would then be a matter of luck.
        if (owners.has(key) && owners.get(key) !== set) {
          throw new ConfigError(
            this.#option,
            `${certificate.subjectDn} is in two sets; give it to one, and let routes allow both`,
          );
        }
        if (owners.has(key)) continue;
        owners.set(key, set);
        index.add({ certificate, set });
      }
    }
    this.index = index;
    this.#versions = this.#stamp();
    this.version++;
  }
}

/** Whether a set of this name is the bundle of a trust domain. */
export function isBundle(name: string | undefined): boolean {
  return name?.startsWith('spiffe://') === true;
}

function setsOf(
  option: string,
  anchors: unknown,
): readonly (readonly [name: string | undefined, source: unknown])[] {
  if (
    typeof anchors !== 'object' ||
    anchors === null ||
    Array.isArray(anchors) ||
    anchors instanceof Uint8Array
  ) {
    return [[undefined, anchors]];
  }
  const sets = Object.entries(anchors);
  if (sets.length === 0) throw new ConfigError(option, 'has no set; name at least one');
  for (const [name] of sets) {
    const domain = parseSpiffeId(name);
    // In any spelling: what looks like a bundle and is none would bind nobody to it.
    if (name === '' || (/^spiffe:/i.test(name) && domain?.path !== '')) {
      throw new ConfigError(
        option,
        `"${name}" names no set; a bundle is named spiffe://bank.example`,
      );
    }
  }
  return sets;
}
