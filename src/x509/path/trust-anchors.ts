import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../certificate.ts';
import { nameKey } from '../name-match.ts';
import { isSignedBy, readPublicKey } from '../signature.ts';

/** A CA that is trusted because the user said so. */
export interface TrustAnchor {
  readonly certificate: Certificate;
  /** The name of the set it belongs to; undefined where sets have no names. */
  readonly set: string | undefined;
}

/** Certificates by their subject, so that ten thousand cost no more than one. */
export class CertificateIndex<Entry extends { readonly certificate: Certificate }> {
  readonly #bySubject = new Map<string, Entry[]>();

  constructor(entries: Iterable<Entry> = []) {
    for (const entry of entries) this.add(entry);
  }

  add(entry: Entry): void {
    const key = nameKey(entry.certificate.subject);
    const same = this.#bySubject.get(key);
    if (same === undefined) this.#bySubject.set(key, [entry]);
    else same.push(entry);
  }

  /** @param key what `nameKey` makes of the subject */
  withSubject(key: string): readonly Entry[] {
    return this.#bySubject.get(key) ?? none;
  }
}

const none: readonly never[] = [];

const keys = new WeakMap<Certificate, KeyObject>();

/** The public key of a certificate, imported once. @throws AuthError, see `readPublicKey` */
export function publicKeyOf(certificate: Certificate): KeyObject {
  let key = keys.get(certificate);
  if (key === undefined) {
    key = readPublicKey(certificate.spki);
    keys.set(certificate, key);
  }
  return key;
}

const issuersOf = new WeakMap<Certificate, WeakSet<Certificate>>();

/**
 * Whether the key of `issuer` signed `child`, found out once for the two where it did.
 *
 * Nothing else of a path is remembered, since time and rules change what it is worth. This does not
 * change: it follows from the bytes of the two, and is forgotten with them.
 *
 * @throws AuthError, see `readPublicKey` and `isSignedBy`
 */
export function hasSigned(issuer: Certificate, child: Certificate): boolean {
  if (issuersOf.get(child)?.has(issuer) === true) return true;
  if (!isSignedBy(child.signed, publicKeyOf(issuer))) return false;
  const issuers = issuersOf.get(child) ?? new WeakSet();
  issuersOf.set(child, issuers.add(issuer));
  return true;
}
