const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
export const day: number = 24 * hour;

const units: readonly (readonly [name: string, length: number])[] = [
  ['year', 365.25 * day],
  ['day', day],
  ['hour', hour],
  ['minute', minute],
  ['second', second],
];

/** `2026-01-31 12:00:00 UTC` */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/**
 * How far off an instant is: `in 12 days`, `3 days ago`. In the largest unit of which there are at least
 * two, so that little is lost by rounding down.
 */
export function distance(date: Date, now: Date): string {
  const milliseconds = Math.abs(date.getTime() - now.getTime());
  const [name, length] = units.find((unit) => milliseconds >= 2 * unit[1]) ?? ['second', second];
  const count = Math.floor(milliseconds / length);
  const text = `${count} ${name}${count === 1 ? '' : 's'}`;
  return date > now ? `in ${text}` : `${text} ago`;
}
