// How options are checked. A misspelt or unset option must not quietly open a door, so whatever is
// not understood is refused while the program starts, with the nearest known name.
import { ConfigError } from './errors.ts';

/**
 * Checks that `options` is a plain object whose members are all among `known` and all set.
 *
 * @returns its own members and no others: a polluted `Object.prototype` must not open a door
 * @throws ConfigError for anything else; a member that is present but `undefined` counts as unset.
 */
export function checkOptions<Options>(
  path: string,
  options: Options,
  known: readonly string[],
): Options {
  if (!isPlainObject(options)) {
    throw new ConfigError(path, `must be a plain object with ${list(known)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      throw new ConfigError(join(path, name), `is not an option.${suggestion(name, known)}`);
    }
    if (value === undefined) {
      throw new ConfigError(
        join(path, name),
        'is undefined (an unset environment variable?); give a value or leave the option out',
      );
    }
  }
  return { __proto__: null, ...options };
}

/**
 * As `checkOptions`, for options that are given anew with every call: what is plainly in order is taken as
 * it is, at a hundredth of the cost.
 */
export function quickOptions<Options extends object>(
  path: string,
  options: Options,
  known: readonly string[],
): Options {
  if (!isPlainObject(options)) return checkOptions(path, options, known);
  for (const name in options) {
    // Members that are inherited come by here too, so a polluted prototype is seen.
    if (!known.includes(name) || options[name] === undefined || !Object.hasOwn(options, name)) {
      return checkOptions(path, options, known);
    }
  }
  return options;
}

/** Checks a duration in seconds. @throws ConfigError where it is none, or looks like milliseconds. */
export function checkSeconds(path: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new ConfigError(path, 'must be a number of seconds greater than 0');
  }
  if (value > 86_400 * 366) {
    throw new ConfigError(
      path,
      `${value} seconds is over a year; durations are seconds, not milliseconds`,
    );
  }
  return value;
}

/** `" Did you mean \`x\`?"` for a near miss, else the list of what there is. */
export function suggestion(given: string, known: readonly string[]): string {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(best.name.length / 3))
    ? ` Did you mean \`${best.name}\`?`
    : ` Known: ${list(known)}`;
}

/** `path.name`, or `name` alone at the top. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

// A Promise, a Map or an instance of a class would read as an object without any option.
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with Object.prototype, of which there is one in every realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
