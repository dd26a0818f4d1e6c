import { accepted, refused, type Decision } from '../decision.ts';
import { AuthError, ConfigError } from '../errors.ts';
import { Identity, type CertificateEvidence, type Evidence } from '../identity.ts';
import { checkOptions } from '../options.ts';
import type { Verifier } from '../verifier.ts';

export interface FakeIdentityOptions {
  /** @defaultValue `dns:client.test` */
  readonly subject?: string;
  /** @defaultValue `mtls` */
  readonly method?: string;
  /**
   * Evidence by method, as much of it as the test needs. That of `mtls` is completed: the names in it
   * follow the subject.
   */
  readonly evidence?: {
    readonly mtls?: Partial<CertificateEvidence>;
    /** Evidence of any other method: its `subject`, `authenticatedAt` and members of its own. */
    readonly [method: string]: object | undefined;
  };
}

/**
 * An identity that nobody proved, for tests of handlers.
 *
 * @throws ConfigError for an option that is none.
 */
export function fakeIdentity(options: FakeIdentityOptions = {}): Identity {
  checkOptions('fakeIdentity', options, ['subject', 'method', 'evidence']);
  const { method = 'mtls', evidence = {} } = options;
  const { [method]: own, ...others } = evidence as Readonly<Record<string, Partial<Evidence>>>;
  const subject = options.subject ?? own?.subject ?? 'dns:client.test';
  const now = new Date();
  const proven = [[method, { ...own, subject }] as const, ...Object.entries(others)];
  return new Identity(
    proven.map(([name, part]) => [name, completed(name, { subject, ...part }, now)]),
    now,
  );
}

/**
 * A verifier that accepts every request as this identity, or refuses every one with this error. With
 * it, routes are tested without TLS and without certificates. Policies change nothing about it.
 *
 * @throws ConfigError for anything but an identity or an AuthError.
 */
export function fakeVerifier(answer: Identity | AuthError): Verifier {
  const decision = decisionFor(answer);
  const verifier: Verifier = {
    methods: [],
    seen: (exchange) => exchange,
    prepare() {},
    decide: () => decision,
    withPolicy: () => verifier,
  };
  return verifier;
}

function decisionFor(answer: Identity | AuthError): Decision {
  if (answer instanceof AuthError) return refused(answer, {});
  if (Identity.isIdentity(answer)) return accepted(answer);
  throw new ConfigError('fakeVerifier', 'takes an AuthError or what fakeIdentity() makes');
}

function completed(method: string, evidence: Evidence, now: Date): Evidence {
  return method === 'mtls'
    ? { ...certificateEvidence(evidence.subject, now), ...evidence }
    : evidence;
}

function certificateEvidence(subject: string, now: Date): CertificateEvidence {
  const named = (prefix: string) =>
    subject.startsWith(prefix) ? [subject.slice(prefix.length)] : [];
  const spiffe = subject.startsWith('spiffe://');
  return {
    subject,
    ...(spiffe ? { spiffeId: subject } : {}),
    dnsNames: named('dns:'),
    emails: named('email:'),
    uris: spiffe ? [subject] : [],
    ips: [],
    upns: named('upn:'),
    subjectDn: named('dn:')[0] ?? 'CN=fake',
    issuerDn: 'CN=fake authority',
    x5tS256: 'A'.repeat(43),
    spkiSha256: 'A'.repeat(43),
    serialNumber: '1',
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + 86_400_000),
    source: 'tls',
  };
}
