// The rules of `npm run lint` that are ours: which layer may import which. Each row is a file that the
// linter sees in a tree of its own, and what it must say to one import there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { root, temporaryDirectory } from './project.ts';

interface Layer {
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

// Frameworks, and one package for all others.
const packages = ['express', 'koa', '@nestjs/common', 'passport', 'fastify', 'redis', 'left-pad'];
const io = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'http',
  'https',
  'timers',
  'child_process',
  'dns',
].map((name) => `node:${name}`);

const layers: Readonly<Record<string, Layer>> = {
  'src/core.ts': {
    may: ['./errors.ts', './http/authority.ts', './x509/der.ts', './peer/tls-peer.ts', 'node:http'],
    mayNot: [
      './methods/mtls/index.ts',
      './node/guard.ts',
      './client/client.ts',
      './pki/issue.ts',
      './cli/main.ts',
      '../adapters/express.ts',
      'undici',
      ...packages,
    ],
  },
  'src/index.ts': {
    may: [
      './verifier.ts',
      './methods/mtls/index.ts',
      './x509/certificate.ts',
      './peer/tls-peer.ts',
    ],
    mayNot: ['./methods/scram/index.ts', './node/guard.ts', './client/client.ts', ...packages],
  },
  'src/http/field.ts': {
    may: ['./authority.ts', '../errors.ts', '../options.ts', '../crypto/base64.ts', 'node:crypto'],
    mayNot: [
      '../exchange.ts',
      '../peer/tls-peer.ts',
      '../methods/mtls/index.ts',
      ...io,
      ...packages,
    ],
  },
  'src/http/message-signatures/sign.ts': {
    may: [
      './base.ts',
      '../authority.ts',
      '../structured-fields/parse.ts',
      '../../errors.ts',
      '../../maybe-promise.ts',
      '../../crypto/base64.ts',
      'node:crypto',
    ],
    mayNot: [
      '../../exchange.ts',
      '../../peer/tls-peer.ts',
      '../../methods/mtls/index.ts',
      ...io,
      ...packages,
    ],
  },
  'src/crypto/base64.ts': {
    may: ['../errors.ts', 'node:crypto'],
    mayNot: ['../x509/der.ts', '../http/authority.ts', '../options.ts', ...io, ...packages],
  },
  'src/x509/path.ts': {
    may: ['./der.ts', '../errors.ts', '../crypto/base64.ts', 'node:crypto'],
    mayNot: [
      '../identity.ts',
      '../methods/mtls/index.ts',
      '../node/guard.ts',
      '../client/client.ts',
      '../verifier.ts',
      '../http/authority.ts',
      ...io,
      ...packages,
    ],
  },
  'src/x509/path/builder.ts': {
    may: ['./rules.ts', '../der.ts', '../crl/crl.ts', '../../errors.ts', 'node:crypto'],
    mayNot: [
      '../../identity.ts',
      '../../options.ts',
      '../../trust/path-trust.ts',
      '../../http/authority.ts',
      ...io,
      ...packages,
    ],
  },
  'src/x509/ip-address.ts': {
    may: ['node:net', './der.ts'],
    mayNot: ['node:tls', '../options.ts'],
  },
  'src/peer/proxy.ts': {
    may: ['../errors.ts', '../x509/certificate.ts', 'node:tls'],
    mayNot: ['../verifier.ts', '../methods/mtls/index.ts', '../node/guard.ts', ...packages],
  },
  'src/proxies/statement.ts': {
    may: [
      './presets.ts',
      './decoders/xfcc.ts',
      '../errors.ts',
      '../exchange.ts',
      '../identity-match.ts',
      '../method.ts',
      '../http/authority.ts',
      '../x509/der.ts',
      '../peer/tls-peer.ts',
    ],
    mayNot: [
      '../verifier.ts',
      '../index.ts',
      '../methods/mtls/index.ts',
      '../trust/path-trust.ts',
      '../node/guard.ts',
      ...io,
      ...packages,
    ],
  },
  'src/proxies/decoders/xfcc.ts': {
    may: [
      './decoder.ts',
      '../../errors.ts',
      '../../crypto/base64.ts',
      '../../x509/der.ts',
      'node:crypto',
    ],
    mayNot: ['../statement.ts', '../../options.ts', '../../exchange.ts', ...io, ...packages],
  },
  'src/revocation/crl-source.ts': {
    may: [
      './fetcher.ts',
      '../x509/crl/crl.ts',
      '../errors.ts',
      '../options.ts',
      'node:fs/promises',
    ],
    mayNot: [
      '../verifier.ts',
      '../events.ts',
      '../methods/mtls/index.ts',
      '../peer/tls-peer.ts',
      '../node/guard.ts',
      ...packages,
    ],
  },
  'src/stores/memory.ts': {
    may: [
      './store.ts',
      '../errors.ts',
      '../events.ts',
      '../maybe-promise.ts',
      '../options.ts',
      'node:crypto',
    ],
    mayNot: ['../verifier.ts', '../methods/mtls/index.ts', 'ioredis', ...packages],
  },
  'src/methods/scram/server.ts': {
    may: [
      './protocol.ts',
      '../../http/authority.ts',
      '../../x509/certificate.ts',
      '../../crypto/base64.ts',
      '../../peer/tls-peer.ts',
      '../../stores/store.ts',
      '../../errors.ts',
      '../../exchange.ts',
      '../../identity.ts',
      '../../method.ts',
      '../../options.ts',
      'node:fs/promises',
    ],
    mayNot: [
      '../mtls/protocol.ts',
      '../../methods/mtls/protocol.ts',
      '../../stores/memory.ts',
      '../../verifier.ts',
      '../../policy.ts',
      '../../node/guard.ts',
      '../../client/client.ts',
      ...packages,
    ],
  },
  'src/methods/scram/protocol.ts': {
    may: ['node:crypto', '../../errors.ts', '../../http/authority.ts'],
    mayNot: ['../mtls/protocol.ts', ...io, ...packages],
  },
  'src/node/frontend.ts': {
    may: ['./guard.ts', '../verifier.ts', '../methods/mtls/index.ts', 'node:http'],
    mayNot: [
      '../client/client.ts',
      '../pki/issue.ts',
      '../cli/main.ts',
      '../../adapters/express.ts',
      'undici',
      ...packages,
    ],
  },
  'src/client/pool.ts': {
    may: [
      './client.ts',
      '../method.ts',
      '../methods/mtls/client.ts',
      '../methods/mtls/protocol.ts',
    ],
    mayNot: [
      '../methods/mtls/server.ts',
      '../methods/mtls/index.ts',
      '../node/guard.ts',
      '../pki/issue.ts',
      '../cli/main.ts',
      '../../adapters/express.ts',
      'undici',
      ...packages,
    ],
  },
  'src/pki/sign.ts': {
    may: ['./issue.ts', '../x509/der.ts', '../identity.ts'],
    mayNot: ['../node/guard.ts', '../client/client.ts', '../cli/main.ts', ...packages],
  },
  'src/cli/doctor.ts': {
    may: ['./command.ts', '../pki/issue.ts', '../client/client.ts', '../verifier.ts'],
    mayNot: ['../../adapters/express.ts', ...packages],
  },
  'adapters/koa.ts': {
    may: ['../src/index.ts', '../src/identity.ts', '../src/node/guard.ts', 'node:http'],
    mayNot: [
      '../src/verifier.ts',
      '../src/methods/mtls/index.ts',
      '../src/client/client.ts',
      ...packages,
    ],
  },
};

describe('the linter', () => {
  const complaints = lint({
    ...Object.fromEntries(
      Object.entries(layers).map(([file, { may, mayNot }]) => [
        file,
        [...may, ...mayNot]
          .map((from, index) => `export * as n${index} from '${from}';`)
          .join('\n'),
      ]),
    ),
    'src/client/types.ts': "import type { Agent } from 'undici';\nexport type Its = Agent;",
    'src/client/lazy.ts': "export const loaded = import('undici');",
    'src/x509/clock.ts': 'export const now = Date.now();',
    'src/http/timer.ts': 'setTimeout(() => {}, 1);',
    'src/nonce.ts': 'export const nonce = Math.random();',
    'src/print.ts': "console.log('a');",
    'src/cli/print.ts': "console.log('a');",
    'src/ring-a.ts': "export { b } from './ring-b.ts';\nexport const a = 1;",
    'src/ring-b.ts': "export { a } from './ring-a.ts';\nexport const b = 1;",
    'src/wait.ts': 'export const waited = await Promise.resolve(1);',
    'src/todo.ts': '// TODO: later\nexport const a = 1;',
    'src/any.ts': 'export const a = (b: any): unknown => b;',
  });
  const said = (file: string, rule: string): boolean =>
    complaints.some((complaint) => complaint.file === file && complaint.rule === rule);

  for (const [file, { may, mayNot }] of Object.entries(layers)) {
    it(`lets ${file} import what its layer may, and nothing else`, () => {
      const refused = new Set(
        complaints
          .filter((each) => each.file === file && each.rule === 'eslint(no-restricted-imports)')
          .map(({ line }) => [...may, ...mayNot][line - 1]),
      );
      assert.deepEqual(
        may.filter((from) => refused.has(from)),
        [],
      );
      assert.deepEqual(
        mayNot.filter((from) => !refused.has(from)),
        [],
      );
    });
  }

  it('lets the client name the types of undici and never import it', () => {
    assert.equal(said('src/client/types.ts', 'eslint(no-restricted-imports)'), false);
    assert.equal(said('src/client/lazy.ts', 'eslint(no-restricted-imports)'), true);
  });

  for (const [file, rule] of [
    ['src/x509/clock.ts', 'eslint(no-restricted-properties)'],
    ['src/http/timer.ts', 'eslint(no-restricted-globals)'],
    ['src/nonce.ts', 'eslint(no-restricted-properties)'],
    ['src/print.ts', 'eslint(no-console)'],
    ['src/ring-a.ts', 'import(no-cycle)'],
    ['src/wait.ts', 'node(no-top-level-await)'],
    ['src/todo.ts', 'eslint(no-warning-comments)'],
    ['src/any.ts', 'typescript(no-explicit-any)'],
  ] as const) {
    it(`says ${rule} to ${file}`, () => assert.ok(said(file, rule)));
  }

  it('lets the program print', () => {
    assert.equal(said('src/cli/print.ts', 'eslint(no-console)'), false);
  });
});

interface Complaint {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

function lint(tree: Readonly<Record<string, string>>): Complaint[] {
  const directory = temporaryDirectory();
  copyFileSync(join(root, '.oxlintrc.json'), join(directory, '.oxlintrc.json'));
  for (const [path, source] of Object.entries(tree)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), source);
  }
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/oxlint/bin/oxlint'), '--format', 'json'],
    { cwd: directory, encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  assert.match(stdout, /^\s*\{/, stderr);
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: readonly {
      code: string;
      filename: string;
      labels: readonly { span: { line: number } }[];
    }[];
  };
  return diagnostics.map(({ code, filename, labels }) => ({
    rule: code,
    file: filename,
    line: labels[0]?.span.line ?? 0,
  }));
}
