// README's two halves for each server, as they stand: the same ports, and files of the names they mention.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { sendOnce } from '../../support/connection.ts';
import { alice, bob } from '../../support/pki.ts';
import { type Project, project } from '../../package/project.ts';
import { start } from './running.ts';
import { readmeProgram, readmeSnippets, serverNames, startServer } from './servers.ts';
import { writeCertificates } from './site.ts';
import { written } from './visit.ts';

describe('README.md, behind a proxy', () => {
  let user: Project;
  before(() => {
    user = project(
      {
        'package.json': { type: 'module' },
        'tsconfig.json': {
          compilerOptions: {
            strict: true,
            target: 'ES2022',
            module: 'nodenext',
            types: ['node'],
            outDir: 'out',
            skipLibCheck: true,
          },
          include: ['*.ts'],
        },
        ...Object.fromEntries(serverNames.map((name) => [`${name}.ts`, readmeProgram(name)])),
      },
      ['@types', 'express', 'undici-types'],
    );
    const { status, stdout } = user.tsc();
    assert.equal(status, 0, stdout);
    writeCertificates(user.directory);
  });

  for (const name of serverNames) {
    it(`has a service that knows its clients behind ${name}`, async () => {
      const { directory } = user;
      const service = {
        command: process.execPath,
        args: [`out/${name}.js`],
        directory,
        port: 3000,
      };
      await using behind = await start(service);
      const { configuration } = readmeSnippets(name);
      await using proxy = await startServer(name, { directory, configuration, port: 8443 });

      const headers = { 'x-ssl-client-cert': written(name, bob) };
      for (const sent of [{}, { headers }]) {
        const { status, body } = await sendOnce(8443, { cert: alice.cert, key: alice.key }, sent);
        assert.equal(status, 200, proxy.output + behind.output);
        const { subject, evidence } = JSON.parse(body);
        assert.equal(subject, 'dns:alice.example');
        assert.equal(evidence.mtls.x5tS256, alice.x5tS256);
        assert.equal(evidence.mtls.source, 'proxy');
        assert.equal((await sendOnce(8443, {}, sent)).status, 403);
      }
    });
  }
});
