import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PkiDirectory } from '../../src/pki/pki-directory.ts';
import { temporaryDirectory } from './openssl.ts';

const directory = new PkiDirectory(join(temporaryDirectory(), 'pki'));
directory.create();
const lock = directory.file('.lock');

describe('PkiDirectory', () => {
  it('replaces a file as a whole, with its mode', () => {
    directory.write('a.key', 'one', 0o644);
    directory.write('a.key', 'two', 0o600);
    assert.equal(directory.read('a.key'), 'two');
    assert.equal(statSync(directory.file('a.key')).mode & 0o777, 0o600);
  });

  it('leaves nothing behind where a file cannot be written', () => {
    const before = readdirSync(directory.path);
    assert.throws(() => directory.write('none/a.key', 'one', 0o600), /cannot write .*a\.key/);
    assert.deepEqual(readdirSync(directory.path), before);
  });

  it('ends its lock also where the change fails', () => {
    const fail = () => {
      assert.ok(existsSync(lock));
      throw new Error('no');
    };
    assert.throws(() => directory.exclusively(fail), /^Error: no$/);
    assert.equal(existsSync(lock), false);
  });

  it('waits for another process and then names its lock, which stays', () => {
    writeFileSync(lock, '1\n');
    const begun = performance.now();
    assert.throws(
      () => directory.exclusively(() => assert.fail('two at once'), 100),
      /another process is changing this PKI; .*delete .*\.lock/,
    );
    assert.ok(performance.now() - begun >= 99);
    assert.ok(existsSync(lock));
    rmSync(lock);
    assert.equal(
      directory.exclusively(() => 'done'),
      'done',
    );
  });
});
