/** What every method says of a peer that proved itself. */
export interface Evidence {
  /**
   * Who the peer is, in one string. Its prefix says what kind of name it is, so that names of
   * different kinds never collide: `spiffe://...`, `dns:...`, `email:...`, `upn:...`, `dn:...`,
   * `key:...`, `user:...`, `sub:<issuer>#<sub>`.
   */
  readonly subject: string;
  /** When the peer itself acted. @defaultValue the instant of the request */
  readonly authenticatedAt?: Date;
  /** The last instant at which it holds. A later request is refused, a connection that has left HTTP closed. */
  readonly notAfter?: Date;

  // What `allow` may ask for beside names in certificates. A method fills in what it knows.
  readonly keyId?: string;
  readonly user?: string;
  /** The issuer of a token. */
  readonly issuer?: string;
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** `tls` is the socket itself. */
export type CertificateOrigin = 'tls' | 'proxy';

/** What `mtls` found in the peer's certificate. The common name is never among the names. */
export interface CertificateEvidence extends Evidence {
  /** The one SPIFFE URI, where there is one. */
  readonly spiffeId?: string;
  /** DNS names, lower case. */
  readonly dnsNames: readonly string[];
  /** Mail addresses; the host part is lower case. */
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** Addresses in canonical text (RFC 5952). */
  readonly ips: readonly string[];
  /** User principal names of smart cards (otherName 1.3.6.1.4.1.311.20.2.3). */
  readonly upns: readonly string[];
  /** The subject's distinguished name (RFC 4514), most specific part first. */
  readonly subjectDn: string;
  readonly issuerDn: string;
  /** SHA-256 of the certificate, base64url (RFC 8705 section 3.1). */
  readonly x5tS256: string;
  /** SHA-256 of the subject public key info, base64url. */
  readonly spkiSha256: string;
  /** Upper-case hexadecimal, without leading zeros. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The name of the set of trust anchors that its path reached, where sets have names. */
  readonly trustAnchor?: string;
  /** The certificate policies that its path is valid for, as OIDs; only where we validated it. */
  readonly policyOids?: readonly string[];
  /** Where the certificate was seen: on the socket itself, or in a field of a trusted proxy. */
  readonly source: CertificateOrigin;
}

/** The evidence that a decision rests on, by the method's name. */
export interface EvidenceByMethod {
  readonly mtls?: CertificateEvidence;
  readonly [method: string]: Evidence | undefined;
}

/** Who the peer is, once a verifier has accepted it. Nothing else can make one; it is safe as JSON. */
export class Identity {
  /** Never set and never read: it keeps look-alikes out of the type. */
  readonly #verified = true;

  /** The subject of `method`, typed by its prefix (see `Evidence.subject`). */
  readonly subject: string;
  /** The first method that the requirement names and that was proven. */
  readonly method: string;
  readonly evidence: EvidenceByMethod;
  /** The instant of the request that was decided. */
  readonly verifiedAt: Date;
  /** When the peer itself last acted: the sign-in for a session, else `verifiedAt`. */
  readonly authenticatedAt: Date;

  /** @internal Only the verifier and the test kit call this. */
  constructor(proven: readonly (readonly [method: string, evidence: Evidence])[], now: Date) {
    const [method, first] = proven[0]!;
    this.subject = first.subject;
    this.method = method;
    // A computed key is an own member also where it is `__proto__`.
    const evidence = proven.length === 1 ? { [method]: first } : Object.fromEntries(proven);
    this.evidence = Object.freeze(evidence);
    this.verifiedAt = now;
    this.authenticatedAt = oldest(proven, now);
    Object.freeze(this);
  }

  static isIdentity(value: unknown): value is Identity {
    return typeof value === 'object' && value !== null && #verified in value && value.#verified;
  }
}

function oldest(proven: readonly (readonly [string, Evidence])[], now: Date): Date {
  let result = now;
  for (const [, { authenticatedAt }] of proven) {
    if (authenticatedAt !== undefined && authenticatedAt < result) result = authenticatedAt;
  }
  return result;
}
