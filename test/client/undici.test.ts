import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { authority, credentials, site } from './support.ts';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;

// What a project without undici, or with an old one, sees: our sources in a folder of their own.
const program = `
  import { request } from 'node:https';
  import { createClient, mtlsClient } from './src/client/index.ts';

  const { origin, ca, cert, key } = JSON.parse(process.env.SETTING);
  const client = createClient({
    methods: [mtlsClient({ cert, key })],
    server: { origins: [origin], ca },
  });
  const said = (error) => [error.name, error.path, error.message].join(' | ');
  try {
    client.dispatcher;
  } catch (error) {
    console.log(said(error));
  }
  await client.fetch(origin).catch((error) => console.log(said(error)));
  request(origin, { agent: client.agent }, (response) => {
    response.on('data', (chunk) => console.log(String(chunk))).on('end', () => client.close());
  }).end();
`;

describe('a client without a fitting undici', () => {
  const folders: string[] = [];
  after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  for (const [what, version, fix] of [
    [
      'needs none for its agent, and says what fetch and dispatcher need',
      undefined,
      /need it; npm/,
    ],
    ['refuses one that is too old', '6.21.0', /6\.21\.0 is too old; npm install undici@7/],
  ] as const) {
    it(what, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'countersign-'));
      folders.push(folder);
      await cp(join(root, 'src'), join(folder, 'src'), { recursive: true });
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
      await writeFile(join(folder, 'main.ts'), program);
      if (version !== undefined) {
        const undici = join(folder, 'node_modules/undici');
        await mkdir(undici, { recursive: true });
        await writeFile(join(undici, 'package.json'), JSON.stringify({ version, main: 'i.js' }));
        await writeFile(join(undici, 'i.js'), '');
      }
      await using there = await site();
      const { cert, key } = credentials;
      const setting = { origin: there.origin, ca: authority.cert, cert, key };
      const { stdout } = await run(
        process.execPath,
        ['--import', import.meta.resolve('tsx'), join(folder, 'main.ts')],
        { cwd: folder, env: { SETTING: JSON.stringify(setting) } },
      );
      const [byDispatcher = '', byFetch, byAgent] = stdout.trim().split('\n');
      assert.match(byDispatcher, /^ConfigError \| undici \| /);
      assert.match(byDispatcher, fix);
      assert.equal(byFetch, byDispatcher);
      assert.equal(byAgent, 'hello');
    });
  }
});
