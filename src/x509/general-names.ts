// General names (RFC 5280 section 4.2.1.6), each in the grammar of its kind. A name outside its grammar
// refuses whatever holds it: skipping it would hide an attack, keeping it would name somebody.
import { DerReader, type Element, ascii, context, malformed, oidOf } from './der.ts';
import { distinguishedName, stringOf } from './distinguished-name.ts';
import { isPresentedDnsName } from './dns-name.ts';
import { ipText } from './ip-address.ts';

/** One name, by its kind. */
export type GeneralName =
  /** Text: a DNS name and the host of a mail address are in lower case, an IP address in canonical form. */
  | { readonly kind: 'email' | 'dnsName' | 'uri' | 'ip' | 'upn'; readonly value: string }
  /** A distinguished name: RFC 4514 text, and the DER of the Name. */
  | { readonly kind: 'directoryName'; readonly value: string; readonly der: Uint8Array }
  | { readonly kind: 'otherName'; readonly value: OtherName }
  /** A form that nothing here can compare. */
  | { readonly kind: 'x400Address' | 'ediPartyName' | 'registeredId'; readonly value: Uint8Array };

/** The names of a certificate's subject, by kind, in the order of the certificate. */
export interface GeneralNames {
  /** Lower case; a wildcard only as the whole left-most label. */
  readonly dnsNames: readonly string[];
  /** The host part is lower case. */
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  readonly ips: readonly string[];
  readonly upns: readonly string[];
  readonly directoryNames: readonly string[];
  /** Names of private kinds (a card number, a Kerberos name), as their DER. UPNs are not repeated here. */
  readonly otherNames: readonly OtherName[];
}

export interface OtherName {
  readonly oid: string;
  readonly value: Uint8Array;
}

/** The otherName that smart cards keep the user principal name in. */
export const upnOid = '1.3.6.1.4.1.311.20.2.3';

// Shared by all certificates that have no names of a kind, so nobody may add one to it.
const nothing: readonly never[] = Object.freeze([]);

/** A certificate without the extension. */
export const noNames: GeneralNames = {
  dnsNames: nothing,
  emails: nothing,
  uris: nothing,
  ips: nothing,
  upns: nothing,
  directoryNames: nothing,
  otherNames: nothing,
};

/** Reads the value of a subjectAltName. @throws AuthError `ERR_CERTIFICATE_MALFORMED` */
export function readSubjectAltName(extension: Uint8Array): readonly GeneralName[] {
  const reader = DerReader.only(extension, 0x30);
  const names: GeneralName[] = [];
  do names.push(readGeneralName(reader));
  while (!reader.done);
  return names;
}

/** Names by their kind. Those that nothing here can compare are left out. */
export function byKind(list: readonly GeneralName[]): GeneralNames {
  const names = {
    dnsNames: [] as string[],
    emails: [] as string[],
    uris: [] as string[],
    ips: [] as string[],
    upns: [] as string[],
    directoryNames: [] as string[],
    otherNames: [] as OtherName[],
  };
  for (const name of list) {
    switch (name.kind) {
      case 'dnsName':
        names.dnsNames.push(name.value);
        break;
      case 'email':
        names.emails.push(name.value);
        break;
      case 'uri':
        names.uris.push(name.value);
        break;
      case 'ip':
        names.ips.push(name.value);
        break;
      case 'upn':
        names.upns.push(name.value);
        break;
      case 'directoryName':
        names.directoryNames.push(name.value);
        break;
      case 'otherName':
        names.otherNames.push(name.value);
        break;
      default:
    }
  }
  return names;
}

/**
 * Reads the next name.
 *
 * @param location whether a URI only says where something is kept, so that it names nobody
 * @throws AuthError `ERR_CERTIFICATE_MALFORMED`
 */
export function readGeneralName(reader: DerReader, location = false): GeneralName {
  const element = reader.next();
  switch (element.tag) {
    case context(0, true): {
      const value = readOtherName(element);
      return value.oid === upnOid
        ? { kind: 'upn', value: upnOf(value.value) }
        : { kind: 'otherName', value };
    }
    case context(1, false):
      return { kind: 'email', value: emailOf(element) };
    case context(2, false):
      return { kind: 'dnsName', value: dnsNameOf(element) };
    case context(3, true):
      return { kind: 'x400Address', value: element.whole };
    case context(4, true):
      return {
        kind: 'directoryName',
        value: distinguishedName(element.content),
        der: element.content,
      };
    case context(5, true):
      return { kind: 'ediPartyName', value: element.whole };
    case context(6, false):
      return { kind: 'uri', value: location ? ascii(element.content) : uriOf(element) };
    case context(7, false):
      return { kind: 'ip', value: ipText(element.content) };
    case context(8, false):
      return { kind: 'registeredId', value: element.whole };
    default:
      throw malformed('a general name of no known kind');
  }
}

function readOtherName(element: Element): OtherName {
  const reader = element.members();
  const oid = oidOf(reader.next(0x06));
  const value = DerReader.only(reader.next(context(0, true)).whole, context(0, true));
  reader.end();
  const inner = value.next();
  value.end();
  return { oid, value: inner.whole };
}

function upnOf(value: Uint8Array): string {
  const text = stringOf(new DerReader(value).next());
  if (text === undefined || text === '' || /\p{C}/u.test(text))
    throw malformed('a UPN that is no text');
  return text;
}

function dnsNameOf(element: Element): string {
  const name = ascii(element.content).toLowerCase();
  if (!isPresentedDnsName(name)) throw malformed('a DNS name that is none');
  return name;
}

function emailOf(element: Element): string {
  const text = ascii(element.content);
  const at = text.lastIndexOf('@');
  const host = text.slice(at + 1).toLowerCase();
  // RFC 5280 section 4.2.1.6: a bare addr-spec. Quoted local parts are legal, unused and confusing.
  if (!/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+$/.test(text.slice(0, Math.max(at, 0)))) {
    throw malformed('a mail address that is none');
  }
  if (host.startsWith('*') || !isPresentedDnsName(host))
    throw malformed('a mail address without a host');
  return `${text.slice(0, at)}@${host}`;
}

function uriOf(element: Element): string {
  const text = ascii(element.content);
  // RFC 3986: the characters a URI may hold, after a scheme. What the scheme makes of it is its own affair.
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/.test(text)) {
    throw malformed('a URI that is none');
  }
  // Section 4.2.1.6: never a relative one, and these schemes always name a host.
  if (/^(?:https?|ftp|ldaps?|wss?):(?!\/\/[^/?#])/i.test(text)) {
    throw malformed('a URI without a host');
  }
  return text;
}
