// What a reader of a certificate should know first. What a path would refuse is asked of the very checks
// that would refuse it; the rest is legal, and seldom meant.
import { AuthError, type AuthErrorCode } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { checkConformance } from '../x509/path/conformance.ts';
import { checkValidity } from '../x509/path/rules.ts';
import { readAlgorithm } from '../x509/signature.ts';
import { parseSpiffeId, spiffeIdOf } from '../x509/spiffe.ts';
import { publicKeyOf } from '../x509/path/trust-anchors.ts';
import { checkTlsUsage } from '../x509/usage.ts';
import type { CertificateFacts } from './certificate-facts.ts';
import { plain } from './layout.ts';
import { day, distance } from './moments.ts';

export interface Warning {
  /** The code of the refusal, or `WARN_...` for what is legal. */
  readonly code: AuthErrorCode | `WARN_${string}`;
  readonly message: string;
}

/** The gravest first. */
export function certificateWarnings(
  certificate: Certificate,
  facts: CertificateFacts,
  now: Date,
): readonly Warning[] {
  const of = facts.kind === 'ca' ? authorityWarnings : leafWarnings;
  return [
    ...validityWarnings(certificate, now),
    ...algorithmWarnings(certificate, facts),
    ...of(certificate, facts),
    ...hiddenWarnings(certificate),
  ];
}

/** A refusal as the warning of it. */
export function warningOf({ code, message }: AuthError): Warning {
  return { code, message: `${message[0]!.toUpperCase()}${message.slice(1)}.` };
}

function validityWarnings(certificate: Certificate, now: Date): Warning[] {
  const { notBefore, notAfter } = certificate;
  const [fault] = refusals(() => checkValidity(certificate, now));
  if (fault?.code === 'ERR_CERTIFICATE_EXPIRED') {
    return [{ ...fault, message: `It ended ${distance(notAfter, now)}.` }];
  }
  if (fault !== undefined) return [{ ...fault, message: `It begins ${distance(notBefore, now)}.` }];
  const left = notAfter.getTime() - now.getTime();
  // Those that live for days only are renewed in their last third, and no hint to anybody before it.
  const isSoon = left < 30 * day && left < (notAfter.getTime() - notBefore.getTime()) / 3;
  return isSoon ? [warning('WARN_ENDS_SOON', `It ends ${distance(notAfter, now)}.`)] : [];
}

function algorithmWarnings(certificate: Certificate, facts: CertificateFacts): Warning[] {
  const { kind, selfSigned } = facts;
  // Nobody verifies what a root says of itself.
  const isRoot = kind === 'ca' && selfSigned;
  const role = isRoot ? 'anchor' : kind === 'ca' ? 'intermediate' : 'leaf';
  return [
    ...refusals(() => publicKeyOf(certificate)),
    ...(isRoot ? [] : refusals(() => readAlgorithm(certificate.signed.algorithm))),
    ...refusals(() => checkConformance(certificate, role, 'rfc5280')),
  ];
}

function authorityWarnings({ names, keyUsage }: Certificate): Warning[] {
  const found: Warning[] = [];
  if (keyUsage?.has('keyCertSign') === false) {
    found.push(warning('WARN_CA_CANNOT_SIGN', 'It is a CA whose key may not sign certificates.'));
  }
  // Mail addresses are left out: CAs state their contact so.
  const { dnsNames, ips, upns, uris } = names;
  const isWorkload = uris.some((uri) => (parseSpiffeId(uri)?.path ?? '') !== '');
  if (isWorkload || [dnsNames, ips, upns].some(({ length }) => length > 0)) {
    const text = 'It is a CA with the names of a leaf: its key can sign certificates for any name.';
    found.push(warning('WARN_CA_WITH_NAMES', text));
  }
  return found;
}

function leafWarnings(certificate: Certificate, facts: CertificateFacts): Warning[] {
  const found = [...leafNameWarnings(certificate, facts), ...leafUseWarnings(certificate, facts)];
  if (facts.selfSigned) {
    found.push(warning('WARN_SELF_SIGNED', 'It is signed by itself: nobody else vouches for it.'));
  }
  return found;
}

function leafNameWarnings(certificate: Certificate, { purposes }: CertificateFacts): Warning[] {
  const { names, subjectAltName } = certificate;
  const found = refusals(() => spiffeIdOf(certificate));
  const isLost = [names.dnsNames, names.ips, names.uris].every(({ length }) => length === 0);
  if (subjectAltName.length === 0) {
    const text = 'It has no subjectAltName, and nobody takes a common name for one.';
    found.push(warning('WARN_NO_NAMES', text));
  } else if (isLost && purposes?.includes('serverAuth') === true) {
    const text = 'It is for servers and has no DNS name, IP address or URI to find one by.';
    found.push(warning('WARN_NO_NAMES', text));
  }
  for (const name of names.dnsNames.filter((one) => one.startsWith('*.'))) {
    const text = `${name} stands for every host right below ${name.slice(2)}: one key is all of them.`;
    found.push(warning('WARN_WILDCARD', text));
  }
  return found;
}

function leafUseWarnings(certificate: Certificate, { purposes }: CertificateFacts): Warning[] {
  if (purposes === null) {
    return [warning('WARN_ANY_PURPOSE', 'It lists no purpose, so it fits every one.')];
  }
  const found: Warning[] = [];
  const purpose = (['serverAuth', 'clientAuth'] as const).find((one) => purposes.includes(one));
  if (purpose !== undefined) found.push(...refusals(() => checkTlsUsage(certificate, purpose)));
  const days = Math.floor((certificate.notAfter.getTime() - certificate.notBefore.getTime()) / day);
  if (purpose === 'serverAuth' && days > 398) {
    const text = `It is valid for ${days} days, longer than any public CA may issue.`;
    found.push(warning('WARN_LONG_LIVED', text));
  }
  return found;
}

/** What a terminal, or an eye, would pass over. Distinguished names escape such characters themselves. */
function hiddenWarnings({ subjectDn, issuerDn, names }: Certificate): Warning[] {
  const distinguished = [subjectDn, issuerDn, ...names.directoryNames];
  const isHiding =
    distinguished.some((name) => /(?<!\\)(?:\\\\)*\\[0-9a-f]{2}/.test(name)) ||
    [...distinguished, ...names.upns].some((name) => plain(name) !== name);
  const text =
    'A name in it has characters that cannot be seen; they are written with a backslash.';
  return isHiding ? [warning('WARN_HIDDEN_CHARACTERS', text)] : [];
}

export function warning(code: Warning['code'], message: string): Warning {
  return { code, message };
}

/** The refusal of a check as a warning, if it refuses. */
export function refusals(check: () => unknown): Warning[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof AuthError) return [warningOf(error)];
    throw error;
  }
}
