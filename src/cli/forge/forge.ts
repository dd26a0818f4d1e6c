import { ProgressLine } from '../progress.ts';
import type { ForgedField } from './fields.ts';
import { probesOf, type Probe } from './probes.ts';
import { send, type Answer, type Target } from './send.ts';
import { judge, uselessBaseline, type Verdict } from './verdict.ts';

/** Everything that was found out about one URL. */
export interface Findings {
  readonly url: URL;
  /** The answer to a request without any field. */
  readonly baseline: Answer;
  /** Why that answer leaves nothing to test. */
  readonly useless: string | undefined;
  readonly results: readonly Result[];
  /** How many probes there would have been, had the server gone on to answer. */
  readonly planned: number;
}

export interface Result {
  readonly probe: Probe;
  readonly answer: Answer;
  readonly verdict: Verdict;
}

/** Sends every probe of these fields, one after the other: it is no test of strength. */
export async function forge(
  target: Target,
  fields: readonly ForgedField[],
  certificate: Uint8Array | undefined,
): Promise<Findings> {
  const { url } = target;
  const baseline = await send(target, []);
  const useless = uselessBaseline(baseline);
  if (useless !== undefined) return { url, baseline, useless, results: [], planned: 0 };

  const probes = fields.flatMap((field) => probesOf(field, certificate));
  const results: Result[] = [];
  const line = new ProgressLine('Sending forged fields');
  for (const probe of probes) {
    if (isGone(results)) break;
    line.show(results.length / probes.length);
    const answer = await send(target, probe.lines);
    results.push({ probe, answer, verdict: judge(probe, answer, baseline.status!) });
  }
  line.clear();
  return { url, baseline, useless, results, planned: probes.length };
}

/** Whether the server has stopped answering. To wait for it a hundred times would take half an hour. */
function isGone(results: readonly Result[]): boolean {
  const last = results.slice(-3);
  return last.length === 3 && last.every(({ answer }) => answer.status === undefined);
}
