import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';

const root = resolve(import.meta.dirname, '../..');

describe('the demonstration', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('ends with 0 where every exchange ended as it must', async () => {
    const { code, output } = await run('../../examples/demonstration/main.ts');
    assert.equal(code, 0, output);
    assert.match(output, /20 of 20 exchanges ended as they must/);
    assert.match(output, /presents +verifies +proves +confirms/);
  });

  it('ends with 1 under a verifier that accepts everything', async () => {
    const { code, output } = await run('accepts-everything.ts');
    assert.equal(code, 1, output);
    assert.match(
      output,
      /nobody: no certificate .*accepted, 200 <- WRONG: the request got through/,
    );
  });

  it('ends with 1 under a client that confirms nothing', async () => {
    const { code, output } = await run('confirms-nothing.ts');
    assert.equal(code, 1, output);
    assert.match(output, /right name, other CA .*accepted, 200 <- WRONG: the request got through/);
  });

  function run(script: string): Promise<{ code: number | null; output: string }> {
    const file = resolve(import.meta.dirname, script);
    const tsx = resolve(root, 'node_modules/tsx/dist/esm/index.mjs');
    // As a user runs it: without the settings of these tests.
    const { TSX_TSCONFIG_PATH: _, ...env } = process.env;
    const child = spawn(process.execPath, ['--import', tsx, file, '--once'], {
      cwd: directory,
      env,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((done) => child.on('close', (code) => done({ code, output })));
  }
});
