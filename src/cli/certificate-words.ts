// The facts of a certificate in words, one row for each thing that people ask of it.
import { policyWords, usageWords } from './algorithm-names.ts';
import type { CertificateFacts, SignatureFacts, SubtreeFacts } from './certificate-facts.ts';
import { plain } from './layout.ts';
import { distance, moment } from './moments.ts';

export type Row = readonly [label: string, text: string];

/** What kind of certificate it is: `a leaf certificate`. */
export function kindWords({ kind, selfSigned }: CertificateFacts): string {
  if (kind === 'ca') return selfSigned ? 'a CA, self-signed (a root)' : 'a CA under another CA';
  return selfSigned ? 'a leaf certificate, self-signed' : 'a leaf certificate';
}

/** Label and text, without those that it says nothing about. */
export function certificateRows(facts: CertificateFacts, now: Date): readonly Row[] {
  return [
    ...rows('names', nameWords(facts)),
    ['subject', facts.subject === '' ? '(empty)' : plain(facts.subject)],
    ['issuer', facts.selfSigned ? 'itself' : plain(facts.issuer)],
    ['from', momentWords(facts.notBefore, now)],
    ['until', momentWords(facts.notAfter, now)],
    ['key', keyWords(facts)],
    ['signed with', algorithmWords(facts.signatureAlgorithm)],
    ...rows('used for', facts.purposes?.map(usage) ?? ['every purpose, as it lists none']),
    ...rows('key may', facts.keyUsage?.map(usage) ?? ['be used for everything']),
    ...constraintRows(facts),
    ...policyRows(facts),
    ...rows('CRL', facts.crl.map(plain)),
    ...rows('delta CRL', facts.freshestCrl.map(plain)),
    ...rows('OCSP', facts.ocsp.map(plain)),
    ...rows('issuer at', facts.caIssuers.map(plain)),
    ['serial', facts.serialNumber],
    ['x5tS256', facts.x5tS256],
    ['spkiSha256', facts.spkiSha256],
    ['SHA-256', facts.sha256],
  ];
}

/** The label in front of the first of several texts only. */
function rows(label: string, texts: readonly string[]): Row[] {
  return texts.map((text, i) => [i === 0 ? label : '', text]);
}

function nameWords({ names, spiffeId }: CertificateFacts): string[] {
  // Names without blanks share lines, since a certificate may have a hundred; the others could pass for
  // several.
  const shared = (kind: string, list: readonly string[]) =>
    list.length === 0 ? [] : [`${kind} ${list.join(', ')}`];
  return [
    ...(spiffeId === null ? [] : [`SPIFFE ID ${spiffeId}`]),
    ...shared('DNS', names.dnsNames),
    ...shared('IP', names.ips),
    ...shared('mail', names.emails),
    ...names.upns.map((name) => `UPN ${plain(name)}`),
    ...names.uris.filter((name) => name !== spiffeId).map((name) => `URI ${plain(name)}`),
    ...names.directoryNames.map((name) => `directory ${plain(name)}`),
    ...names.otherNames.map(({ oid }) => `a name of kind ${oid}`),
  ];
}

export function momentWords(iso: string, now: Date): string {
  const date = new Date(iso);
  return `${moment(date)} (${distance(date, now)})`;
}

function keyWords({ key: { type, bits, curve } }: CertificateFacts): string {
  if (type === null) return 'of an unknown kind';
  if (curve !== null) return `EC ${curve}`;
  const name = keyNames[type] ?? type;
  return bits === null ? name : `${name}, ${bits} bits`;
}

const keyNames: Readonly<Record<string, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA for PSS only',
  dsa: 'DSA',
  ec: 'EC, parameters spelt out',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
  x25519: 'X25519',
  x448: 'X448',
};

export function algorithmWords({ oid, name }: SignatureFacts): string {
  return name ?? (oid === null ? 'nothing that can be read' : `an algorithm unknown here (${oid})`);
}

function usage(name: string): string {
  const words = usageWords[name];
  return words === undefined ? `a purpose unknown here (${name})` : `${words} (${name})`;
}

function constraintRows({ kind, pathLength, nameConstraints }: CertificateFacts): Row[] {
  const found: Row[] = [];
  if (kind === 'ca') found.push(['may issue', pathLengthWords(pathLength)]);
  if (nameConstraints === null) return found;
  const { permitted, excluded } = nameConstraints;
  return [
    ...found,
    ...rows('names only', permitted.map(subtreeWords)),
    ...rows('names never', excluded.map(subtreeWords)),
  ];
}

function pathLengthWords(limit: number | null): string {
  if (limit === null) return 'leaf certificates, and CAs to any depth';
  if (limit === 0) return 'leaf certificates only';
  return `leaf certificates, and CAs ${limit} deep`;
}

function subtreeWords({ form, base }: SubtreeFacts): string {
  if (base === null) return `of a kind that nobody here can compare (${form})`;
  if (form === 'directoryName') return `directory names below ${plain(base)}`;
  const kind = subtreeKinds[form] ?? form;
  if (base === '') return `${kind}, all of them`;
  if (form === 'ip') return `${kind} in ${base}`;
  if (form === 'dnsName') return `${kind} ${base}, and all below`;
  return base.startsWith('.') ? `${kind} below ${base.slice(1)}` : `${kind} ${plain(base)}`;
}

const subtreeKinds: Readonly<Record<string, string>> = {
  dnsName: 'DNS',
  email: 'mail',
  uri: 'URI with the host',
  ip: 'IP',
};

function policyRows({ policies, policyMappings, policyConstraints }: CertificateFacts): Row[] {
  const { requireExplicit, inhibitMapping, inhibitAny } = policyConstraints;
  const rules = [
    ...policyMappings.map(({ issuer, subject }) => `${issuer} is called ${subject} below`),
    ...(requireExplicit === null ? [] : [`one is needed${depth(requireExplicit)}`]),
    ...(inhibitMapping === null ? [] : [`none is mapped${depth(inhibitMapping)}`]),
    ...(inhibitAny === null ? [] : [`"every policy" counts for none${depth(inhibitAny)}`]),
  ];
  return [...rows('policies', policies.map(policyWords)), ...rows('policy rules', rules)];
}

function depth(count: number): string {
  return count === 0 ? ' from here on' : ` from ${count} certificates below on`;
}
