/** The middle of many measurements, and how far the middle half of them spreads. */
export interface Summary {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

/** Median and quartiles; a mean would follow whatever else the machine was doing. */
export function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: at(sorted, 0.5), lower: at(sorted, 0.25), upper: at(sorted, 0.75) };
}

/** What `combine` makes of the values that were measured next to each other. */
export function paired(
  left: readonly number[],
  right: readonly number[],
  combine: (left: number, right: number) => number,
): Summary {
  return summary(left.map((value, i) => combine(value, right[i]!)));
}

export const difference = (left: number, right: number): number => left - right;
export const ratio = (left: number, right: number): number => left / right;

function at(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
}
