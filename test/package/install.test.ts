import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { doors, project } from './project.ts';

const strict = { strict: true, noEmit: true, target: 'ES2022', types: ['node'] };

// Nest's decorators and exceptions are Nest's own, so that door alone does not stand without its framework.
const freestanding = doors.filter((door) => door !== 'countersign/nest');
// The types of these are their frameworks' own.
const typedAlone = freestanding.filter((door) => !/koa|passport/.test(door));

const importsOf = (some: readonly string[]): string =>
  some.map((door, index) => `import * as door${index} from '${door}';`).join('\n');
const usesOf = (some: readonly string[]): string =>
  `console.log(${some.map((_, index) => `Object.keys(door${index}).length`).join(', ')});`;

describe('the packed package', () => {
  it('is one package: it brings no other along', () => {
    const { directory, run } = project({ 'package.json': {} });
    assert.deepEqual(run('ls', ['node_modules']).stdout.trim().split('\n'), ['countersign']);
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) {
      assert.ok(existsSync(join(directory, 'node_modules/countersign', file)), file);
    }
  });

  it('lets an ES module import every door but that of Nest, without any peer dependency', () => {
    const { node } = project({
      'package.json': { type: 'module' },
      'main.js': `${importsOf(freestanding)}\n${usesOf(freestanding)}`,
    });
    const { status, stdout, stderr } = node('main.js');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.equal(stdout.trim().split(' ').length, freestanding.length);
    assert.ok(
      stdout.split(' ').every((count) => Number(count) > 0),
      stdout,
    );
  });

  it('lets CommonJS require every door, and gives it the same objects as an import', () => {
    const { node } = project(
      {
        'package.json': { type: 'commonjs' },
        'main.js': `
        const doors = ${JSON.stringify(doors)};
        Promise.all(doors.map(async (door) => {
          const required = require(door);
          const imported = await import(door);
          for (const name of Object.keys(imported)) {
            if (required[name] !== imported[name]) throw new Error(door + ' ' + name);
          }
          if (Object.keys(imported).length === 0) throw new Error(door);
        }));`,
      },
      ['@nestjs', 'rxjs', 'reflect-metadata'],
    );
    const { status, stderr } = node('--no-warnings', 'main.js');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  });

  for (const [style, compilerOptions, type] of [
    ['an ES module', { module: 'nodenext' }, 'module'],
    ['CommonJS', { module: 'nodenext' }, 'commonjs'],
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler' }, 'module'],
  ] as const) {
    it(`has types for TypeScript in ${style}, whole without any peer dependency`, () => {
      const { tsc } = project(
        {
          'package.json': { type },
          'tsconfig.json': {
            compilerOptions: { ...strict, ...compilerOptions },
            files: ['main.ts'],
          },
          'main.ts': `${importsOf(typedAlone)}
            ${usesOf(typedAlone)}
            import { AuthError, createVerifier, mtls } from 'countersign';
            import { mutualAuth, identityOf } from 'countersign/express';
            const middleware = mutualAuth(createVerifier({ methods: [mtls()] }));
            const subject: string = identityOf({}).subject;
            const status: number = new AuthError('ERR_NOT_ALLOWED', '').status;
            // @ts-expect-error: a code that nobody throws
            new AuthError('ERR_NO_SUCH_CODE', '');
            // @ts-expect-error: an option that does not exist
            mutualAuth({ method: [] });
            console.log(middleware, subject, status);`,
        },
        ['@types/node', 'undici-types'],
      );
      const { status, stdout } = tsc();
      assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
    });
  }

  it('has types for TypeScript beside every framework', () => {
    const { tsc } = project(
      {
        'package.json': { type: 'module' },
        'tsconfig.json': {
          compilerOptions: { ...strict, module: 'nodenext', skipLibCheck: true },
          files: ['main.ts'],
        },
        'main.ts': `${importsOf(doors)}
          ${usesOf(doors)}`,
      },
      ['@nestjs', '@types', 'koa', 'passport', 'reflect-metadata', 'rxjs', 'undici-types'],
    );
    const { status, stdout } = tsc();
    assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
  });

  it('carries a program that runs', () => {
    const { run } = project({ 'package.json': {} });
    const { status, stdout } = run('node_modules/.bin/countersign', ['--help']);
    assert.equal(status, 0);
    assert.match(stdout, /pki init/);
  });
});
