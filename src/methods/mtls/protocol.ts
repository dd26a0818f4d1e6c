// What `mtls` makes of a certificate, on both sides. Pure: whether anybody vouches for it was asked before.
import { createHash } from 'node:crypto';
import { AuthError } from '../../errors.ts';
import type { CertificateEvidence, CertificateOrigin } from '../../identity.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { spiffeIdOf } from '../../x509/spiffe.ts';

/** Chooses the subject of a certificate; undefined falls back to the usual rule. */
export type CertificateSubject = (
  evidence: Omit<CertificateEvidence, 'subject'>,
) => string | undefined;

/** What the path of a certificate adds to it, where it was ours to validate. */
export type PathFacts = Pick<CertificateEvidence, 'trustAnchor' | 'policyOids'>;

/**
 * What a leaf that has been verified says of its holder.
 *
 * The subject is the one SPIFFE ID, else the only DNS, mail or user principal name, in this order, else
 * the distinguished name. The common name is never a name of its own.
 *
 * @throws AuthError `ERR_CERTIFICATE_NAME` for a certificate that names nobody or breaks SPIFFE's rules
 */
export function certificateEvidence(
  certificate: Certificate,
  source: CertificateOrigin,
  chooseSubject?: CertificateSubject,
  path?: PathFacts,
): CertificateEvidence {
  const { names } = certificate;
  const spiffeId = spiffeIdOf(certificate);
  const facts = {
    ...(spiffeId === undefined ? {} : { spiffeId }),
    // One connection's requests share them.
    dnsNames: Object.freeze([...names.dnsNames]),
    emails: Object.freeze([...names.emails]),
    uris: Object.freeze([...names.uris]),
    ips: Object.freeze([...names.ips]),
    upns: Object.freeze([...names.upns]),
    subjectDn: certificate.subjectDn,
    issuerDn: certificate.issuerDn,
    x5tS256: sha256(certificate.der),
    spkiSha256: sha256(certificate.spki),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    ...path,
    source,
  } as const;
  const subject = chooseSubject?.(facts) ?? usualSubject(facts);
  return Object.freeze({ subject, ...facts });
}

function usualSubject(facts: Omit<CertificateEvidence, 'subject'>): string {
  if (facts.spiffeId !== undefined) return facts.spiffeId;
  for (const [kind, names] of [
    ['dns', facts.dnsNames],
    ['email', facts.emails],
    ['upn', facts.upns],
  ] as const) {
    if (names.length === 1) return `${kind}:${names[0]}`;
  }
  // An empty name would make all such certificates one and the same peer.
  if (facts.subjectDn === '') {
    throw new AuthError(
      'ERR_CERTIFICATE_NAME',
      'the certificate has no single name and an empty DN',
    );
  }
  return `dn:${facts.subjectDn}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}
