// Nest 11 is installed beside this file, in a folder of its own; next to it the package is installed as
// npm would publish it, so that it finds that Nest and no other.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { project } from '../../package/project.ts';
import { runContract } from '../contract.ts';
import { type Nest, nestAdapter } from './nest-adapter.ts';

const home = join(import.meta.dirname, 'nest-11');
const require = createRequire(join(home, 'package.json'));
const { directory } = project({ 'package.json': {} });
const modules = join(directory, 'node_modules');
mkdirSync(join(modules, '@nestjs'));
for (const name of ['@nestjs/common', '@nestjs/core']) {
  symlinkSync(join(home, 'node_modules', name), join(modules, name));
}
const load = (file: string): Promise<unknown> =>
  import(pathToFileURL(join(modules, 'countersign/dist/adapters', file)).href);
const nest: Nest = {
  common: require('@nestjs/common') as Nest['common'],
  core: require('@nestjs/core') as Nest['core'],
  express: require('@nestjs/platform-express') as Nest['express'],
  fastify: require('@nestjs/platform-fastify') as Nest['fastify'],
  door: (await load('nest/index.js')) as Nest['door'],
  outer: (await load('express.js')) as Nest['outer'],
};

describe('countersign/nest beside Nest 11', () => {
  it('stands on the Nest of the application', () => {
    const { version } = require('@nestjs/common/package.json') as { version: string };
    assert.match(version, /^11\./);
    assert.ok(nest.door.MutualAuthException.prototype instanceof nest.common.HttpException);
  });
});

runContract(nestAdapter('Nest 11 on Express', nest, 'express'));
runContract(nestAdapter('Nest 11 on Fastify', nest, 'fastify'));
