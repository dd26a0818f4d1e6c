// Distinguished names as text (RFC 4514). The text is an identity, so it must be impossible to write
// a name that reads as another one: every special, control and direction-changing character is escaped.
import { DerReader, type Element, ascii, malformed, oidOf, tag } from './der.ts';

// RFC 4514 section 3, RFC 4519, and emailAddress as everybody writes it.
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'GN',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

// Character strings whose letters nobody can be sure of: shown as they are.
const strings: ReadonlySet<number> = new Set([tag.teletexString, tag.universalString]);

/** The name in RFC 4514 text, most specific part first; empty for an empty name. */
export function distinguishedName(name: Uint8Array): string {
  const parts: string[] = [];
  const sequence = DerReader.only(name, tag.sequence);
  while (!sequence.done) {
    const set = sequence.enter(tag.set);
    const attributes: string[] = [];
    do {
      const pair = set.enter(tag.sequence);
      const type = oidOf(pair.next(tag.oid));
      attributes.push(attributeText(type, pair.next()));
      pair.end();
    } while (!set.done);
    parts.push(attributes.join('+'));
  }
  return parts.toReversed().join(',');
}

function attributeText(type: string, value: Element): string {
  const name = shortNames[type];
  // Also where it is not shown: a text that is none refuses the name, before anybody compares it.
  const text = stringOf(value);
  if (name !== undefined && text === undefined && !strings.has(value.tag)) {
    throw malformed('a name whose text is none');
  }
  return name === undefined || text === undefined
    ? `${type}=#${Buffer.from(value.whole).toString('hex')}`
    : `${name}=${escaped(text)}`;
}

/** Every attribute of a Name in DER, whichever RDN it is in. @throws AuthError `ERR_CERTIFICATE_MALFORMED` */
export function attributesOf(name: Uint8Array): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const sequence = DerReader.only(name, tag.sequence);
  while (!sequence.done) {
    const set = sequence.enter(tag.set);
    do {
      const pair = set.enter(tag.sequence);
      attributes.push({ type: oidOf(pair.next(tag.oid)), value: pair.next() });
      pair.end();
    } while (!set.done);
  }
  return attributes;
}

/** One attribute of a distinguished name: its type as OID. */
export interface Attribute {
  readonly type: string;
  readonly value: Element;
}

/** The text of a character string; undefined for kinds whose character set is not certain. */
export function stringOf(value: Element): string | undefined {
  switch (value.tag) {
    case tag.utf8String:
      return utf8(value.content);
    case tag.printableString:
    case tag.ia5String:
    case tag.numericString:
    case tag.visibleString:
      return ascii(value.content);
    case tag.bmpString:
      return utf16(value.content);
    // TeletexString means T.61 to some and Latin-1 to others; UniversalString is not in use.
    default:
      return undefined;
  }
}

function escaped(text: string): string {
  return text
    .replace(/^[ #]|["+,;<>\\]| $/g, '\\$&')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
      Buffer.from(character).toString('hex').replace(/../g, '\\$&'),
    );
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('text that is not UTF-8');
  }
}

function utf16(bytes: Uint8Array): string {
  if (bytes.length % 2 !== 0) throw malformed('a BMPString of an odd length');
  const text = Buffer.from(bytes).swap16().toString('utf16le');
  if (/\p{Cs}/u.test(text)) throw malformed('a BMPString with half a character');
  return text;
}
