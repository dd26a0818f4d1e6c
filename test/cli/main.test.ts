import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { temporaryDirectory } from '../pki/openssl.ts';
import { countersign } from './countersign.ts';

const directory = temporaryDirectory();
const run = (...args: string[]) => countersign(directory, ...args);
const pki = ['pki init', 'pki issue', 'pki renew', 'pki revoke'];
const commands = [...pki, 'keys new', 'inspect', 'verify-path', 'doctor'];

function assertFits(text: string): void {
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
}

describe('countersign', { concurrency: 4 }, () => {
  it('lists its commands when asked for help', async () => {
    for (const args of [['--help'], ['-h'], ['pki', '--help'], ['pki', '-h']]) {
      const { code, out, err } = await run(...args);
      assert.equal(code, 0);
      assert.equal(err, '');
      assertFits(out);
      for (const command of args[0] === 'pki' ? pki : commands) {
        assert.match(out, new RegExp(`^  ${command} `, 'm'));
      }
    }
  });

  it('knows its version', async () => {
    const manifest = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    assert.deepEqual(await run('--version'), { code: 0, out: `${version}\n`, err: '' });
  });

  for (const command of commands) {
    it(`explains ${command}, without doing it`, async () => {
      const { code, out, err } = await run(...command.split(' '), '--help');
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, new RegExp(`Usage: countersign ${command}`));
      assert.match(out, /--json  /);
      assertFits(out);
    });
  }

  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [[], /which command\? See countersign --help/],
    [['pki'], /which pki command\? See countersign pki --help/],
    [['pkj'], /no command "pkj"\. Did you mean `pki`\?/],
    [['pki', 'isue'], /no command "pki isue"\. Did you mean `pki issue`\?/],
    [['pki', 'zzzzzzzz'], /no command "pki zzzzzzzz"\. Known: `pki init`/],
    [['pki', 'issue', 'a', '--dnss', 'x'], /no option --dnss\. Did you mean `--dns`\?/],
    [['pki', 'issue', 'a', '--__proto__'], /no option --__proto__\./],
    [['pki', 'issue', 'a', '-x'], /no option -x\./],
    [['pki', 'issue'], /<name> is missing/],
    [['pki', 'issue', 'a', 'b'], /"b" is one argument too many/],
    [['pki', 'issue', 'a', '--dns'], /--dns needs a value: --dns=<name>/],
    [['pki', 'issue', 'a', '--dns', '--json'], /--dns needs a value/],
    [['pki', 'issue', 'a', '--dns='], /--dns needs a value/],
    [['pki', 'issue', 'a', '--json=yes'], /--json takes no value/],
    [['pki', 'issue', 'a', '--spiffe', 'x', '--spiffe', 'y'], /--spiffe can be given only once/],
    [['inspect'], /<file> is missing/],
    [['inspct'], /no command "inspct"\. Did you mean `inspect`\?/],
    [['pki', 'init', '--days', 'ten'], /--days must be a whole number/],
    [['pki', 'init', '--days', '0'], /days: must be a whole number from 1/],
    [['pki', 'init', '--key-type', 'rsa'], /keyType: no "rsa"/],
  ];
  for (const [args, message] of wrong) {
    it(`answers ${JSON.stringify(args)} with exit code 2 and what is wrong`, async () => {
      const { code, out, err } = await run(...args);
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.match(err, message);
      assert.match(err, /^countersign: .*\n(See countersign .* --help\n)?$/);
    });
  }
});
