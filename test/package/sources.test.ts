import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { authErrorStatus } from '../../src/errors.ts';
import { manifest, root } from './project.ts';

const published = files('src', 'adapters', 'examples');

describe('the sources', () => {
  it('are plain ASCII, so that no character looks like another', () => {
    const odd = published.filter((file) => /[^\n\x20-\x7e]/.test(text(file)));
    assert.deepEqual(odd, []);
  });

  it('have adapters of less than 100 lines of code', () => {
    const adapters = files('adapters');
    assert.ok(adapters.length > 0);
    for (const file of adapters) {
      const lines = linesOfCode(text(file));
      assert.ok(lines < 100, `${file} has ${lines}`);
    }
  });

  it('throw every code of an AuthError somewhere', () => {
    const code = files('src', 'adapters')
      .filter((file) => file !== 'src/errors.ts')
      .map(text)
      .join('\n');
    const unused = Object.keys(authErrorStatus).filter((name) => !code.includes(`'${name}'`));
    assert.deepEqual(unused, []);
  });

  it('name no directory of the machine they were written on, and no package registry', () => {
    const everywhere = [
      ...files('src', 'adapters', 'examples', 'test', '.ci', '.github'),
      ...readdirSync(root).filter((name) => /\.(?:json|jsonc|md)$/.test(name)),
      '.npmrc',
      '.oxlintrc.json',
    ];
    const machine = /(?:^|[\s'"`(=:])\/(?:work|home|Users)\/\w/m;
    const registry = /https?:\/\/[\w.-]*\bregistry\b/;
    const telling = everywhere.filter(
      (file) => machine.test(text(file)) || registry.test(text(file)),
    );
    assert.deepEqual(telling, []);
  });

  it('count only code as code', () => {
    assert.equal(
      linesOfCode("// a\n\n/* b\n  c\n*/\nd(); // e\n/** f */\nconst g = '// h'; /* i */\n"),
      2,
    );
  });
});

describe('package-lock.json', () => {
  it('names no host to fetch a package from', () => {
    assert.doesNotMatch(text('package-lock.json'), /"resolved": "https?:/);
  });
});

describe('CHANGELOG.md', () => {
  it('has an entry for the version in package.json', () => {
    assert.ok(
      text('CHANGELOG.md')
        .split('\n')
        .some((line) => line.startsWith(`## [${manifest.version}]`)),
    );
  });
});

/** The files under our folders, as paths from the root. */
function files(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.includes('node_modules'))
      .map((name) => join(folder, name))
      .filter((path) => statSync(join(root, path)).isFile()),
  );
}

function text(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

// A comment starts where a line of ours does, or after the code; none stands within it.
function linesOfCode(source: string): number {
  return source
    .replaceAll(/^\s*\/\*[^]*?\*\/[ \t]*$/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}
