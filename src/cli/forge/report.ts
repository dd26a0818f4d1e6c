import type { Report } from '../command.ts';
import { plain, wrapped } from '../layout.ts';
import type { Probe } from './probes.ts';
import type { Answer } from './send.ts';
import { goodVerdicts, type Verdict } from './verdict.ts';

export interface Result {
  readonly probe: Probe;
  readonly answer: Answer;
  readonly verdict: Verdict;
}

/** Everything that was found out about one URL. */
export interface Findings {
  readonly url: URL;
  /** The answer to a request without any field. */
  readonly baseline: Answer;
  readonly results: readonly Result[];
  /** How many probes there would have been, had the server gone on to answer. */
  readonly planned: number;
  /** Whether a certificate was at hand to be copied. */
  readonly hasCertificate: boolean;
}

/** What came out, for people and for programs. */
export function forgeReport(findings: Findings): Report {
  const { url, baseline, results, planned, hasCertificate } = findings;
  const failed = results.some(isBad);
  return {
    text: [
      ...wrapped(
        `${plain(url.href)} answers ${baseline.status} to a request without a certificate.`,
      ),
      '',
      ...table([['probe', 'field', 'answer', 'verdict'], ...rowsOf(results)]),
      '',
      ...legend(results),
      ...wrapped(summary(findings)),
      ...(hasCertificate ? [] : wrapped(withoutCertificate)),
      '',
    ].join('\n'),
    json: {
      url: url.href,
      passed: !failed,
      baseline,
      planned,
      hasCertificate,
      probes: results.map(({ probe: { field, name, lines }, answer, verdict }) => ({
        field,
        probe: name,
        sent: lines.map(([sent]) => sent),
        ...answer,
        verdict,
      })),
    },
    failed,
  };
}

/** The report where nothing could be tested. */
export function uselessReport(url: URL, baseline: Answer, reason: string): Report {
  return {
    text: [...wrapped(`Nothing was tested at ${plain(url.href)}: ${plain(reason)}.`), ''].join(
      '\n',
    ),
    json: { url: url.href, passed: false, baseline, reason, planned: 0, probes: [] },
    failed: true,
  };
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
    const verdict = own.some((one) => one.verdict === 'refused') ? 'refused' : 'kept out';
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
    'as without the field: the proxy overwrote or removed it, or the service passes it over.',
  refused: 'the service saw it, or the proxy, and refused it.',
  'passed on':
    'the field reaches the service, which refused only what stood in it. The proxy must overwrite or remove it ' +
    'in every request, also where there is no certificate. (One that itself refuses the field looks the same.)',
  believed:
    'the request was not refused. Whoever can write such a field gets in: let no request past the proxy that has ' +
    'it, and let the service judge the certificate.',
  unclear:
    'no answer, a limit (429) or a failure (5xx), none of which is a refusal. Look into the logs.',
};

function legend(results: readonly Result[]): readonly string[] {
  const found = new Set(results.map(({ verdict }) => verdict));
  const order = Object.keys(meanings) as readonly Verdict[];
  return order
    .filter((verdict) => found.has(verdict))
    .flatMap((verdict) => [...wrapped(`${verdict}: ${meanings[verdict]}`), '']);
}

function summary({ results, planned }: Findings): string {
  const bad = results.filter(isBad).length;
  const unsent = planned - results.length;
  if (bad === 0) return `Passed: all ${results.length} probes were refused.`;
  return `FAILED: ${bad} of ${results.length} probes.${
    unsent === 0 ? '' : ` The server no longer answers: ${unsent} more were not sent.`
  }`;
}

const withoutCertificate =
  'Not tested: whether a copy of a genuine certificate is believed. Give one that the service accepts: ' +
  '--cert=<file>; its key is not needed.';

function isBad({ verdict }: Result): boolean {
  return !goodVerdicts.includes(verdict);
}

function answerText({ status }: Answer): string {
  return status === undefined ? 'none' : String(status);
}
