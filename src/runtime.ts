import { announce } from './events.ts';

// When each release line ends that our `engines` admit, as the Node.js project has it in its schedule.
// Later lines are not known to end; they are newer than this table.
const endOfLife: Readonly<Record<string, string>> = {
  20: '2026-04-30',
  21: '2024-06-01',
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
  26: '2029-04-30',
};

/**
 * Why a version of Node is no safe ground for TLS; undefined where it is.
 *
 * Only the release line counts. That an earlier release of a living line lacks fixes is not seen.
 *
 * @param version as in `process.version`
 */
export function insecureRuntime(version: string, now: Date): string | undefined {
  const major = /^v?(\d+)\./.exec(version)?.[1] ?? '';
  const end = endOfLife[major];
  if (end === undefined || now < new Date(end)) return undefined;
  return `Node.js ${major} is past its end of life (${end}): holes in its TLS are no longer closed`;
}

let reported = false;

/**
 * Publishes `insecure-runtime` where this Node is past its end of life: once per process, when first
 * somebody listens. A channel keeps nothing, so before that the event would be lost.
 */
export function reportRuntime(): void {
  if (reported) return;
  const { version } = process;
  const reason = insecureRuntime(version, new Date());
  if (reason !== undefined) reported = announce('insecure-runtime', { version, reason });
}
