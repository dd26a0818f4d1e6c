import { commonOptions, type Command, type Option } from './command.ts';

/** The help of one command. */
export function commandHelp(command: Command): string {
  const operands = command.operands.map((name) => ` <${name}>`).join('');
  const options = Object.entries({ ...command.options, ...commonOptions });
  return [
    command.summary,
    '',
    `Usage: countersign ${command.name}${operands} [options]`,
    '',
    'Options:',
    ...columns(options.map(([name, option]) => [optionText(name, option), helpText(option)])),
    ...(command.notes === undefined ? [] : ['', command.notes]),
    '',
  ].join('\n');
}

/** The help of the program, or of those commands that begin with `group`. */
export function overview(commands: readonly Command[], group = ''): string {
  const members = commands.filter(({ name }) => group === '' || name.startsWith(`${group} `));
  const usage = group === '' ? '<command>' : `${group} <command>`;
  return [
    `Usage: countersign ${usage} [options]`,
    '',
    'Commands:',
    ...columns(members.map(({ name, summary }) => [name, summary])),
    '',
    'Each command explains itself: countersign <command> --help',
    '',
  ].join('\n');
}

/** Two columns, the first as wide as it must be. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function optionText(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

function helpText({ help, multiple }: Option): string {
  return multiple === true ? `${help} May be repeated.` : help;
}
