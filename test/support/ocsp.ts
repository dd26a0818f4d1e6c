// OCSP responses taken apart and put together in ways that no option of the test kit makes.
import {
  enumerated,
  explicit,
  objectIdentifier,
  octetString,
  sequence,
} from '../../src/pki/der-writer.ts';
import { signed } from '../../src/pki/signing.ts';
import type { TestAuthority } from '../../src/pki/testing.ts';
import { DerReader } from '../../src/x509/der.ts';

/** A successful response of this type. */
export function ocspOfType(oid: string, basic: Uint8Array): Buffer {
  const typed = sequence(objectIdentifier(oid), octetString(basic));
  return sequence(enumerated(0), explicit(0, typed));
}

/** The fields of the ResponseData: responderID, producedAt, responses, responseExtensions. */
export function ocspFields(response: Uint8Array): readonly Buffer[] {
  const [, wrapper] = membersOf(response);
  const [typed] = membersOf(wrapper!);
  const [, octets] = membersOf(typed!);
  const [basic] = membersOf(octets!);
  const [data] = membersOf(basic!);
  return membersOf(data!);
}

/** The same response with other fields, signed by this authority. */
export function resigned(
  response: Uint8Array,
  { keyPair }: TestAuthority,
  change: (fields: readonly Buffer[]) => readonly Buffer[],
): Buffer {
  const data = sequence(...change(ocspFields(response)));
  const basic = signed(data, { key: keyPair.privateKey, hash: 'sha256' });
  return ocspOfType('1.3.6.1.5.5.7.48.1.1', basic);
}

/** One response with the answers of several. */
export function merged(responses: readonly Uint8Array[], authority: TestAuthority): Buffer {
  const answers = responses.flatMap((response) => membersOf(ocspFields(response)[2]!));
  return resigned(responses[0]!, authority, ([responder, producedAt]) => [
    responder!,
    producedAt!,
    sequence(...answers),
  ]);
}

/** The CertID of the first answer. */
export function certIdIn(response: Uint8Array): Buffer {
  const [answer] = membersOf(ocspFields(response)[2]!);
  return membersOf(answer!)[0]!;
}

function membersOf(element: Uint8Array): readonly Buffer[] {
  const members = new DerReader(new DerReader(element).next().content);
  const found: Buffer[] = [];
  while (!members.done) found.push(Buffer.from(members.next().whole));
  return found;
}
