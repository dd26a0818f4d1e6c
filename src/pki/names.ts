// Distinguished names and general names (RFC 5280 sections 4.1.2.4 and 4.2.1.6), the writing half.
import { isIP } from 'node:net';
import {
  element,
  explicit,
  implicit,
  objectIdentifier,
  sequence,
  setOf,
  string,
  type StringType,
} from './der-writer.ts';

/** One attribute of a distinguished name. */
export interface NameAttribute {
  /** A short name (`CN`, `O`, `OU`, `C`, ...) or an object identifier. */
  readonly type: string;
  /** Text, or the bytes to write as they are. */
  readonly value: string | Uint8Array;
  /** @defaultValue what RFC 5280 wants: `printable` for C and serialNumber, `ia5` for DC and emailAddress, else `utf8` */
  readonly as?: StringType;
}

/**
 * A distinguished name: a common name alone, or the attributes from the most general to the most
 * specific (an inner list is one RDN of several values), or the finished DER.
 */
export type DistinguishedName =
  string | Uint8Array | readonly (NameAttribute | readonly NameAttribute[])[];

/** A name in a subjectAltName, or a subtree of name constraints (where an IP is written as CIDR). */
export type GeneralName =
  | { readonly dnsName: string | Uint8Array }
  | { readonly email: string | Uint8Array }
  | { readonly uri: string | Uint8Array }
  /** An IPv4 or IPv6 address, with `/prefix` for a subtree; or raw octets. */
  | { readonly ip: string | Uint8Array }
  | { readonly upn: string | Uint8Array }
  | { readonly directoryName: DistinguishedName }
  | { readonly registeredId: string }
  /** Any other form: the whole element, tag and length included. */
  | { readonly der: Uint8Array };

const userPrincipalName = '1.3.6.1.4.1.311.20.2.3';

const attributes: Readonly<Record<string, readonly [oid: string, type: StringType]>> = {
  CN: ['2.5.4.3', 'utf8'],
  SN: ['2.5.4.4', 'utf8'],
  serialNumber: ['2.5.4.5', 'printable'],
  C: ['2.5.4.6', 'printable'],
  L: ['2.5.4.7', 'utf8'],
  ST: ['2.5.4.8', 'utf8'],
  STREET: ['2.5.4.9', 'utf8'],
  O: ['2.5.4.10', 'utf8'],
  OU: ['2.5.4.11', 'utf8'],
  title: ['2.5.4.12', 'utf8'],
  GN: ['2.5.4.42', 'utf8'],
  UID: ['0.9.2342.19200300.100.1.1', 'utf8'],
  DC: ['0.9.2342.19200300.100.1.25', 'ia5'],
  emailAddress: ['1.2.840.113549.1.9.1', 'ia5'],
};

/** The DER of a distinguished name. @throws RangeError where an attribute type is not known. */
export function distinguishedName(name: DistinguishedName): Buffer {
  if (name instanceof Uint8Array) return Buffer.from(name);
  const rdns = typeof name === 'string' ? [{ type: 'CN', value: name }] : name;
  return sequence(...rdns.map((rdn) => setOf(...[rdn].flat().map(attribute))));
}

/** Whether a finished name is the empty one. */
export function isEmptyName(name: Uint8Array): boolean {
  return sequence().equals(name);
}

/** The DER of a general name. @throws RangeError for an address that is none. */
export function generalName(name: GeneralName): Buffer {
  if ('dnsName' in name) return implicit(2, string('ia5', name.dnsName));
  if ('email' in name) return implicit(1, string('ia5', name.email));
  if ('uri' in name) return implicit(6, string('ia5', name.uri));
  if ('ip' in name) return element(0x87, typeof name.ip === 'string' ? ipOctets(name.ip) : name.ip);
  if ('upn' in name) {
    return implicit(
      0,
      sequence(objectIdentifier(userPrincipalName), explicit(0, string('utf8', name.upn))),
    );
  }
  // A Name is a CHOICE, so its tag cannot be replaced: it is wrapped (X.680 section 31.2.7).
  if ('directoryName' in name) return explicit(4, distinguishedName(name.directoryName));
  if ('registeredId' in name) return implicit(8, objectIdentifier(name.registeredId));
  return Buffer.from(name.der);
}

/** The octets of an address, followed by those of its mask where it is written as CIDR. */
export function ipOctets(text: string): Buffer {
  const [address = '', prefix] = text.split('/');
  const version = isIP(address);
  if (version === 0) throw new RangeError(`${JSON.stringify(text)} is not an IP address`);
  const octets = version === 4 ? Buffer.from(address.split('.').map(Number)) : ipv6Octets(address);
  if (prefix === undefined) return octets;
  const bits = Number(prefix);
  if (!/^\d+$/.test(prefix) || bits > octets.length * 8) {
    throw new RangeError(`${JSON.stringify(text)} has no such prefix`);
  }
  return Buffer.concat([octets, mask(octets.length, bits)]);
}

function attribute({ type, value, as }: NameAttribute): Buffer {
  const [oid, usual] = attributes[type] ?? [type, 'utf8' as const];
  return sequence(objectIdentifier(oid), string(as ?? usual, value));
}

// The URL parser knows every spelling of an address and writes the canonical one, in hexadecimal
// groups only (RFC 5952, WHATWG URL section 3.5).
function ipv6Octets(address: string): Buffer {
  if (address.includes('%')) throw new RangeError('an IP address in a certificate has no zone');
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array<number>(8 - left.length - right.length).fill(0);
  return Buffer.from([...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function mask(length: number, bits: number): Buffer {
  const octet = (i: number) => (0xff << (8 - Math.min(8, Math.max(0, bits - i * 8)))) & 0xff;
  return Buffer.from(Array.from({ length }, (_, i) => octet(i)));
}
