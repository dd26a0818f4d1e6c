// Which names the CAs of a path allow those below them (RFC 5280 sections 4.2.1.10 and 6.1.4). A form of name
// that is constrained and cannot be compared refuses the certificate that carries it.
import { AuthError, quote } from '../../errors.ts';
import type { Certificate } from '../certificate.ts';
import { DerReader } from '../der.ts';
import { attributesOf, stringOf } from '../distinguished-name.ts';
import { isHostName } from '../dns-name.ts';
import { type GeneralName, upnOid } from '../general-names.ts';
import { ipBytes } from '../ip-address.ts';
import type { NameConstraints, Subtree } from '../name-constraints.ts';
import { type CanonicalName, canonicalName, isWithin, mayBeWithin } from '../name-match.ts';

/** How many more names may be compared with constraints, over all the paths that are tried for a leaf. */
export interface Comparisons {
  comparisons: number;
}

// Far more than certificates in use need, and some tens of milliseconds.
export const maxComparisons = 262_144;

/** What all CAs of a path so far allow those below them to be named. */
export class PermittedNames {
  readonly #left: Comparisons;
  readonly #sets: readonly NameConstraints[];

  constructor(left: Comparisons, sets: readonly NameConstraints[] = []) {
    this.#left = left;
    this.#sets = sets;
  }

  /** The same, and within these constraints too. */
  narrowed(constraints: NameConstraints | undefined): PermittedNames {
    return constraints === undefined
      ? this
      : new PermittedNames(this.#left, [...this.#sets, constraints]);
  }

  /**
   * Checks every name of a certificate, those in its subject included.
   *
   * @throws AuthError `ERR_CERTIFICATE_CONSTRAINED`; `ERR_CERTIFICATE_UNDECIDED` where there are more names
   *   and constraints than anybody needs
   */
  check(certificate: Certificate): void {
    if (this.#sets.length === 0) return;
    const names = namesOf(certificate);
    const constraints = this.#sets.reduce(
      (sum, { permitted, excluded }) => sum + permitted.length + excluded.length,
      0,
    );
    this.#left.comparisons -= names.length * constraints;
    if (this.#left.comparisons < 0) {
      throw new AuthError('ERR_CERTIFICATE_UNDECIDED', 'too many names and name constraints');
    }
    for (const name of names) for (const set of this.#sets) checkName(name, set);
  }
}

type Name =
  | { readonly form: 'dnsName' | 'email' | 'uri'; readonly text: string }
  | { readonly form: 'ip'; readonly text: string; readonly bytes: Uint8Array }
  | { readonly form: 'directoryName'; readonly text: string; readonly name: CanonicalName }
  | { readonly form: `otherName ${string}` | `tag ${number}`; readonly text: string };

const emailAddress = '1.2.840.113549.1.9.1';
const commonName = '2.5.4.3';
/** A mailbox with letters outside ASCII (RFC 9598). */
const smtpUtf8Mailbox = '1.3.6.1.5.5.7.8.9';

function namesOf({ subject, subjectDn, subjectAltName: alternatives }: Certificate): Name[] {
  const names: Name[] = alternatives.map(constrainable);
  // RFC 9598 section 6: constraints of mail addresses are about these as well.
  for (const { kind, value } of alternatives) {
    if (kind === 'otherName' && value.oid === smtpUtf8Mailbox) names.push(mailbox(value.value));
  }
  if (subjectDn === '') return names;
  names.push({ form: 'directoryName', text: subjectDn, name: canonicalName(subject) });
  // RFC 5280 section 4.2.1.10 asks for the mail addresses of the subject where the extension has none;
  // somebody may read them where it has one, too. The common name is no host to us, but it is to those
  // who read it where there is no other name.
  for (const { type, value } of attributesOf(subject)) {
    if (type === emailAddress) names.push(mailbox(value.whole));
    if (type !== commonName || alternatives.length > 0) continue;
    const text = stringOf(value)?.toLowerCase() ?? '';
    if (text.includes('.') && isHostName(text)) names.push({ form: 'dnsName', text });
  }
  return names;
}

/** A mailbox in whatever string; one that cannot be read has no host, see `coversEmail`. */
function mailbox(der: Uint8Array): Name {
  return { form: 'email', text: stringOf(new DerReader(der).next()) ?? '' };
}

function constrainable(name: GeneralName): Name {
  switch (name.kind) {
    case 'dnsName':
    case 'email':
    case 'uri':
      return { form: name.kind, text: name.value };
    case 'ip':
      return { form: 'ip', text: name.value, bytes: ipBytes(name.value) };
    case 'directoryName':
      return { form: 'directoryName', text: name.value, name: canonicalName(name.der) };
    case 'upn':
      return { form: `otherName ${upnOid}`, text: name.value };
    case 'otherName':
      return { form: `otherName ${name.value.oid}`, text: name.value.oid };
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredId':
      return { form: `tag ${name.value[0]!}`, text: name.kind };
  }
}

function checkName(name: Name, { permitted, excluded }: NameConstraints): void {
  for (const subtree of excluded) {
    if (subtree.form === name.form && covers(subtree, name, 'any')) {
      throw violation(name, 'is excluded by a CA above it');
    }
  }
  const rivals = permitted.filter(({ form }) => form === name.form);
  if (rivals.length > 0 && !rivals.some((subtree) => covers(subtree, name, 'all'))) {
    throw violation(name, 'is not among the names its CA may give');
  }
}

function violation({ text }: Name, what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_CONSTRAINED', `the name ${quote(text)} ${what}`);
}

/** @param extent whether a name that stands for several, or for one of several, must have all in the subtree */
function covers(subtree: Subtree, name: Name, extent: 'all' | 'any'): boolean {
  switch (subtree.form) {
    case 'dnsName':
      return name.form === 'dnsName' && coversHost(subtree.base, name.text, extent);
    case 'email':
      return name.form === 'email' && coversEmail(subtree.base, name);
    case 'uri':
      return name.form === 'uri' && coversUri(subtree.base, name);
    case 'ip':
      return (
        name.form === 'ip' &&
        name.bytes.length === subtree.address.length &&
        name.bytes.every((byte, i) => ((byte ^ subtree.address[i]!) & subtree.mask[i]!) === 0)
      );
    case 'directoryName':
      return (
        name.form === 'directoryName' &&
        (extent === 'any' ? mayBeWithin : isWithin)(name.name, subtree.base)
      );
    default:
      throw violation(name, 'is of a form that its CA constrains and nobody here can compare');
  }
}

function coversHost(base: string, presented: string, extent: 'all' | 'any'): boolean {
  const host = presented.replace(/^\*\./, '');
  if (base === '' || host === base || host.endsWith(`.${base}`)) return true;
  // A wildcard stands for one label more, and one of those may be the base itself.
  return extent === 'any' && host !== presented && base.slice(base.indexOf('.') + 1) === host;
}

function coversEmail(base: string, name: Name): boolean {
  const { text } = name;
  const at = text.indexOf('@');
  const host = text.slice(at + 1).toLowerCase();
  // Those in the extension are mailboxes, those of other places are any text.
  if (at < 1 || !isHostName(host)) throw violation(name, 'is constrained and is no mailbox');
  if (base.includes('@')) return `${text.slice(0, at)}@${host}` === base;
  return coversBareHost(base, host);
}

function coversUri(base: string, name: Name): boolean {
  const authority = /^[^:]+:\/\/([^/?#]*)/.exec(name.text)?.[1];
  const host = authority?.replace(/^.*@/, '').replace(/:\d*$/, '').toLowerCase();
  // RFC 5280 section 4.2.1.10: without a fully qualified host the constraint cannot be applied.
  if (host === undefined || !isHostName(host) || /^[\d.]+$/.test(host)) {
    throw violation(name, 'is constrained and names no host');
  }
  return coversBareHost(base, host);
}

function coversBareHost(base: string, host: string): boolean {
  return base === '' || (base.startsWith('.') ? host.endsWith(base) : host === base);
}
