#!/usr/bin/env node
// Exit codes: 0 done, 1 it could not be done or the answer is no, 2 the call was wrong. Answers go to
// standard output and faults, one line each, to standard error.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ConfigError } from '../errors.ts';
import { suggestion } from '../options.ts';
import { parseInput, UsageError, type Command } from './command.ts';
import { doctor } from './doctor.ts';
import { commandHelp, overview } from './help.ts';
import { inspect } from './inspect.ts';
import { keysNew } from './keys.ts';
import { pkiCommands } from './pki.ts';
import { verifyPath } from './verify-path.ts';

const commands: readonly Command[] = [...pkiCommands, keysNew, inspect, verifyPath, doctor];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let command: Command | undefined;
  try {
    const [first, second] = args;
    if (first === '--version') return print(`${version()}\n`);
    if (first === '--help' || first === '-h') return print(overview(commands));
    if (second === '--help' || second === '-h') {
      if (isGroup(first)) return print(overview(commands, first));
    }
    command = commandOf(args);
    const input = parseInput(command, args.slice(command.name.split(' ').length));
    if (input.has('help')) return print(commandHelp(command));
    const { text, json, failed = false } = await command.run(input);
    print(input.has('json') ? `${jsonText(json)}\n` : text);
    return failed ? 1 : 0;
  } catch (error) {
    return fail(error, command);
  }
}

function commandOf(args: readonly string[]): Command {
  const found = commands.find(({ name }) =>
    name.split(' ').every((word, position) => args[position] === word),
  );
  if (found !== undefined) return found;
  const [group, word] = args;
  if (group === undefined) throw new UsageError('which command? See countersign --help');
  const names = commands.map(({ name }) => name);
  if (!isGroup(group)) {
    const words = [...new Set(names.map((name) => name.split(' ')[0]!))];
    throw new UsageError(`no command ${JSON.stringify(group)}.${suggestion(group, words)}`);
  }
  if (word === undefined) {
    throw new UsageError(`which ${group} command? See countersign ${group} --help`);
  }
  const given = `${group} ${word}`;
  const members = names.filter((name) => name.startsWith(`${group} `));
  throw new UsageError(`no command ${JSON.stringify(given)}.${suggestion(given, members)}`);
}

function isGroup(word: string | undefined): word is string {
  return commands.some(({ name }) => name.startsWith(`${word} `));
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** The same to programs, and harmless on a terminal: names in it may be a stranger's. */
function jsonText(json: unknown): string {
  return JSON.stringify(json, null, 2).replace(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      const unit = character.charCodeAt(i).toString(16).padStart(4, '0');
      return `\\u${unit}`;
    }).join(''),
  );
}

function fail(error: unknown, command: Command | undefined): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`countersign: ${message.replaceAll('\n', ' ')}\n`);
  if (!(error instanceof UsageError) && !(error instanceof ConfigError)) return 1;
  if (command !== undefined) {
    process.stderr.write(`See countersign ${command.name} --help\n`);
  }
  return 2;
}

function version(): string {
  const manifest = createRequire(import.meta.url).resolve('countersign/package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
