// The public suites over path validation, in the one schema that they are kept in (x509-limbo's).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { PolicyOptions, ReferenceName, ValidatePathOptions } from 'countersign';

export interface PathCase {
  readonly id: string;
  readonly features: readonly string[];
  readonly validation_kind: 'CLIENT' | 'SERVER';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly extended_key_usage: readonly ('clientAuth' | 'serverAuth')[];
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: PeerName | null;
  readonly expected_peer_names: readonly PeerName[];
  readonly max_chain_depth: number | null;
  readonly crls: readonly string[];
  readonly x?: {
    readonly initial_policy_set?: readonly string[];
    readonly initial_explicit_policy?: boolean;
    readonly initial_policy_mapping_inhibit?: boolean;
    readonly initial_any_policy_inhibit?: boolean;
    readonly user_constrained_policy_set?: readonly string[];
    readonly key_purpose?: string;
    readonly options?: readonly (readonly string[])[];
  };
}

interface PeerName {
  readonly kind: 'DNS' | 'IP' | 'RFC822';
  readonly value: string;
}

/** The cases of one suite, from its file in the vectors. */
export function readSuite(folder: string, file: string): readonly PathCase[] {
  const bytes = readFileSync(join(folder, file));
  const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  return (JSON.parse(text.toString('utf8')) as { testcases: readonly PathCase[] }).testcases;
}

/** A case as options of `validatePath`. */
export function optionsOf(one: PathCase): ValidatePathOptions {
  const names = [one.expected_peer_name ?? [], one.expected_peer_names].flat().map(referenceName);
  const policies = policiesOf(one);
  return {
    leaf: one.peer_certificate,
    intermediates: one.untrusted_intermediates,
    trustAnchors: one.trusted_certs,
    purpose: purposeOf(one),
    profile: isBrowsers(one) ? 'webpki' : 'rfc5280',
    ...(one.validation_time === null ? {} : { at: new Date(one.validation_time) }),
    ...(one.max_chain_depth === null ? {} : { maxDepth: one.max_chain_depth }),
    ...(names.length === 0 ? {} : { names }),
    ...(one.crls.length === 0 ? {} : { crls: one.crls }),
    ...(policies === undefined ? {} : { policies }),
  };
}

/** The OID of a policy as a suite names it. */
export function policyOid(name: string): string {
  if (name === 'anyPolicy') return '2.5.29.32.0';
  const number = /^NIST-test-policy-(\d+)$/.exec(name)?.[1];
  return number === undefined ? name : `2.16.840.1.101.3.2.1.48.${number}`;
}

/** Whether the case is about what browsers ask of public CAs. */
function isBrowsers({ id, features }: PathCase): boolean {
  return id.startsWith('webpki::') || features.includes('x-eku-strict');
}

function purposeOf({ id, x, extended_key_usage: [purpose], validation_kind }: PathCase) {
  if (purpose !== undefined) return purpose;
  // These suites ask about the path alone, whatever it is for.
  if (/^(pkits|openssl)/.test(id) || x?.key_purpose === 'ANY_EKU') return 'any';
  return validation_kind === 'CLIENT' ? 'clientAuth' : 'serverAuth';
}

function policiesOf({ x = {} }: PathCase): PolicyOptions | undefined {
  if (x.initial_policy_set !== undefined) {
    return {
      initial: x.initial_policy_set.map(policyOid),
      requireExplicit: x.initial_explicit_policy === true,
      inhibitMapping: x.initial_policy_mapping_inhibit === true,
      inhibitAny: x.initial_any_policy_inhibit === true,
    };
  }
  const options = x.options ?? [];
  const initial = options.flatMap(([name, value]) => (name === '-policy' ? [value!] : []));
  if (initial.length === 0) return undefined;
  return { initial, requireExplicit: options.some(([name]) => name === '-explicit_policy') };
}

function referenceName({ kind, value }: PeerName): ReferenceName {
  switch (kind) {
    case 'DNS':
      return { dnsName: value };
    case 'IP':
      return { ip: value };
    case 'RFC822':
      return { email: value };
  }
}
