// What RFC 5280 asks of whoever issues certificates, as far as a certificate shows it. One that breaks
// these rules was made by software that does not know them, and nothing it says is certain.
import { AuthError } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import { tag } from '../der.ts';
import { attributesOf, stringOf } from '../distinguished-name.ts';
import { extensionOid } from '../extensions.ts';
import { isSameName } from '../name-match.ts';
import { rsaBits } from '../signature.ts';
import { purposeOid } from '../usage.ts';

/** `webpki` adds what browsers ask of public CAs (CA/Browser Forum Baseline Requirements, section 7.1). */
export type Profile = 'rfc5280' | 'webpki';

/** Where in a path a certificate stands. */
export type Role = 'leaf' | 'intermediate' | 'anchor';

// Those that this package acts upon and that may be critical (sections 4.2.1.1, 4.2.1.2, 4.2.1.8, 4.2.1.15
// and 4.2.2.1 name those that never are).
const understood = new Set<string>([
  extensionOid.keyUsage,
  extensionOid.subjectAltName,
  extensionOid.basicConstraints,
  extensionOid.nameConstraints,
  extensionOid.crlDistributionPoints,
  extensionOid.certificatePolicies,
  extensionOid.policyMappings,
  extensionOid.policyConstraints,
  extensionOid.extendedKeyUsage,
  extensionOid.inhibitAnyPolicy,
]);

// Section 7.1.2.7.10 of the Baseline Requirements: code signing, mail, time stamping, OCSP.
const purposesOfOthers = new Set(['3', '4', '8', '9'].map((n) => `1.3.6.1.5.5.7.3.${n}`));

// Sections 4.2.1.10 and 4.2.1.14: always.
const alwaysCritical = [extensionOid.nameConstraints, extensionOid.inhibitAnyPolicy];

/**
 * Checks one certificate by itself.
 *
 * @throws AuthError `ERR_CERTIFICATE_EXTENSION`, also for a critical extension that nothing here knows
 */
export function checkConformance(certificate: Certificate, role: Role, profile: Profile): void {
  checkCriticality(certificate);
  checkNames(certificate, role);
  checkKeyIds(certificate, role);
  if (role === 'leaf' && certificate.policies?.irregularNotice === true) {
    throw refused('a user notice in a kind of text that is not allowed');
  }
  checkConstraints(certificate, role);
  if (profile === 'webpki') checkWebPki(certificate, role);
}

function checkCriticality({ extensions, policies }: Certificate): void {
  for (const [oid, { critical }] of extensions) {
    if (critical && !understood.has(oid)) {
      throw refused(`a critical extension that is unknown or must not be critical (${oid})`);
    }
  }
  for (const oid of alwaysCritical) {
    if (extensions.get(oid)?.critical === false) throw refused(`${oid} as not critical`);
  }
  // Section 4.2.1.11 says always. RFC 3280 did not, and CAs that state policies still go by it.
  if (
    policies === undefined &&
    extensions.get(extensionOid.policyConstraints)?.critical === false
  ) {
    throw refused('policy constraints as not critical');
  }
  // Section 4.2.1.4: where the extension is critical, its qualifiers must be understood.
  const critical = extensions.get(extensionOid.certificatePolicies)?.critical === true;
  if (critical && policies?.unknownQualifier === true) throw refused('an unknown policy qualifier');
}

function checkNames(certificate: Certificate, role: Role): void {
  const { issuerDn, subjectDn, subject, extensions, subjectAltName, basicConstraints } =
    certificate;
  // Section 4.1.2.4.
  if (issuerDn === '') throw refused('no issuer');
  // T.61 means different letters to different readers. Old CAs still have it in their names.
  if (
    role === 'leaf' &&
    attributesOf(subject).some(({ value }) => value.tag === tag.teletexString)
  ) {
    throw refused('a subject in T.61');
  }
  if (subjectDn !== '') return;
  // Section 4.1.2.6.
  if (basicConstraints?.ca === true) throw refused('no subject, and is a CA');
  if (subjectAltName.length === 0) throw refused('no subject of any kind');
  if (extensions.get(extensionOid.subjectAltName)?.critical !== true) {
    throw refused('no subject but names that are not critical');
  }
}

function checkKeyIds(certificate: Certificate, role: Role): void {
  const { issuer, subject, authorityKeyId, subjectKeyId, basicConstraints } = certificate;
  // Sections 4.2.1.1 and 4.2.1.2. Who signed is plain where a certificate did so itself, but not in between:
  // there the same name has another key.
  const selfSigned = role !== 'intermediate' && isSameName(issuer, subject);
  if (authorityKeyId?.keyId === undefined && !selfSigned) {
    throw refused('no authority key identifier');
  }
  if (basicConstraints?.ca === true && subjectKeyId === undefined) {
    throw refused('no subject key identifier, and is a CA');
  }
}

function checkConstraints(certificate: Certificate, role: Role): void {
  const { basicConstraints, keyUsage, nameConstraints, policyMappings, extensions } = certificate;
  const ca = basicConstraints?.ca === true;
  if (role !== 'leaf' && extensions.get(extensionOid.basicConstraints)?.critical === false) {
    throw refused('basic constraints of a CA as not critical');
  }
  // Sections 4.2.1.3, 4.2.1.9, 4.2.1.10.
  if (keyUsage?.size === 0) throw refused('a key usage without any use');
  if (ca) return;
  if (keyUsage?.has('keyCertSign') === true) throw refused('keyCertSign, and is no CA');
  if (basicConstraints?.pathLength !== undefined) throw refused('a path length, and is no CA');
  if (nameConstraints !== undefined) throw refused('name constraints, and is no CA');
  if (policyMappings !== undefined) throw refused('policy mappings, and is no CA');
}

function checkWebPki(certificate: Certificate, role: Role): void {
  const { version, extendedKeyUsage, authorityKeyId, basicConstraints, spki } = certificate;
  if (version !== 3) throw refused('a version other than 3');
  if (role === 'anchor') {
    if (extendedKeyUsage !== undefined) throw refused('purposes, and is a root');
    if (authorityKeyId?.certificate !== undefined) throw refused('a root that names its issuer');
    if (authorityKeyId !== undefined && authorityKeyId.keyId === undefined) {
      throw refused('an authority key identifier without a key');
    }
  }
  if (role !== 'anchor' && extendedKeyUsage?.includes(purposeOid.any) === true) {
    throw refused('every purpose at once');
  }
  if (role !== 'leaf') return;
  if (extendedKeyUsage === undefined) throw refused('no purposes');
  if (extendedKeyUsage.some((oid) => purposesOfOthers.has(oid))) {
    throw refused('purposes that do not go together');
  }
  if (basicConstraints?.ca === true) throw refused('a CA as a leaf');
  if (rsaBits(spki) % 8 !== 0) throw refused('an RSA key that is not whole bytes');
  checkCommonName(certificate);
}

// Section 7.1.4.3. Nobody here reads the common name; one that others could read as another host than
// the names say, an address or an internationalised name, is refused all the same.
function checkCommonName({ subject, names }: Certificate): void {
  for (const { type, value } of attributesOf(subject)) {
    const text = type === '2.5.4.3' ? stringOf(value) : undefined;
    if (
      text === undefined ||
      !/^(?:0x[0-9a-f]+|[0-9a-fx]*[.:][0-9a-fx.:]*)$|xn--|[^ -~]/i.test(text)
    )
      continue;
    if (![...names.dnsNames, ...names.ips].includes(text)) {
      throw refused('a common name that is none of its names');
    }
  }
}

function refused(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_EXTENSION', `the certificate has ${what}`);
}
