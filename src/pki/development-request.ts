// What the development PKI issues. The test kit writes anything; this checks what it is given.
import { domainToASCII } from 'node:url';
import { ConfigError, quote } from '../errors.ts';
import { checkOptions, suggestion } from '../options.ts';
import { isPresentedDnsName } from '../x509/dns-name.ts';
import { canonicalIp } from '../x509/ip-address.ts';
import { parseSpiffeId } from '../x509/spiffe.ts';
import { keyTypes, type KeyType } from './signing.ts';

/** The names that a certificate gives its holder. */
export interface CertificateNames {
  readonly dnsNames?: readonly string[];
  readonly emails?: readonly string[];
  readonly uris?: readonly string[];
  /** `spiffe://trust-domain/path`. A certificate that carries one carries no other URI. */
  readonly spiffeId?: string;
  readonly ips?: readonly string[];
  /** User principal names, `alice@corp.example`. */
  readonly upns?: readonly string[];
}

export type CertificateUsage = 'clientAuth' | 'serverAuth';

/** At least one name of any kind: the common name is a label only, and no peer goes by it. */
export interface DevelopmentIssueOptions extends CertificateNames {
  /** @defaultValue both */
  readonly usage?: readonly CertificateUsage[];
  /** How long it is valid, though never longer than the authority itself. @defaultValue 90 */
  readonly days?: number;
  /** @defaultValue `ec-p256` */
  readonly keyType?: KeyType;
}

/** Options, checked and complete. */
export interface IssueRequest {
  readonly names: CertificateNames;
  readonly usage: readonly CertificateUsage[];
  readonly days: number;
  readonly keyType: KeyType;
}

const usages: readonly CertificateUsage[] = ['clientAuth', 'serverAuth'];
const listKinds = ['dnsNames', 'emails', 'uris', 'ips', 'upns'] as const;

type ListKind = (typeof listKinds)[number];

const kinds: Readonly<
  Record<ListKind, readonly [what: string, (text: string) => string | undefined]>
> = {
  dnsNames: ['a DNS name', dnsName],
  emails: ['a mail address', email],
  uris: ['a URI', uri],
  ips: ['an IP address', canonicalIp],
  upns: ['a user principal name', upn],
};

/** @throws ConfigError for a bad option, a name that is none of its kind, or no name at all. */
export function issueRequest(options: DevelopmentIssueOptions): IssueRequest {
  checkOptions('issue', options, [...listKinds, 'spiffeId', 'usage', 'days', 'keyType']);
  const { usage = usages, days = 90, keyType = 'ec-p256' } = options;
  checkDays(days);
  checkKeyType(keyType);
  if (usage.length === 0) throw new ConfigError('usage', 'is empty; leave it out for both');
  for (const one of usage) {
    if (!usages.includes(one))
      throw new ConfigError('usage', `no ${quote(one)}.${suggestion(one, usages)}`);
  }
  return { names: checkedNames(options), usage, days, keyType };
}

/** @throws ConfigError for anything but one to 36500 days. */
export function checkDays(days: number): void {
  if (!Number.isInteger(days) || days < 1 || days > 36_500) {
    throw new ConfigError('days', 'must be a whole number from 1 to 36500');
  }
}

/** @throws ConfigError for a type that is none, or a weak one that only tests want. */
export function checkKeyType(type: KeyType): void {
  const known: readonly KeyType[] = keyTypes.filter((name) => name !== 'rsa-1024');
  if (!known.includes(type)) {
    throw new ConfigError('keyType', `no ${quote(type)}.${suggestion(type, known)}`);
  }
}

/** @throws ConfigError where a file of this name would lie elsewhere, or be one of the PKI's own. */
export function checkFileName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name)) {
    throw new ConfigError(
      'name',
      `${quote(name)} cannot name a file; use up to 64 letters, digits or "._@-", beginning with a letter or digit`,
    );
  }
  if (['ca', 'crl'].includes(name.toLowerCase())) {
    throw new ConfigError('name', `${quote(name)} names a file of the PKI itself; choose another`);
  }
}

function checkedNames(options: DevelopmentIssueOptions): CertificateNames {
  const lists = listKinds.flatMap((kind) => {
    const values = checkedList(kind, options[kind] ?? []);
    return values.length === 0 ? [] : [[kind, values] as const];
  });
  const names: CertificateNames = Object.fromEntries(lists);
  const { spiffeId } = options;
  if (spiffeId === undefined) {
    if (lists.length > 0) return names;
    throw new ConfigError(
      'names',
      'there is none. A server needs a DNS name or IP address; a client a SPIFFE ID, mail address, ' +
        'DNS name or user principal name',
    );
  }
  if ((parseSpiffeId(spiffeId)?.path ?? '') === '') {
    throw new ConfigError('spiffeId', `${quote(spiffeId)} is not of the form spiffe://domain/path`);
  }
  if (names.uris !== undefined) {
    throw new ConfigError('uris', 'no other URI may stand beside a SPIFFE ID; leave them out');
  }
  return { ...names, spiffeId };
}

function checkedList(kind: ListKind, given: readonly string[]): readonly string[] {
  const [what, read] = kinds[kind];
  const values = given.map((text, i) => {
    const value = read(text);
    if (value === undefined)
      throw new ConfigError(`${kind}[${i}]`, `${quote(text)} is not ${what}`);
    return value;
  });
  return [...new Set(values)];
}

function dnsName(text: string): string | undefined {
  const wildcard = text.startsWith('*.') ? '*.' : '';
  const name = wildcard + domainToASCII(text.slice(wildcard.length));
  return isPresentedDnsName(name) && canonicalIp(name) === undefined ? name : undefined;
}

function email(text: string): string | undefined {
  return /^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/.test(text) ? text : undefined;
}

function uri(text: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(text) && URL.canParse(text)
    ? text
    : undefined;
}

function upn(text: string): string | undefined {
  return /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(text) ? text : undefined;
}
