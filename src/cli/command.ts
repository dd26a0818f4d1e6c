import { parseArgs } from 'node:util';
import { suggestion } from '../options.ts';

/** One command of the program: what it is called, what it takes, what it does. */
export interface Command {
  /** All its words: `pki issue`. */
  readonly name: string;
  readonly summary: string;
  /** What it takes besides options, in order; all are required. */
  readonly operands: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** Whatever the reader should know beyond the options. */
  readonly notes?: string;
  run(input: Input): Report | Promise<Report>;
}

export interface Option {
  /** What its value is, for the help; left out where it takes none. */
  readonly value?: string;
  /** Whether it may be given more than once. */
  readonly multiple?: boolean;
  readonly help: string;
}

/** What a command was given. */
export interface Input {
  /** One for each of the command's operands. */
  readonly operands: readonly string[];
  /** The values of an option, in order; empty where it was not given. */
  values(option: string): readonly string[];
  /** The value of an option that is given once at most. */
  value(option: string): string | undefined;
  has(option: string): boolean;
}

/** What a command answers: the same once for people, once for programs. */
export interface Report {
  readonly text: string;
  readonly json: unknown;
  /** The command was done and its answer is no: exit code 1. */
  readonly failed?: boolean;
}

/** The program was called wrongly. The message says how to call it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Options that every command has. */
export const commonOptions: Readonly<Record<string, Option>> = {
  json: { help: 'Answer in JSON.' },
  help: { help: 'Show this help.' },
};

/** @throws UsageError for what the command does not take, and for what it lacks. */
export function parseInput(command: Command, args: readonly string[]): Input {
  const options: Readonly<Record<string, Option>> = { ...command.options, ...commonOptions };
  // Not strict: the messages of `parseArgs` know no nearest name. Everything it would refuse is
  // refused below.
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value }]) => [
        name,
        {
          type: value === undefined ? 'boolean' : 'string',
          ...(name === 'help' && { short: 'h' }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const operands: string[] = [];
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) {
      throw new UsageError(
        `no option ${token.rawName}.${suggestion(token.rawName, Object.keys(options).map(dashed))}`,
      );
    }
    const value = checkedValue(token.rawName, option, token.value, token.inlineValue === true);
    const before = given.get(token.name) ?? [];
    if (before.length > 0 && option.multiple !== true) {
      throw new UsageError(`${token.rawName} can be given only once`);
    }
    given.set(token.name, [...before, value]);
  }

  const help = given.has('help');
  const missing = command.operands[operands.length];
  if (missing !== undefined && !help) throw new UsageError(`<${missing}> is missing`);
  if (operands.length > command.operands.length) {
    throw new UsageError(`${JSON.stringify(operands.at(-1))} is one argument too many`);
  }
  return {
    operands,
    values: (name) => given.get(name) ?? [],
    value: (name) => given.get(name)?.[0],
    has: (name) => given.has(name),
  };
}

function checkedValue(
  name: string,
  option: Option,
  value: string | undefined,
  inline: boolean,
): string {
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`${name} takes no value`);
    return '';
  }
  // `--dns --json` is far more often a forgotten value than a name that begins with a hyphen.
  if (value === undefined || value === '' || (!inline && value.startsWith('-'))) {
    throw new UsageError(`${name} needs a value: ${name}=<${option.value}>`);
  }
  return value;
}

function dashed(name: string): string {
  return `--${name}`;
}
