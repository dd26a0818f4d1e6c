// npm run test:nodes [-- --smoke] [--only 24] [test/client ...]
//
// The suite on every Node that people run, each fetched from the npm registry. `--smoke` is the part of it
// where Nodes differ most, on all of them but the one that runs this: that one has `npm test`.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { leftOut, root, runTests, testFiles } from './suite.ts';

const majors = ['20', '22', '24', '26'];

// TLS on both ends, fetch, how modules load.
const smoke = ['test/adapters', 'test/attacks', 'test/client', 'test/package/doors.test.ts'];
const slow = ['test/attacks/many-connections.test.ts'];

const { values, positionals } = parseArgs({
  options: { smoke: { type: 'boolean' }, only: { type: 'string', multiple: true } },
  allowPositionals: true,
});
const run = promisify(execFile);
const verdictReporter = new URL('./verdict-reporter.mjs', import.meta.url).href;

interface Node {
  readonly version: string;
  readonly program: string;
  /** Where it lies, and what it says of its tests. */
  readonly directory: string;
}

/** What the reporter writes. */
interface Verdict {
  readonly tests: number;
  readonly passed: number;
  /** Each with the suites it stands in. */
  readonly failed: readonly string[];
  /** Skipped or still to do, whole suites as well. */
  readonly skipped: readonly string[];
}

const files =
  values.smoke === true
    ? testFiles(smoke).filter((file) => !slow.includes(file))
    : testFiles(positionals);
if (leftOut !== undefined) console.log(leftOut);

const nodes = await inPairs(values.only ?? majors.filter(isWanted), install);
console.log(`${files.length} files on Node ${nodes.map(({ version }) => version).join(', ')}`);
if (!nodes.map(passes).every(Boolean)) process.exitCode = 1;

function isWanted(major: string): boolean {
  return values.smoke !== true || !process.version.startsWith(`v${major}.`);
}

async function install(major: string): Promise<Node> {
  const directory = join(root, 'node_modules/.cache/countersign-nodes', major);
  mkdirSync(directory, { recursive: true });
  const name = `node-${process.platform}-${process.arch}`;
  const nothingElse = ['--no-save', '--no-package-lock', '--ignore-scripts'];
  await run('npm', ['install', ...nothingElse, '--prefix', directory, `${name}@${major}`]);
  const program = join(directory, 'node_modules', name, 'bin/node');
  const { stdout } = await run(program, ['--version']);
  return { version: stdout.trim().slice(1), program, directory };
}

/** Runs the files on a Node and prints how they did. No test at all, or one skipped, is no pass. */
function passes({ version, program, directory }: Node): boolean {
  const report = join(directory, 'report.txt');
  const outcome = join(directory, 'verdict.json');
  const reporters = { spec: report, [verdictReporter]: outcome };
  const args = Object.entries(reporters).flatMap(([reporter, destination]) => [
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${destination}`,
  ]);
  rmSync(outcome, { force: true });
  const start = performance.now();
  const succeeded = runTests(program, files, args);
  const seconds = Math.round((performance.now() - start) / 1000);
  const { tests, passed, failed, skipped } = readVerdict(outcome);
  console.log(
    `Node ${version}: ${tests} tests, ${passed} pass, ${failed.length} fail, ${skipped.length} skipped, ${seconds} s`,
  );
  for (const name of failed) console.log(`  failed: ${name}`);
  for (const name of skipped) console.log(`  skipped: ${name}`);
  const good = succeeded && tests > 0 && failed.length === 0 && skipped.length === 0;
  if (!good) console.log(`  all it said: ${relative(root, report)}`);
  return good;
}

// A Node that gave up before the end has written nothing.
function readVerdict(file: string): Verdict {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (text === '') return { tests: 0, passed: 0, failed: [], skipped: [] };
  return JSON.parse(text) as Verdict;
}

/** What `work` makes of each item, two at a time, in the items' order. */
async function inPairs<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
