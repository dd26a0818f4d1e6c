// What an impostor without a certificate would write. Folded lines are left out: Node.js sends none, and
// no server of HTTP/1.1 passes them on.
import type { FieldLine } from '../../exchange.ts';
import type { ForgedField } from './fields.ts';

export interface Probe {
  readonly field: string;
  /** What it tries, in as few words as a table has room for. */
  readonly name: string;
  readonly lines: readonly FieldLine[];
  /**
   * Whether it tells that the field gets through, be it refused there: a service behind countersign refuses
   * the value with 400. Of other probes only an answer that is no refusal tells something.
   */
  readonly tells: boolean;
}

/** No certificate in any encoding, no verdict, and nothing that stands for the absence of either. */
const undecodable = 'countersign-doctor';

/** @param certificate a genuine one, which anybody can copy who has seen it; undefined where none is at hand */
export function probesOf(
  { name, encodings, verdicts }: ForgedField,
  certificate: Uint8Array | undefined,
): readonly Probe[] {
  const holdsCertificates = encodings.length > 0;
  const copies = encodings.flatMap(({ name: encoding, encode }) =>
    certificate === undefined ? [] : [{ title: `, ${encoding}`, value: encode(certificate) }],
  );
  // A word that is no verdict would be refused as a bad one, like a request without a certificate.
  const value = holdsCertificates ? undecodable : verdicts[0]!;
  const twins = copies.length > 0 ? copies : [{ title: '', value }];
  const probe = (title: string, lines: readonly FieldLine[], tells = false): Probe => ({
    field: name,
    name: title,
    lines,
    tells,
  });
  return [
    ...(holdsCertificates ? [probe('exact', [[name, undecodable]], true)] : []),
    ...verdicts.map((verdict) => probe(`says ${verdict}`, [[name, verdict]], true)),
    // Names of fields have no case, so this is the same field.
    probe('upper case', [[name.toUpperCase(), value]], true),
    probe('two lines', [[name, value], [name, value]], true), // prettier-ignore
    ...copies.map((copy) => probe(`exact${copy.title}`, [[name, copy.value]])),
    ...twinsOf(name).flatMap(([separator, twin]) =>
      twins.map((one) => probe(`with ${separator}${one.title}`, [[twin, one.value]])),
    ),
    // Told so, a proxy in between takes the field out that the proxy before it wrote (RFC 9110 section 7.6.1).
    probe('Connection', [['connection', name]]),
  ];
}

/** Names that a service may not tell from this one. */
function twinsOf(name: string): readonly (readonly [separator: string, twin: string])[] {
  return ['-', '_', '.']
    .map((separator) => [separator, name.replace(/[-_.]/g, separator)] as const)
    .filter(([, twin]) => twin !== name);
}
