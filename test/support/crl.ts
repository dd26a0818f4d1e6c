// CRLs with whatever a test wants in them, also what no authority would write.
import {
  boolean,
  element,
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  integer,
  namedBits,
  sequence,
  time,
} from '../../src/pki/der-writer.ts';
import { extension, type Extension } from '../../src/pki/extensions.ts';
import { distinguishedName, generalName } from '../../src/pki/names.ts';
import { defaultHash, signatureAlgorithm, signed } from '../../src/pki/signing.ts';
import type {
  DistinguishedName,
  GeneralName,
  SignatureHash,
  TestAuthority,
} from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { type Crl, readCrl } from '../../src/x509/crl/crl.ts';

export interface ListOptions {
  readonly entries?: readonly Buffer[];
  readonly extensions?: readonly Extension[];
  readonly thisUpdate?: Date;
  /** Null leaves it out. */
  readonly nextUpdate?: Date | null;
  readonly issuer?: DistinguishedName;
  /** Whose key signs, where it is not the issuer's. */
  readonly signWith?: Pick<TestAuthority, 'keyPair'>;
  readonly hash?: SignatureHash;
  readonly tampered?: boolean;
  /** The fields of the TBSCertList replaced, removed or added. */
  readonly rewrite?: (fields: Buffer[]) => Buffer[];
}

export const hour = 3_600_000;

/** The instant that lists of these tests are about. */
export const noon = new Date('2026-06-15T12:00:00Z');

/** The DER of a CRL: current at noon, with nothing in it but what the options say. */
export function listOf(authority: TestAuthority, options: ListOptions = {}): Buffer {
  const { entries = [], extensions = [], nextUpdate = new Date(+noon + 24 * hour) } = options;
  const { privateKey } = (options.signWith ?? authority).keyPair;
  const signer = { key: privateKey, hash: options.hash ?? defaultHash(privateKey) };
  const fields = [
    integer(1),
    signatureAlgorithm(signer),
    options.issuer === undefined
      ? Buffer.from(readCertificate(authority.der).subject)
      : distinguishedName(options.issuer),
    time(options.thisUpdate ?? new Date(+noon - hour)),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length === 0 ? [] : [sequence(Buffer.concat(entries))]),
    ...(extensions.length === 0 ? [] : [explicit(0, sequence(...extensions.map(extension)))]),
  ];
  return signed(sequence(...(options.rewrite?.(fields) ?? fields)), signer, options.tampered);
}

export function crlOf(authority: TestAuthority, options: ListOptions = {}): Crl {
  return readCrl(listOf(authority, options));
}

/** An entry for a serial number, or for a certificate. */
export function entryOf(
  serial: bigint | { readonly serialNumber: string },
  ...extensions: readonly Extension[]
): Buffer {
  const number = typeof serial === 'bigint' ? serial : BigInt(`0x${serial.serialNumber}`);
  return sequence(
    integer(number),
    time(new Date(+noon - 2 * hour)),
    ...(extensions.length === 0 ? [] : [sequence(...extensions.map(extension))]),
  );
}

export function reason(number: number): Extension {
  return { oid: '2.5.29.21', value: enumerated(number) };
}

export function invalidSince(date: Date): Extension {
  return { oid: '2.5.29.24', value: generalizedTime(date) };
}

export function certificateIssuer(...names: readonly GeneralName[]): Extension {
  return { oid: '2.5.29.29', critical: true, value: sequence(...names.map(generalName)) };
}

export function crlNumber(number: bigint | number): Extension {
  return { oid: '2.5.29.20', value: integer(number) };
}

/** Of a list of changes: the number of the list that it changes. */
export function changesTo(number: bigint | number): Extension {
  return { oid: '2.5.29.27', critical: true, value: integer(number) };
}

export interface PointOptions {
  readonly fullName?: readonly GeneralName[];
  /** One RDN in DER. */
  readonly relativeName?: Buffer;
  readonly reasons?: readonly number[];
}

/** Which certificates a list is for. */
export function issuingPoint(
  options: PointOptions & {
    readonly only?: 'userCerts' | 'caCerts' | 'attributeCerts';
    readonly indirect?: boolean;
  },
): Extension {
  const { only, reasons, indirect = false } = options;
  const flag = (number: number) => implicit(number, boolean(true));
  const value = sequence(
    ...pointName(options),
    ...(only === 'userCerts' ? [flag(1)] : []),
    ...(only === 'caCerts' ? [flag(2)] : []),
    ...(reasons === undefined ? [] : [implicit(3, namedBits(reasons))]),
    ...(indirect ? [flag(4)] : []),
    ...(only === 'attributeCerts' ? [flag(5)] : []),
  );
  return { oid: '2.5.29.28', critical: true, value };
}

export interface DistributionPointOptions extends PointOptions {
  readonly crlIssuer?: DistinguishedName;
}

/** Where a certificate's state is published. */
export function distributionPoints(...points: readonly DistributionPointOptions[]): Extension {
  const value = sequence(
    ...points.map(({ crlIssuer, reasons, ...names }) =>
      sequence(
        ...pointName(names),
        ...(reasons === undefined ? [] : [implicit(1, namedBits(reasons))]),
        ...(crlIssuer === undefined
          ? []
          : [element(0xa2, generalName({ directoryName: crlIssuer }))]),
      ),
    ),
  );
  return { oid: '2.5.29.31', value };
}

function pointName({ fullName, relativeName }: PointOptions): readonly Buffer[] {
  if (fullName !== undefined) return [element(0xa0, element(0xa0, ...fullName.map(generalName)))];
  return relativeName === undefined ? [] : [element(0xa0, implicit(1, relativeName))];
}
