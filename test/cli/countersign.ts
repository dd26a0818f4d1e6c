import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const tsx = import.meta.resolve('tsx');
// The tests' own setting is a path relative to another directory than the one the program runs in.
const env = {
  ...process.env,
  TSX_TSCONFIG_PATH: fileURLToPath(new URL('../tsconfig.json', import.meta.url)),
};

/** Runs the program in a directory, as a shell would. */
export function countersign(directory: string, ...args: readonly string[]): Promise<Outcome> {
  return countersignReading('', directory, ...args);
}

/** The same, with something to read from standard input. */
export function countersignReading(
  input: string | Uint8Array,
  directory: string,
  ...args: readonly string[]
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
      cwd: directory,
      env,
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', reject).once('close', (code) => resolve({ code, out, err }));
    // A program that reads nothing may be gone before this is written.
    child.stdin.on('error', () => {}).end(input);
  });
}
