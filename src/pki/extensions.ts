// Certificate extensions (RFC 5280 section 4.2), the writing half.
import {
  boolean,
  element,
  implicit,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
} from './der-writer.ts';
import { generalName, type GeneralName } from './names.ts';

export interface Extension {
  readonly oid: string;
  readonly critical?: boolean;
  /** The DER inside the OCTET STRING. */
  readonly value: Uint8Array;
}

/** The key usage bits, in the order of their numbers (RFC 5280 section 4.2.1.3). */
export const keyUsageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsageBit = (typeof keyUsageBits)[number];

/** What a key may be used for, by name or by object identifier. */
export type ExtendedKeyUsage = keyof typeof usageOids | (string & {});

const usageOids = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  smartCardLogon: '1.3.6.1.4.1.311.20.2.2',
} as const;

export function extension({ oid, critical = false, value }: Extension): Buffer {
  const id = objectIdentifier(oid);
  // FALSE is the default and DER leaves defaults out (X.690 section 11.5).
  return critical
    ? sequence(id, boolean(true), octetString(value))
    : sequence(id, octetString(value));
}

/** Critical also on a leaf, so that no verifier overlooks that it is no authority. */
export function basicConstraints(ca: boolean, pathLength?: number): Extension {
  const items = ca ? [boolean(true)] : [];
  if (pathLength !== undefined) items.push(integer(pathLength));
  return { oid: '2.5.29.19', critical: true, value: sequence(...items) };
}

export function keyUsage(bits: readonly KeyUsageBit[]): Extension {
  const positions = bits.map((bit) => keyUsageBits.indexOf(bit));
  return { oid: '2.5.29.15', critical: true, value: namedBits(positions) };
}

export function extendedKeyUsage(usages: readonly ExtendedKeyUsage[]): Extension {
  const oids = usages.map((usage) => (usageOids as Record<string, string>)[usage] ?? usage);
  return { oid: '2.5.29.37', value: sequence(...oids.map(objectIdentifier)) };
}

/** @param critical as RFC 5280 section 4.2.1.6 has it: exactly where the subject is empty */
export function subjectAltName(names: readonly GeneralName[], critical: boolean): Extension {
  return { oid: '2.5.29.17', critical, value: sequence(...names.map(generalName)) };
}

export function subjectKeyIdentifier(keyId: Uint8Array): Extension {
  return { oid: '2.5.29.14', value: octetString(keyId) };
}

export function authorityKeyIdentifier(keyId: Uint8Array): Extension {
  return { oid: '2.5.29.35', value: sequence(implicit(0, octetString(keyId))) };
}

export function certificatePolicies(oids: readonly string[]): Extension {
  return {
    oid: '2.5.29.32',
    value: sequence(...oids.map((oid) => sequence(objectIdentifier(oid)))),
  };
}

export interface NameConstraints {
  readonly permitted?: readonly GeneralName[];
  readonly excluded?: readonly GeneralName[];
}

export function nameConstraints({ permitted = [], excluded = [] }: NameConstraints): Extension {
  const subtrees = (n: number, names: readonly GeneralName[]) =>
    names.length === 0
      ? []
      : [implicit(n, sequence(...names.map((name) => sequence(generalName(name)))))];
  const value = sequence(...subtrees(0, permitted), ...subtrees(1, excluded));
  return { oid: '2.5.29.30', critical: true, value };
}

/** Where this certificate's CRL is fetched from; one point for each address. */
export function crlDistributionPoints(uris: readonly string[]): Extension {
  const point = (uri: string) => sequence(element(0xa0, element(0xa0, generalName({ uri }))));
  return { oid: '2.5.29.31', value: sequence(...uris.map(point)) };
}

/** Where the state of this certificate is asked for (OCSP). */
export function authorityInfoAccess(ocspUris: readonly string[]): Extension {
  const access = (uri: string) =>
    sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), generalName({ uri }));
  return { oid: '1.3.6.1.5.5.7.1.1', value: sequence(...ocspUris.map(access)) };
}
