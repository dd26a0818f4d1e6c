import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { WatchedFiles } from '../../src/trust/watched-files.ts';
import { configError } from '../support/errors.ts';
import { directoryFor, minutes, rotationErrors, until } from '../support/files.ts';

let options = 0;

/** Files in a directory of their own, watched, with everything that was seen of them. */
function watched(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  ...names: string[]
) {
  const directory = directoryFor(context);
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const clock = minutes(context);
  const seen: string[][] = [];
  // Its own: a look of the test before may still be under way, and says so to everybody.
  const option = `option ${++options}`;
  const failures = rotationErrors(context, option);
  let fail = false;
  const watch = new WatchedFiles(
    option,
    names.map((name) => join(directory, name)),
    (list) => {
      seen.push(list.map(({ bytes }) => bytes.toString()));
      if (fail) throw new Error('not taken');
    },
  );
  return {
    directory,
    write,
    seen,
    failures,
    /** Looks again, after a minute. */
    look: () => {
      clock.pass();
      watch.refresh();
    },
    refresh: () => watch.refresh(),
    refuse: (flag: boolean) => void (fail = flag),
  };
}

describe('WatchedFiles', () => {
  it('reads files and directories at once, in the order of names', (context) => {
    const files = { 'b.pem': 'b', 'a.crt': 'a', 'c.CER': 'c', 'd.der': 'd', 'e.crl': '-' };
    const other = { 'f.txt': 'f', '.g.pem': 'g', 'h.pem.bak': 'h', 'i.pemx': 'i', j: 'j' };
    const { seen } = watched(context, { ...files, ...other }, 'f.txt', '');
    assert.deepEqual(seen, [['f', 'a', 'b', 'c', 'd']]);
  });

  for (const [what, change] of [
    ['is written anew', ({ write }) => write('a.pem', 'longer')],
    [
      'is replaced by another of the same length',
      ({ write, directory }) => {
        write('new', 'b');
        renameSync(join(directory, 'new'), join(directory, 'a.pem'));
      },
    ],
    ['comes into a directory', ({ write }) => write('b.pem', 'b')],
    ['leaves a directory', ({ directory }) => rmSync(join(directory, 'a.pem'))],
  ] satisfies readonly [string, (files: ReturnType<typeof watched>) => void][]) {
    it(`reads again when a file ${what}`, async (context) => {
      const files = watched(context, { 'a.pem': 'a' }, '');
      change(files);
      files.look();
      await until(() => files.seen.length === 2);
      assert.notDeepEqual(files.seen[1], files.seen[0]);
      assert.deepEqual(files.failures, []);
    });
  }

  it('follows a link that is turned, as certificate managers turn them', async (context) => {
    const directory = directoryFor(context);
    for (const version of ['1', '2']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'ca.pem'), version);
    }
    symlinkSync('1', join(directory, 'current'));
    const clock = minutes(context);
    const seen: string[] = [];
    const watch = new WatchedFiles('x', [join(directory, 'current', 'ca.pem')], ([file]) =>
      seen.push(file!.bytes.toString()),
    );
    symlinkSync('2', join(directory, 'next'));
    renameSync(join(directory, 'next'), join(directory, 'current'));
    clock.pass();
    watch.refresh();
    await until(() => seen.length === 2);
    assert.deepEqual(seen, ['1', '2']);
  });

  it('does not look twice within five seconds, nor read what has not changed', async (context) => {
    const files = watched(context, { 'a.pem': 'a' }, 'a.pem');
    files.write('a.pem', 'first');
    files.refresh();
    files.look();
    files.refresh();
    await until(() => files.seen.length === 2);
    // Another look finds the same; the one after finds a change, and only that is told.
    files.look();
    files.write('a.pem', 'second change');
    await until(() => {
      files.look();
      return files.seen.length > 2;
    });
    assert.deepEqual(files.seen.slice(0, 2), [['a'], ['first']]);
    assert.deepEqual(files.seen.at(-1), ['second change']);
  });

  it('says when files cannot be read any more, and takes them when they can', async (context) => {
    const files = watched(context, { 'a.pem': 'a' }, 'a.pem');
    rmSync(join(files.directory, 'a.pem'));
    files.look();
    await until(() => files.failures.length === 1);
    assert.match(String(files.failures[0]), /ENOENT/);
    files.write('a.pem', 'again');
    await until(() => {
      files.look();
      return files.seen.length === 2;
    });
    assert.deepEqual(files.seen[1], ['again']);
  });

  it('does not ask again about files that were refused, until they change', async (context) => {
    const files = watched(context, { 'a.pem': 'a' }, 'a.pem');
    files.refuse(true);
    files.write('a.pem', 'bad one');
    files.look();
    await until(() => files.failures.length === 1);
    files.refuse(false);
    files.look();
    files.write('a.pem', 'better one');
    await until(() => {
      files.look();
      return files.seen.length > 2;
    });
    assert.deepEqual(files.seen, [['a'], ['bad one'], ['better one']]);
  });

  it('refuses what cannot be read at first, with the option and the way out', (context) => {
    const missing = join(directoryFor(context), 'missing.pem');
    assert.throws(
      () => new WatchedFiles('mtls.trustAnchors', [missing], () => undefined),
      configError('mtls.trustAnchors', /ENOENT.*give PEM text, or the path/),
    );
  });

  it('looks at nothing where there are no files', (context) => {
    const { seen, look } = watched(context, {});
    look();
    assert.deepEqual(seen, [[]]);
  });
});
