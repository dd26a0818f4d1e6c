import type { Report } from '../command.ts';
import { columns, lineWidth, plain, wrapped } from '../layout.ts';
import type { Findings, Result } from './forge.ts';
import type { Answer } from './send.ts';
import { goodVerdicts, type Verdict } from './verdict.ts';

/** What there was to test with. */
export interface Means {
  /** Whether a certificate was at hand to be copied. */
  readonly hasCertificate: boolean;
  /** Whether the fields were named, and not only those that proxies are known to write. */
  readonly hasFields: boolean;
}

/** What came out, for people and for programs. */
export function forgeReport(findings: Findings, means: Means): Report {
  const { url, baseline, useless, results, planned } = findings;
  const failed = useless !== undefined || results.some(isBad);
  const notTested = useless === undefined ? untested(means) : [];
  return {
    text: [...(useless === undefined ? body(findings, notTested) : refusal(url, useless)), ''].join(
      '\n',
    ),
    json: {
      url: url.href,
      passed: !failed,
      ...(useless !== undefined && { reason: useless }),
      baseline,
      planned,
      probes: results.map(({ probe: { field, name, lines }, answer, verdict }) => ({
        field,
        probe: name,
        sent: lines.map(([sent]) => sent),
        ...answer,
        verdict,
      })),
      notTested,
    },
    failed,
  };
}

function refusal(url: URL, useless: string): readonly string[] {
  return wrapped(`Nothing was tested at ${url.href}: ${plain(useless)}.`);
}

function body(findings: Findings, notTested: readonly string[]): readonly string[] {
  const { url, baseline, results } = findings;
  return [
    ...wrapped(`${url.href} answers ${baseline.status} to a request without a certificate.`),
    '',
    ...table([['probe', 'field', 'answer', 'verdict'], ...rowsOf(results)]),
    '',
    ...legend(results),
    '',
    ...wrapped(summary(findings)),
    ...notTested.flatMap((text) => wrapped(`Not tested: ${text}`)),
  ];
}

type Row = readonly [probe: string, field: string, answer: string, verdict: string];

/** A field that is well has one row, and else one for each probe that failed. */
function rowsOf(results: readonly Result[]): readonly Row[] {
  const fields = [...new Set(results.map(({ probe }) => probe.field))];
  return fields.flatMap((field): readonly Row[] => {
    const own = results.filter(({ probe }) => probe.field === field);
    const bad = own.filter(isBad);
    if (bad.length > 0) {
      return bad.map(({ probe, answer, verdict }) => [
        probe.name,
        field,
        answerText(answer),
        `FAILED: ${verdict}`,
      ]);
    }
    const answers = [...new Set(own.map(({ answer }) => answerText(answer)))];
    const refused = own.filter(({ verdict }) => verdict === 'refused').length;
    const verdict = refused === 0 ? 'kept out' : `kept out, ${refused} refused`;
    return [[`all ${own.length}`, field, answers.sort().join(' '), verdict]];
  });
}

function table(rows: readonly Row[]): readonly string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]!.length));
  const widths = [width(0), width(1), width(2)];
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`);
}

const meanings: Readonly<Record<Verdict, string>> = {
  'kept out':
    'As without the field: the proxy overwrote or removed it, or the service does not read it.',
  refused: 'By the service, which saw it, or by the proxy.',
  'passed on':
    'The field reaches the service, which refused only what stood in it. Let the proxy overwrite or ' +
    'remove it in every request, also where its client shows no certificate. (A proxy that itself ' +
    'refuses the field looks the same.)',
  believed:
    'Not refused: whoever writes the field gets in. Let the proxy overwrite or remove it, and the ' +
    'service refuse what only looks like it.',
  unclear: 'No answer, a limit (429) or a failure: neither refused nor not. See the logs.',
};

function legend(results: readonly Result[]): readonly string[] {
  const found = new Set(results.map(({ verdict }) => verdict));
  const rows = Object.entries(meanings).filter(([verdict]) => found.has(verdict as Verdict));
  const reasons = new Set(results.flatMap(({ answer: { reason } }) => reason ?? []));
  return columns(
    [...rows, ...[...reasons].map((reason) => ['none', plain(reason)] as const)],
    lineWidth,
  );
}

function summary({ results, planned }: Findings): string {
  const bad = results.filter(isBad).length;
  const unsent = planned - results.length;
  if (bad === 0) return `Passed: all ${results.length} probes were refused.`;
  return `FAILED: ${bad} of ${results.length} probes.${
    unsent === 0 ? '' : ` The server no longer answers: ${unsent} more were not sent.`
  }`;
}

function untested({ hasCertificate, hasFields }: Means): readonly string[] {
  return [
    ...(hasCertificate
      ? []
      : [
          'whether a copy of a genuine certificate is believed. Give one that the service accepts, ' +
            'without its key: --cert=<file>.',
        ]),
    ...(hasFields
      ? []
      : ['fields with names of your own. Where your proxy writes one: --field=<name>.']),
  ];
}

function isBad({ verdict }: Result): boolean {
  return !goodVerdicts.includes(verdict);
}

function answerText({ status }: Answer): string {
  return status === undefined ? 'none' : String(status);
}
