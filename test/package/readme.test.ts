// README's snippets run as they stand against the packed package: only ports, origins and file names are
// replaced. One that begins with `// name.ts` is a program; the others stand in the middle of one, which
// is written around them here.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { authErrorStatus } from '../../src/errors.ts';
import { type Running, freePort, start } from '../interop/proxies/running.ts';
import {
  readmeProgram,
  readmeService,
  readmeSnippets,
  serverNames,
} from '../interop/proxies/servers.ts';
import { type Project, project, root } from './project.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

interface Snippet {
  readonly language: string;
  readonly line: number;
  readonly source: string;
}

const snippets = [...readme.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(
  ({ 1: language, 2: source, index }): Snippet => ({
    language: language!,
    line: readme.slice(0, index).split('\n').length,
    source: source!,
  }),
);
const programs = snippets.filter(({ language }) =>
  /^(?:ts|js|typescript|javascript)$/.test(language),
);

/** The only snippet that says this. */
function snippetWith(text: string): string {
  const found = programs.filter(({ source }) => source.includes(text));
  assert.equal(found.length, 1, `${found.length} snippets in README.md say ${text}`);
  return found[0]!.source;
}

const [port, apiPort, policyPort] = [await freePort(), await freePort(), await freePort()];
const [trustPort, signedPort] = [await freePort(), await freePort()];

const serverSnippet = snippetWith('// server.ts');
const clientSnippet = snippetWith('// client.ts');
const trustSnippet = snippetWith('trustAnchors, revocation');
const policySnippet = snippetWith("app.post('/pay'");
const rotatingSnippet = snippetWith('mtlsClient(async');
const signedServerSnippet = snippetWith('proof: signedResponses');
const signedClientSnippet = snippetWith('signatureClient(');
const storeSnippet = snippetWith('redisStore(');
const testingSnippet = snippetWith("from 'countersign/testing'");

// Each stands between what makes its application and what serves it, on a port of its own.
const frameworks = {
  express: {
    snippet: snippetWith("app.get('/me', (req, res)"),
    head: "import express from 'express'; const app = express();",
    tail: 'createServer(tls, app).listen(port);',
  },
  koa: {
    snippet: snippetWith("from 'countersign/koa'"),
    head: "import Koa from 'koa'; const app = new Koa();",
    tail: 'createServer(tls, app.callback()).listen(port);',
  },
  nest: {
    snippet: snippetWith("from 'countersign/nest'"),
    head: `
      import 'reflect-metadata';
      import { Controller, Get, Module } from '@nestjs/common';
      import { APP_GUARD, NestFactory } from '@nestjs/core';
      import { AllowAnonymous, type Identity, MutualAuth, PeerIdentity } from 'countersign/nest';`,
    tail: `
      @Controller('me')
      @AllowAnonymous()
      class MeController {
        @Get()
        @MutualAuth({ allow: [{ trustDomain: 'bank.example' }] })
        me(@PeerIdentity() peer: Identity) { return peer; }
      }
      @Module({ imports, providers, controllers: [MeController] })
      class AppModule {}
      const app = await NestFactory.create(AppModule, { httpsOptions: tls, logger: false });
      await app.listen(port);`,
  },
  passport: {
    snippet: snippetWith("from 'countersign/passport'"),
    head: "import express from 'express'; import passport from 'passport'; const app = express();",
    tail: `
      app.get('/me', (req, res) => res.json(req.user));
      createServer(tls, app).listen(port);`,
  },
  node: {
    snippet: snippetWith("server.on('upgrade'"),
    head: `
      import { type WebSocket, WebSocketServer } from 'ws';
      const server = createServer(tls);
      const sockets = new WebSocketServer({ noServer: true });
      const greet = (socket: WebSocket) => socket.close();`,
    tail: 'server.listen(port);',
  },
};
const frameworkPorts = Object.fromEntries(
  await Promise.all(Object.keys(frameworks).map(async (name) => [name, await freePort()] as const)),
);
const frameworkPrograms = Object.entries(frameworks).map(([name, { head, snippet, tail }]) => [
  `${name}.ts`,
  `import { readFileSync as file } from 'node:fs';
  import { createServer } from 'node:https';
  import { createVerifier, mtls } from 'countersign';
  const tls = {
    cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem'),
    requestCert: true, rejectUnauthorized: false,
  };
  const port = ${frameworkPorts[name]};
  export const verifier = createVerifier({ methods: [mtls()] });
  ${head}
  ${snippet}
  ${tail}`,
]);

const clientHead = `
  import { readFileSync } from 'node:fs';
  import { createClient, mtlsClient } from 'countersign/client';
  const ca = readFileSync('ca.pem');`;

const files = {
  'server.ts': serverSnippet.replaceAll('8443', String(port)),
  'client.ts': clientSnippet.replaceAll('8443', String(port)),
  // The same server with the certificate that the client of `rotating.ts` expects.
  'api.ts': serverSnippet
    .replaceAll('8443', String(apiPort))
    .replaceAll('server.pem', 'api.pem')
    .replaceAll('server.key', 'api.key'),
  'policies.ts': `
    import { readFileSync as file } from 'node:fs';
    import { createServer } from 'node:https';
    import express from 'express';
    const app = express();
    ${policySnippet}
    const tls = { cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem') };
    createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app).listen(${policyPort});`,
  'trusting.ts': `
    import { readFileSync as file } from 'node:fs';
    import { createServer } from 'node:https';
    import express from 'express';
    import { mutualAuth } from 'countersign/express';
    const app = express();
    const books = (req: express.Request, res: express.Response) => void res.json(req.identity);
    ${trustSnippet.replace('staff-ca.pem', 'ca.pem').replace('/books', '/me')}
    const tls = { cert: file('server.pem'), key: file('server.key') };
    createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app).listen(${trustPort});`,
  'signed.ts': `
    import { readFileSync as file } from 'node:fs';
    import { createServer } from 'node:https';
    import express from 'express';
    const app = express();
    const read = (name: string) => file('keys/' + name);
    ${signedServerSnippet.replaceAll('8443', String(signedPort))}
    app.get('/me', (req, res) => void res.json(req.identity));
    createServer({ cert: file('server.pem'), key: file('server.key') }, app).listen(${signedPort});`,
  'signing.ts': `
    import { readFileSync as file } from 'node:fs';
    import { createClient } from 'countersign/client';
    import { signatureClient } from 'countersign/signature';
    const read = (name: string) => file('keys/' + name);
    const ca = file('ca.pem');
    const origins = ['https://localhost:${signedPort}'];
    ${signedClientSnippet.replaceAll('8443', String(signedPort))}
    const { subject } = (await response.json()) as { subject: string };
    console.log(response.status, subject, client.identityOf(response).evidence['proof']?.subject);
    await client.close();`,
  'paying.ts': `${clientHead}
    const origin = 'https://localhost:${policyPort}';
    for (const name of ['chief', 'teller']) {
      const { fetch, close } = createClient({
        methods: [mtlsClient({ cert: readFileSync(name + '.pem'), key: readFileSync(name + '.key') })],
        server: { origins: [origin], ca },
      });
      const response = await fetch(origin + '/pay', { method: 'POST' });
      const { subject } = (await response.json()) as { subject?: string };
      console.log(response.status, subject ?? '-');
      await close();
    }`,
  'rotating.ts': `${clientHead}
    import { readFile as read } from 'node:fs/promises';
    ${rotatingSnippet
      .replaceAll('https://api.bank.example', `https://localhost:${apiPort}`)
      .replaceAll('cert.pem', 'teller.pem')
      .replaceAll('key.pem', 'teller.key')}
    const response = await client.fetch('https://localhost:${apiPort}/');
    console.log(client.identityOf(response).subject);
    await client.close();`,
  'asking.ts': `${clientHead}
    import { get } from 'node:https';
    const url = 'https://localhost:' + process.argv[2] + '/me';
    const { fetch, close } = createClient({
      methods: [mtlsClient({ cert: readFileSync('teller.pem'), key: readFileSync('teller.key') })],
      server: { origins: [new URL(url).origin], ca },
    });
    const response = await fetch(url);
    console.log(response.status, (await response.text()).includes('spiffe://bank.example/teller'));
    await close();
    get(url, { ca, agent: false }, (refusal) => console.log(refusal.resume().statusCode));`,
  ...Object.fromEntries(frameworkPrograms),
  // They run behind their servers in test/interop/proxies.
  ...Object.fromEntries(serverNames.map((name) => [`behind-${name}.ts`, readmeProgram(name)])),
  // Only compiled and loaded: a Redis is among the foreign peers of test/interop.
  'storing.ts': `
    ${storeSnippet.replace('new Redis()', 'new Redis({ lazyConnect: true })')}
    console.log(typeof store.add);`,
  'testing.ts': `
    import { mutualAuth, identityOf } from 'countersign/express';
    import { createServer } from 'node:https';
    import express from 'express';
    ${testingSnippet}
    const app = express();
    app.use(mutualAuth(fakeVerifier(fakeIdentity({ subject: 'spiffe://bank.example/teller' }))));
    app.get('/', (req, res) => res.json(identityOf(req)));
    console.log(typeof testAuthority, typeof testServer, typeof createServer);`,
};

const compilerOptions = {
  strict: true,
  target: 'ES2022',
  module: 'nodenext',
  experimentalDecorators: true,
  types: ['node'],
  outDir: 'out',
};

describe('README.md', () => {
  let user: Project;
  const running: Running[] = [];

  before(() => {
    user = project(
      {
        'package.json': { type: 'module' },
        'tsconfig.json': {
          compilerOptions: { ...compilerOptions, skipLibCheck: true },
          include: ['*.ts'],
        },
        ...files,
      },
      [
        '@nestjs',
        '@types',
        'express',
        'ioredis',
        'koa',
        'passport',
        'reflect-metadata',
        'rxjs',
        'undici',
        'undici-types',
        'ws',
      ],
    );
  });
  after(async () => {
    for (const program of running) await program[Symbol.asyncDispose]();
  });

  it('shows its first snippet of code within its first 20 lines', () => {
    assert.ok(programs[0]!.line <= 20);
  });

  it('runs every snippet of code in this test, or behind a proxy in another', () => {
    const shown = [serverSnippet, clientSnippet, trustSnippet, policySnippet];
    shown.push(
      rotatingSnippet,
      testingSnippet,
      signedServerSnippet,
      signedClientSnippet,
      storeSnippet,
    );
    shown.push(...Object.values(frameworks).map(({ snippet }) => snippet));
    shown.push(readmeService, ...serverNames.map((name) => readmeSnippets(name).statement));
    assert.deepEqual(
      programs.filter(({ source }) => !shown.includes(source)),
      [],
    );
  });

  it('makes the certificates with the commands it names', () => {
    const commands = snippets
      .filter(({ language }) => language === 'sh')
      .flatMap(({ source }) => source.trim().split('\n'))
      .filter((line) => line.startsWith('npx countersign pki'));
    assert.ok(commands.length >= 3);
    // Names that other snippets take for granted.
    commands.push(
      'npx countersign pki issue chief --dir . --spiffe spiffe://bank.example/tellers/chief --client',
      'npx countersign pki issue api --dir . --dns localhost --spiffe spiffe://bank.example/api --server',
    );
    commands.push('npx countersign keys new device-7 api --dir keys');
    commands.push('npx countersign pki init --dir partners', 'mkdir crls', 'cp crl.pem crls');
    for (const command of commands) {
      const program = command.replace('npx ', 'node_modules/.bin/');
      const { status, stderr } = user.run('sh', ['-c', program]);
      assert.equal(status, 0, `${command}: ${stderr}`);
    }
  });

  it('has snippets that TypeScript accepts', () => {
    const { status, stdout } = user.tsc();
    assert.equal(status, 0, stdout);
  });

  it('has a server and a client that prove themselves to each other', async () => {
    await run('server', port);
    const { status, stdout, stderr } = user.node('out/client.js');
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim(), "{ hello: 'spiffe://bank.example/teller' }");
  });

  it('has sets of trust anchors, of which a route asks for one', async () => {
    await run('trusting', trustPort);
    const { stdout, stderr } = user.node('out/asking.js', String(trustPort));
    assert.equal(stderr, '');
    assert.equal(stdout, '200 true\n403\n');
  });

  it('has a service and a client that sign for each other, in a few lines', async () => {
    await run('signed', signedPort);
    const { stdout, stderr } = user.node('out/signing.js');
    assert.equal(stderr, '');
    assert.equal(stdout, '200 key:device-7 key:api\n');
    const lengthOf = (source: string): number => source.trim().split('\n').length;
    assert.ok(lengthOf(signedServerSnippet) <= 12);
    assert.ok(lengthOf(signedClientSnippet) <= 6);
  });

  it('has policies that let the right peers pay', async () => {
    await run('policies', policyPort);
    const { stdout, stderr } = user.node('out/paying.js');
    assert.equal(stderr, '');
    assert.equal(stdout, '200 spiffe://bank.example/tellers/chief\n403 -\n');
  });

  it('has a client that reads its credentials anew and expects a SPIFFE ID', async () => {
    await run('api', apiPort);
    const { stdout, stderr } = user.node('out/rotating.js');
    assert.equal(stderr, '');
    assert.equal(stdout.trim(), 'spiffe://bank.example/api');
  });

  for (const [name, at] of Object.entries(frameworkPorts)) {
    it(`has a service on ${name} that answers the teller, and nobody without a certificate`, async () => {
      await run(name, at);
      const { stdout, stderr } = user.node('out/asking.js', String(at));
      assert.equal(stderr, '');
      assert.equal(stdout, `200 true\n${name === 'passport' ? 401 : 403}\n`);
    });
  }

  it('has a test kit', () => {
    const { stdout, stderr } = user.node('out/testing.js');
    assert.equal(stderr, '');
    assert.equal(stdout.trim(), 'function function function');
  });

  it('has a store in Redis', () => {
    const { stdout, stderr } = user.node('out/storing.js');
    assert.equal(stderr, '');
    assert.equal(stdout.trim(), 'function');
  });

  it('lists every code of an AuthError with its status, and no other', () => {
    const rows = [...readme.matchAll(/^\| `(ERR_\w+)`\s*\| (\d{3})/gm)];
    assert.deepEqual(
      Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)])),
      authErrorStatus,
    );
    assert.equal(rows.length, Object.keys(authErrorStatus).length);
  });

  it('names no code that does not exist', () => {
    const unknown = readme.match(/ERR_\w+/g)!.filter((code) => !(code in authErrorStatus));
    assert.deepEqual(unknown, []);
  });

  async function run(name: string, at: number): Promise<void> {
    const { directory } = user;
    const program = { command: process.execPath, args: [`out/${name}.js`], directory, port: at };
    running.push(await start(program));
  }
});
