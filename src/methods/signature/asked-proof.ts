// What a request asks of the signature of its response: the member of Accept-Signature that has our tag.
// Members with other tags are other people's.
import { AuthError, quote } from '../../errors.ts';
import { parseDictionary } from '../../http/structured-fields/parse.ts';
import { isInnerList } from '../../http/structured-fields/values.ts';
import { responseTag } from './coverage.ts';

/** How the signature of a response is to be labelled, and what makes it the answer to this one request. */
export interface AskedProof {
  readonly label: string;
  readonly nonce: string | undefined;
}

/** What is signed where nothing is asked. */
export const unasked: AskedProof = { label: 'cs', nonce: undefined };

// What our own clients write, so that the usual request is read in one step.
const usual =
  /^([a-z][a-z0-9_.*-]{0,63})=\(\);created;nonce="([ !#-[\]-~]{1,256})";tag="countersign-response"$/;

const limits = { name: 'accept-signature', maxLength: 16_384, maxMembers: 16 };

/**
 * What these lines ask of us; `unasked` where they ask others only. What is listed to be covered is not
 * looked at: our tag says what a signature covers.
 *
 * @throws AuthError `ERR_FIELD_MALFORMED`, or `ERR_SIGNATURE_MALFORMED` where the nonce is none or several
 * members are ours
 */
export function askedProof(lines: readonly string[]): AskedProof {
  if (lines.length === 0) return unasked;
  const [, plain, given] = (lines.length === 1 && usual.exec(lines[0]!)) || [];
  if (plain !== undefined) return { label: plain, nonce: given };
  let asked: AskedProof | undefined;
  for (const [label, member] of parseDictionary(lines, limits)) {
    if (member.parameters.get('tag') !== responseTag) continue;
    if (!isInnerList(member)) throw malformed(`${quote(label)} does not say what to cover`);
    if (asked !== undefined) throw malformed('several members are for this service');
    if (label.length > 64) throw malformed(`the label ${quote(label)} is too long`);
    const nonce = member.parameters.get('nonce');
    if (nonce !== undefined && !(typeof nonce === 'string' && /^[ -~]{1,256}$/.test(nonce))) {
      throw malformed('the nonce is no string of 1 to 256 characters');
    }
    asked = { label, nonce };
  }
  return asked ?? unasked;
}

function malformed(what: string): AuthError {
  return new AuthError('ERR_SIGNATURE_MALFORMED', `accept-signature: ${what}`);
}
