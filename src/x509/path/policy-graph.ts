// Certificate policies (RFC 5280 section 6.1), with the graph of RFC 9618 in place of the tree, which a
// few certificates could make grow without end.
import { AuthError } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import type { Role } from './conformance.ts';
import { type PolicyMapping, anyPolicy } from '../extensions.ts';
import { isSameName } from '../name-match.ts';

export interface PolicyOptions {
  /** The policies that are acceptable, as OIDs. @defaultValue every policy */
  readonly initial?: readonly string[];
  /** Whether the path must be valid for one of them. @defaultValue false */
  readonly requireExplicit?: boolean;
  /** Whether no policy may be mapped to another. @defaultValue false */
  readonly inhibitMapping?: boolean;
  /** Whether `anyPolicy` in a certificate stands for none. @defaultValue false */
  readonly inhibitAny?: boolean;
}

/** The policies valid at one certificate, perhaps none, each with those of the level above that it comes from. */
type Level = Map<string, ReadonlySet<string>>;

// As many as some real authority might list, and no more: the work is their number per certificate.
const maxPolicies = 1_024;

/** Goes down a path and keeps account of the policies it is valid for. */
export class PolicyGraph {
  readonly #initial: readonly string[] | undefined;
  readonly #levels: Level[] = [];
  /** The policies that the next certificate may name, each with where it comes from. */
  #expected: Level = new Map([[anyPolicy, new Set([anyPolicy])]]);
  /** In how many certificates more it begins to hold, for each of the three limits of section 6.1.2. */
  #explicitIn: number;
  #mappingIn: number;
  #anyIn: number;

  constructor(options: PolicyOptions) {
    const { initial, requireExplicit, inhibitMapping, inhibitAny } = options;
    this.#initial = initial?.includes(anyPolicy) === true ? undefined : initial;
    this.#explicitIn = requireExplicit === true ? 0 : Infinity;
    this.#mappingIn = inhibitMapping === true ? 0 : Infinity;
    this.#anyIn = inhibitAny === true ? 0 : Infinity;
  }

  /**
   * Goes on to the next certificate (sections 6.1.3 d to f, 6.1.4 a, b, h to j, 6.1.5 a and b).
   *
   * @throws AuthError `ERR_CERTIFICATE_POLICY`
   */
  add(certificate: Certificate, role: Role): void {
    const last = role === 'leaf';
    const { policies, policyMappings, policyConstraints, inhibitAnyPolicy } = certificate;
    const selfIssued = isSameName(certificate.issuer, certificate.subject);
    // An anchor without policies leaves them to those below (RFC 5937 section 3.2).
    if (policies !== undefined || role !== 'anchor') {
      const level = this.#enter(policies?.oids ?? [], this.#anyIn > 0 || (selfIssued && !last));
      if (this.#explicitIn === 0 && level.size === 0) {
        throw refused('no policy that is valid down to it');
      }
      if (last || policyMappings === undefined) this.#expect(level, new Map());
      else this.#map(level, policyMappings);
    }

    if (!selfIssued || last) {
      this.#explicitIn = Math.max(0, this.#explicitIn - 1);
      this.#mappingIn = Math.max(0, this.#mappingIn - 1);
      this.#anyIn = Math.max(0, this.#anyIn - 1);
    }
    const { requireExplicit = Infinity, inhibitMapping = Infinity } = policyConstraints ?? {};
    this.#explicitIn = Math.min(this.#explicitIn, requireExplicit);
    this.#mappingIn = Math.min(this.#mappingIn, inhibitMapping);
    this.#anyIn = Math.min(this.#anyIn, inhibitAnyPolicy ?? Infinity);
  }

  /**
   * The policies the path is valid for, as its first authority names them: the user-constrained set of
   * section 6.1.6. `anyPolicy` stands for all.
   *
   * @throws AuthError `ERR_CERTIFICATE_POLICY` where there must be one and is none
   */
  result(): readonly string[] {
    const authority = this.#authoritySet();
    const valid =
      this.#initial === undefined
        ? [...authority]
        : authority.has(anyPolicy)
          ? this.#initial
          : this.#initial.filter((policy) => authority.has(policy));
    if (this.#explicitIn === 0 && valid.length === 0) {
      throw refused('no policy among those that are acceptable');
    }
    return valid;
  }

  #enter(oids: readonly string[], anyCounts: boolean): Level {
    if (oids.length > maxPolicies) {
      throw new AuthError('ERR_CERTIFICATE_UNDECIDED', 'the certificate has too many policies');
    }
    const level: Level = new Map();
    const fromAny = this.#expected.get(anyPolicy);
    for (const oid of oids) {
      if (oid === anyPolicy) continue;
      const parents = this.#expected.get(oid) ?? fromAny;
      if (parents !== undefined) level.set(oid, parents);
    }
    if (anyCounts && oids.includes(anyPolicy)) {
      for (const [oid, parents] of this.#expected) level.set(oid, parents);
    }
    this.#levels.push(level);
    return level;
  }

  /** Section 6.1.4 a and b. */
  #map(level: Level, policyMappings: readonly PolicyMapping[]): void {
    if (policyMappings.length > maxPolicies) {
      throw new AuthError('ERR_CERTIFICATE_UNDECIDED', 'the certificate maps too many policies');
    }
    const mapped = new Map<string, string[]>();
    for (const { issuer, subject } of policyMappings) {
      if (issuer === anyPolicy || subject === anyPolicy) {
        throw refused('a mapping from or to every policy');
      }
      mapped.set(issuer, [...(mapped.get(issuer) ?? []), subject]);
    }
    if (this.#mappingIn > 0) {
      const fromAny = level.has(anyPolicy) ? new Set([anyPolicy]) : undefined;
      for (const issuer of mapped.keys()) {
        if (!level.has(issuer) && fromAny !== undefined) level.set(issuer, fromAny);
      }
      this.#expect(level, mapped);
    } else {
      for (const issuer of mapped.keys()) level.delete(issuer);
      this.#expect(level, new Map());
    }
  }

  /** What the next certificate may name: each policy of the last level, or what it was mapped to. */
  #expect(level: Level, mapped: ReadonlyMap<string, readonly string[]>): void {
    const expected = new Map<string, Set<string>>();
    for (const policy of level.keys()) {
      for (const name of mapped.get(policy) ?? [policy]) {
        const parents = expected.get(name);
        if (parents === undefined) expected.set(name, new Set([policy]));
        else parents.add(policy);
      }
    }
    this.#expected = expected;
  }

  /** Section 6.1.5 g: from the last level upwards, what hangs directly below every policy. */
  #authoritySet(): ReadonlySet<string> {
    const found = new Set<string>();
    let reached = new Set(this.#levels.at(-1)?.keys());
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      const level = this.#levels[i]!;
      const above = new Set<string>();
      for (const policy of reached) {
        for (const parent of level.get(policy)!) {
          if (parent === anyPolicy) found.add(policy);
          else above.add(parent);
        }
      }
      reached = above;
    }
    return found;
  }
}

function refused(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_POLICY', `the certificate has ${what}`);
}
