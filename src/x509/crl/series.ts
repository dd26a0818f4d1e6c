// An issuer publishes list after list. Which of them follow each other, and which is the newer.
import { type Crl, crlExtensionOid } from './crl.ts';
import { nameKey } from '../name-match.ts';

/** Whether both have the same issuer and key identifier, and are for the same certificates. */
export function isSameSeries(a: Crl, b: Crl): boolean {
  const { issuingDistributionPoint, authorityKeyId } = crlExtensionOid;
  return (
    nameKey(a.issuer) === nameKey(b.issuer) &&
    [issuingDistributionPoint, authorityKeyId].every((oid) => isSameExtension(a, b, oid))
  );
}

function isSameExtension(a: Crl, b: Crl, oid: string): boolean {
  const [left, right] = [a.extensions.get(oid)?.value, b.extensions.get(oid)?.value];
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

/** Whether it is a whole list, and not only changes to one. */
export function isWhole({ baseNumber }: Crl): boolean {
  return baseNumber === undefined;
}

/** For sorting, the newest list first. */
export function newestFirst(a: Crl, b: Crl): number {
  const byTime = b.thisUpdate.getTime() - a.thisUpdate.getTime();
  if (byTime !== 0) return byTime;
  return (b.number ?? -1n) > (a.number ?? -1n) ? 1 : -1;
}

/** Whether a list came out before another of its series. */
export function isOlder(crl: Crl, than: Crl): boolean {
  return (
    isSameSeries(crl, than) &&
    isWhole(crl) === isWhole(than) &&
    (crl.thisUpdate < than.thisUpdate || (crl.number ?? 0n) < (than.number ?? 0n))
  );
}
