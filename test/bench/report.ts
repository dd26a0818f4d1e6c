import type { Summary } from './statistics.ts';

/** One line of the table: what was measured, and what design.md section 11 wants of it. */
export interface Row {
  readonly work: string;
  readonly value: Summary;
  readonly unit: '' | 'us' | 'ms' | 'bytes' | 'req/s';
  readonly target?: Target;
}

export interface Target {
  readonly text: string;
  readonly met: boolean;
}

/** A target that is met up to `limit`. */
export function atMost(limit: number, { median }: Summary): Target {
  return { text: `<= ${limit}`, met: median <= limit };
}

/** The rows as a table for people: a median, its quartiles, and the target where there is one. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ work, value, unit, target }) => [
    work,
    shown(value.median),
    `${shown(value.lower)} .. ${shown(value.upper)}`,
    unit,
    target?.text ?? '',
    target === undefined ? '' : target.met ? 'met' : 'MISSED',
  ]);
  const all = [['', 'median', 'quartiles', 'unit', 'target', ''], ...cells];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  return all
    .map((line) =>
      line
        .map((cell, i) =>
          i === 1 || i === 2 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shown(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}
