import { commonOptions, type Command, type Option } from './command.ts';
import { columns, lineWidth, wrapped } from './layout.ts';

/** The help of one command. */
export function commandHelp(command: Command): string {
  const operands = command.operands.map((name) => ` <${name}>`).join('');
  const options = Object.entries({ ...command.options, ...commonOptions });
  return [
    ...wrapped(command.summary),
    '',
    `Usage: countersign ${command.name}${operands} [options]`,
    '',
    'Options:',
    ...columns(
      options.map(([name, option]) => [optionText(name, option), helpText(option)]),
      lineWidth,
    ),
    ...(command.notes === undefined ? [] : ['', ...wrapped(command.notes)]),
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
    ...columns(
      members.map(({ name, summary }) => [name, summary]),
      lineWidth,
    ),
    '',
    'Each command explains itself: countersign <command> --help',
    '',
  ].join('\n');
}

function optionText(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

function helpText({ help, multiple }: Option): string {
  return multiple === true ? `${help} May be repeated.` : help;
}
