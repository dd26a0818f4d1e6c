// Name constraints (RFC 5280 section 4.2.1.10), as an extension states them.
import { DerReader, type Element, ascii, context, malformed, oidOf, tag } from './der.ts';
import { distinguishedName } from './distinguished-name.ts';
import { isHostName } from './dns-name.ts';
import { type CanonicalName, canonicalName } from './name-match.ts';

export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

/** One subtree of names of one form. */
export type Subtree =
  /** A host and all below it; empty for all there are. */
  | { readonly form: 'dnsName'; readonly base: string }
  /** A mailbox, a host, or with a leading dot all hosts below one; empty for all there are. */
  | { readonly form: 'email'; readonly base: string }
  /** A host, or with a leading dot all hosts below one; empty for all there are. */
  | { readonly form: 'uri'; readonly base: string }
  | { readonly form: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly form: 'directoryName'; readonly base: CanonicalName; readonly text: string }
  /** A form that cannot be compared: an otherName's with its OID, or the tag of another. */
  | { readonly form: `otherName ${string}` | `tag ${number}` };

/** Reads the extension's value. @throws AuthError `ERR_CERTIFICATE_MALFORMED` */
export function readNameConstraints(value: Uint8Array): NameConstraints {
  const reader = DerReader.only(value, tag.sequence);
  const permitted = reader.optional(context(0, true));
  const excluded = reader.optional(context(1, true));
  reader.end();
  // RFC 5280 section 4.2.1.10: never an empty sequence.
  if (permitted === undefined && excluded === undefined) throw malformed('empty name constraints');
  return { permitted: readSubtrees(permitted), excluded: readSubtrees(excluded) };
}

function readSubtrees(list: Element | undefined): readonly Subtree[] {
  if (list === undefined) return [];
  const reader = list.members();
  const subtrees: Subtree[] = [];
  do {
    const subtree = reader.enter(tag.sequence);
    subtrees.push(readBase(subtree.next()));
    // RFC 5280 section 4.2.1.10: minimum is zero and, as a default, left out; maximum is absent.
    if (!subtree.done) throw malformed('a name constraint with a minimum or maximum');
  } while (!reader.done);
  return subtrees;
}

function readBase(element: Element): Subtree {
  switch (element.tag) {
    case context(0, true):
      return { form: `otherName ${oidOf(element.members().next(tag.oid))}` };
    case context(1, false):
      return { form: 'email', base: emailBase(ascii(element.content)) };
    case context(2, false): {
      const base = ascii(element.content).toLowerCase();
      if (base !== '' && !isHostName(base))
        throw malformed('a name constraint that is no DNS name');
      return { form: 'dnsName', base };
    }
    case context(4, true):
      return {
        form: 'directoryName',
        base: canonicalName(element.content),
        text: distinguishedName(element.content),
      };
    case context(6, false):
      return { form: 'uri', base: hostBase(ascii(element.content)) };
    case context(7, false):
      return { form: 'ip', ...ipBase(element.content) };
    case context(3, true):
    case context(5, true):
    case context(8, false):
      return { form: `tag ${element.tag}` };
    default:
      throw malformed('a name constraint of no known kind');
  }
}

function emailBase(text: string): string {
  const at = text.indexOf('@');
  if (at < 1) return hostBase(text);
  const host = text.slice(at + 1).toLowerCase();
  // `user@.host` is neither of the three forms, and no more is `@host`: no mailbox would ever match them, and
  // what they were meant to exclude would be let in.
  if (!isHostName(host)) throw malformed('a name constraint that is no mailbox');
  return `${text.slice(0, at)}@${host}`;
}

function hostBase(text: string): string {
  const host = text.toLowerCase();
  if (host !== '' && !isHostName(host.replace(/^\./, ''))) {
    throw malformed('a name constraint that is no host');
  }
  return host;
}

function ipBase(content: Uint8Array): { address: Uint8Array; mask: Uint8Array } {
  if (content.length !== 8 && content.length !== 32) {
    throw malformed('a name constraint that is no address range');
  }
  const half = content.length / 2;
  const mask = content.subarray(half);
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
  // In the style of RFC 4632: ones, then zeros.
  if (!/^1*0*$/.test(bits)) throw malformed('a name constraint with holes in its mask');
  return { address: content.subarray(0, half), mask };
}
