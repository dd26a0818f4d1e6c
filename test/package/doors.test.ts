import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { doors, manifest, type Project, project, root } from './project.ts';

// All that a door might be tempted to load is there.
const installed = ['@nestjs', 'express', 'koa', 'passport', 'reflect-metadata', 'rxjs', 'undici'];

// The folders that each door is made of, besides the core's own files.
const x509 = ['x509', 'x509/crl', 'x509/ocsp', 'x509/path'];
const http = ['http', 'http/message-signatures', 'http/structured-fields'];
const proxies = ['proxies', 'proxies/decoders'];
const core = [...x509, ...proxies, ...http, 'crypto', 'peer', 'stores', 'revocation', 'trust'];
const folders: Readonly<Record<string, readonly string[]>> = {
  countersign: [...core, 'methods/mtls'],
  'countersign/client': [
    ...core,
    'client',
    'http/message-signatures',
    'http/structured-fields',
    'methods/mtls',
    'methods/signature',
  ],
  'countersign/express': [...core, 'node', 'methods/mtls'],
  'countersign/koa': [...core, 'node', 'methods/mtls'],
  'countersign/nest': [...core, 'node', 'methods/mtls', 'adapters/nest'],
  'countersign/passport': [...core, 'node', 'methods/mtls', 'adapters/passport'],
  'countersign/node': [...core, 'node', 'methods/mtls'],
  'countersign/signature': [...http, 'crypto', 'stores', 'methods/signature'],
  'countersign/testing': [...core, 'pki'],
};

describe('a door', () => {
  it('exists in dist, with its types', () => {
    for (const target of Object.values(manifest.exports)) {
      for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
        assert.ok(existsSync(join(root, path)), path);
      }
    }
  });

  const user = project({ 'package.json': { type: 'module' } }, installed);
  for (const door of doors) {
    it(`${door} loads no other package`, (t) => {
      const files = load(user, door);
      const foreign = files.filter((file) => !file.includes('/node_modules/countersign/dist/'));
      // Nest's decorators and exceptions are Nest's own; that they bring no server along is the point.
      const servers = foreign.filter((file) => /node_modules.(express|fastify|koa)/.test(file));
      assert.deepEqual(door === 'countersign/nest' ? servers : foreign, []);
      assert.ok(files.length > foreign.length);
      t.diagnostic(`import('${door}') took ${importTime(user, door).toFixed(1)} ms`);
    });

    it(`${door} is made of its own folders`, async () => {
      const { metafile } = await build({
        entryPoints: [sourceOf(door)],
        absWorkingDir: root,
        bundle: true,
        packages: 'external',
        format: 'esm',
        platform: 'node',
        metafile: true,
        write: false,
      });
      const allowed = folders[door];
      assert.ok(allowed !== undefined, `say in this test what ${door} may load`);
      const elsewhere = Object.keys(metafile.inputs).filter((file) => {
        const folder = dirname(file).replace(/^src\/?/, '');
        return folder !== '' && folder !== 'adapters' && !allowed.includes(folder);
      });
      assert.deepEqual(elsewhere, []);
    });
  }

  it('that loaded a framework would be noticed', () => {
    const files = load(user, 'express');
    assert.ok(files.some((file) => file.includes('/node_modules/express/')));
  });
});

/** The source that a door of package.json is bundled from. */
function sourceOf(door: string): string {
  const target = manifest.exports[door.replace(/^countersign/, '.')];
  assert.ok(typeof target === 'object');
  return target.default.replace('./dist/', '').replace(/\.js$/, '.ts');
}

// V8's coverage names every script that was loaded, by import and by require.
function load({ directory, run }: Project, door: string): string[] {
  const coverage = join(directory, 'coverage', door);
  const { status, stderr } = run(
    process.execPath,
    ['--input-type=module', '--eval', `await import('${door}');`],
    { NODE_V8_COVERAGE: coverage },
  );
  assert.equal(status, 0, stderr);
  const [report] = readdirSync(coverage);
  const { result } = JSON.parse(readFileSync(join(coverage, report!), 'utf8')) as {
    result: readonly { url: string }[];
  };
  return result
    .map(({ url }) => url)
    .filter((url) => url.startsWith('file:'))
    .map((url) => fileURLToPath(url))
    .filter((file) => !file.endsWith('[eval1]'));
}

// The best of five processes. Reported and never asserted: another program may have the processor.
function importTime({ node }: Project, door: string): number {
  const source = `const start = performance.now();
    await import('${door}');
    console.log(performance.now() - start);`;
  const times = Array.from({ length: 5 }, () =>
    Number(node('--input-type=module', '--eval', source).stdout),
  );
  return Math.min(...times);
}
