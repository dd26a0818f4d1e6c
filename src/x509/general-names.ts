// Subject alternative names (RFC 5280 section 4.2.1.6), each in the grammar of its kind. A name outside
// its grammar refuses the certificate: skipping it would hide an attack, keeping it would name somebody.
import { DerReader, type Element, ascii, context, malformed, oidOf } from './der.ts';
import { distinguishedName, stringOf } from './distinguished-name.ts';
import { isPresentedDnsName } from './dns-name.ts';
import { ipText } from './ip-address.ts';

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

const upnOid = '1.3.6.1.4.1.311.20.2.3';
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

/** Reads the extension's value. @throws AuthError `ERR_CERTIFICATE_MALFORMED` */
export function readGeneralNames(extension: Uint8Array): GeneralNames {
  const names = {
    dnsNames: [] as string[],
    emails: [] as string[],
    uris: [] as string[],
    ips: [] as string[],
    upns: [] as string[],
    directoryNames: [] as string[],
    otherNames: [] as OtherName[],
  };
  const reader = DerReader.only(extension, 0x30);
  do {
    const element = reader.next();
    switch (element.tag) {
      case context(0, true): {
        const other = readOtherName(element);
        if (other.oid === upnOid) names.upns.push(upnOf(other.value));
        else names.otherNames.push(other);
        break;
      }
      case context(1, false):
        names.emails.push(emailOf(element));
        break;
      case context(2, false):
        names.dnsNames.push(dnsNameOf(element));
        break;
      case context(4, true):
        names.directoryNames.push(distinguishedName(element.content));
        break;
      case context(6, false):
        names.uris.push(uriOf(element));
        break;
      case context(7, false):
        names.ips.push(ipText(element.content));
        break;
      case context(3, true): // x400Address
      case context(5, true): // ediPartyName
      case context(8, false): // registeredID
        break;
      default:
        throw malformed('a subject alternative name of no known kind');
    }
  } while (!reader.done);
  return names;
}

function readOtherName(element: Element): OtherName {
  const reader = new DerReader(element.content);
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
  return text;
}
