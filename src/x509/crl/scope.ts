// Which CRLs speak of a certificate, and of which reasons (RFC 5280 section 6.3.3 b and d).
import type { Certificate } from '../certificate.ts';
import type { Crl } from './crl.ts';
import type { DistributionPoint, DistributionPointName } from '../distribution-points.ts';
import type { GeneralName } from '../general-names.ts';
import { nameKey, nameKeyWith } from '../name-match.ts';

/** A set of reasons for revocation, one bit for each of ReasonFlags. */
export type ReasonMask = number;

/** Bits 1 to 8; bit 0 is not used (RFC 5280 section 4.2.1.13). */
export const allReasons: ReasonMask = 0b1_1111_1110;

/** One place where a certificate's state is published, as CRLs are compared with it. */
export interface CrlPoint {
  /** Who signs the list, by `nameKey`. */
  readonly issuers: readonly string[];
  /** Whether that is somebody other than the certificate's issuer, on behalf of it. */
  readonly delegated: boolean;
  /** The names of the point; a CRL for one point only must be for one of these. */
  readonly names: ReadonlySet<string>;
  readonly reasons: ReasonMask;
}

/**
 * The distribution points of a certificate, and last the one that every certificate has without saying so:
 * a list of its own issuer.
 */
export function crlPointsOf(certificate: Certificate): readonly CrlPoint[] {
  const issuer: GeneralName = {
    kind: 'directoryName',
    value: certificate.issuerDn,
    der: certificate.issuer,
  };
  const implied: DistributionPoint = {
    name: { fullName: [issuer] },
    reasons: undefined,
    crlIssuer: undefined,
  };
  const points = [...(certificate.crlDistributionPoints ?? []), implied];
  return points.map(({ name, reasons, crlIssuer }) => {
    const issuers = (crlIssuer ?? [issuer]).flatMap(({ kind, ...rest }) =>
      kind === 'directoryName' && 'der' in rest ? [rest.der] : [],
    );
    // RFC 5280 section 6.3.3 b: where a point has no name, its issuer's stands for it.
    const names =
      name === undefined
        ? (crlIssuer ?? []).map(generalNameKey)
        : issuers.flatMap((one) => pointNames(name, one));
    return {
      issuers: issuers.map(nameKey),
      delegated: crlIssuer !== undefined,
      names: new Set(names),
      reasons: maskOf(reasons),
    };
  });
}

/** The reasons for which a CRL from this point answers for the certificate: none where it does not. */
export function reasonsCovered(crl: Crl, certificate: Certificate, point: CrlPoint): ReasonMask {
  const scope = crl.issuingDistributionPoint;
  if (point.delegated && scope?.indirect !== true) return 0;
  if (scope === undefined) return point.reasons;
  const isCa = certificate.basicConstraints?.ca === true;
  if (scope.only === 'attributeCerts') return 0;
  if (scope.only === 'userCerts' && isCa) return 0;
  if (scope.only === 'caCerts' && !isCa) return 0;
  if (scope.name !== undefined) {
    const names = pointNames(scope.name, crl.issuer);
    if (!names.some((name) => point.names.has(name))) return 0;
  }
  return point.reasons & maskOf(scope.reasons);
}

function maskOf(reasons: readonly number[] | undefined): ReasonMask {
  if (reasons === undefined) return allReasons;
  return reasons.reduce((mask, bit) => mask | (2 ** bit), 0) & allReasons;
}

/** The names of a point as keys; a relative one is a part more to the name of the CRL's issuer. */
function pointNames(name: DistributionPointName, issuer: Uint8Array): readonly string[] {
  return 'fullName' in name
    ? name.fullName.map(generalNameKey)
    : [directoryKey(nameKeyWith(issuer, name.relativeName))];
}

/** One string for a general name, equal where the names are. */
function generalNameKey(name: GeneralName): string {
  switch (name.kind) {
    case 'directoryName':
      return directoryKey(nameKey(name.der));
    case 'otherName':
      return `${name.kind}:${name.value.oid}:${hex(name.value.value)}`;
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredId':
      return `${name.kind}:${hex(name.value)}`;
    default:
      return `${name.kind}:${name.value}`;
  }
}

function directoryKey(key: string): string {
  return `directoryName:${key}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
