import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import {
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { parseInput, UsageError, type Report } from '../../src/cli/command.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { encodings } from '../../src/cli/forge/encode.ts';
import { forgedField, knownFields } from '../../src/cli/forge/fields.ts';
import { probesOf } from '../../src/cli/forge/probes.ts';
import { send } from '../../src/cli/forge/send.ts';
import type { FieldLine } from '../../src/exchange.ts';
import { createVerifier, mtls } from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { testAuthority, testServer } from '../../src/pki/testing.ts';
import { xfccCertificates } from '../../src/proxies/decoders/xfcc.ts';
import { sameName } from '../../src/proxies/known-fields.ts';
import type { PresetName } from '../../src/proxies/options.ts';
import { presets } from '../../src/proxies/presets.ts';
import { temporaryDirectory } from '../pki/openssl.ts';
import { sendOnce } from '../support/connection.ts';
import { alice, authority, day } from '../support/pki.ts';
import { countersign } from './countersign.ts';

const directory = temporaryDirectory();
process.chdir(directory);

function file(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return name;
}

file('alice.pem', alice.leaf);
file('alice.key', alice.key);
file('ca.pem', authority.cert);
file('other-ca.pem', testAuthority().cert);

interface Answer {
  readonly url: string;
  readonly passed: boolean;
  readonly reason?: string;
  readonly baseline: { readonly status?: number; readonly reason?: string };
  readonly planned: number;
  readonly probes: readonly {
    readonly field: string;
    readonly probe: string;
    readonly sent: readonly string[];
    readonly status?: number;
    readonly reason?: string;
    readonly verdict: string;
  }[];
  readonly notTested: readonly string[];
}

type Outcome = Report & { readonly json: Answer };

// A process for each line of a table would take longer than all the rest.
const examine = async (url: string, ...args: string[]) =>
  doctor.run(parseInput(doctor, ['--forge', url, ...args])) as Promise<Outcome>;

const failures = ({ json }: Outcome) =>
  json.probes
    .filter(({ verdict }) => verdict !== 'kept out' && verdict !== 'refused')
    .map(({ field, probe, status, verdict }) => `${field}: ${probe}: ${status}, ${verdict}`);

const refusals = ({ json }: Outcome) =>
  json.probes
    .filter(({ verdict }) => verdict === 'refused')
    .map(({ field, probe, status }) => `${field}: ${probe}: ${status}`);

function assertFits(text: string): void {
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
}

/** A server on a free port for the rest of these tests. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await once(server, 'listening');
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`;
}

function linesOf({ rawHeaders }: IncomingMessage): readonly FieldLine[] {
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [[name, rawHeaders[i + 1]!] as const] : [],
  );
}

/** A service that has never heard of countersign: its answer to the fields that doctor adds. */
function statusService(statusOf: (lines: readonly FieldLine[]) => number): Promise<string> {
  return serve((incoming, response) => {
    const own = /^(host|user-agent|accept|connection)$/i;
    const added = linesOf(incoming).flatMap(([name, value]): readonly FieldLine[] => {
      if (!own.test(name)) return [[name, value]];
      const options = value.replace(/^close(, )?/, '');
      return name === 'Connection' && options !== '' ? [[name, options]] : [];
    });
    response.statusCode = statusOf(added);
    response.end();
  });
}

const verifier = createVerifier({
  methods: [mtls({ trustAnchors: authority.cert })],
  trustedProxies: [
    { preset: 'ingress-nginx', addresses: ['127.0.0.1'] },
    { preset: 'rfc9440', addresses: ['127.0.0.1'] },
  ],
});

async function guarded(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const decision = await guard(verifier, incoming, response);
  if (decision.outcome === 'accepted') response.end('in');
  else respond(incoming, response, decision.response);
}

const service = await serve((incoming, response) => void guarded(incoming, response));

/** What a proxy makes of the fields that a client sent. */
type Mood = (lines: readonly FieldLine[], clientCertificate?: string) => readonly FieldLine[];

const written = new Set([
  'ssl-client-cert',
  'ssl-client-verify',
  'client-cert',
  'client-cert-chain',
]);

const moods: Record<'overwrites' | 'passes' | 'passesWithoutCertificate' | 'passesTwins', Mood> = {
  overwrites: (lines, certificate = '') => [
    ...lines.filter(([name]) => name !== 'Connection' && !written.has(sameName(name))),
    ['ssl-client-cert', certificate],
    ['ssl-client-verify', certificate === '' ? 'NONE' : 'SUCCESS'],
  ],
  passes: (lines) => lines,
  passesWithoutCertificate: (lines, certificate) =>
    certificate === undefined ? lines : moods.overwrites(lines, certificate),
  passesTwins: (lines) => lines.filter(([name]) => !written.has(name.toLowerCase())),
};

function proxy(mood: Mood, to = service): RequestListener {
  return (incoming, response) => {
    const { socket } = incoming;
    const peer = (socket as Partial<TLSSocket>).getPeerX509Certificate?.();
    const certificate = peer === undefined ? undefined : encodeURIComponent(peer.toString());
    const headers = mood(linesOf(incoming), certificate).flat();
    request(to, { headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!);
      answer.pipe(response);
    }).end();
  };
}

describe('countersign doctor --forge', { concurrency: 4 }, () => {
  it('passes a proxy that overwrites the fields in every request', async () => {
    const url = await serve(proxy(moods.overwrites));
    const { code, out, err } = await countersign(directory, 'doctor', '--forge', url);
    assert.deepEqual([code, err], [0, '']);
    assertFits(out);
    assert.ok(out.startsWith(`${url} answers 403 to a request without a certificate.\n\n`));
    assert.match(out, /^ {2}probe {3}field {24}answer {2}verdict$/m);
    for (const { name } of knownFields()) {
      assert.match(out, new RegExp(`^  all \\d+ +${name} +403 +kept out$`, 'm'));
    }
    assert.match(out, /^ {2}kept out {2}As without the field/m);
    assert.match(out, /^Passed: all \d\d+ probes were refused\.$/m);
    assert.match(out, /^Not tested: whether a copy of a genuine certificate is believed\./m);
    assert.match(out, /^Not tested: fields with names of your own\./m);
    assert.doesNotMatch(out, /FAILED/);
  });

  it('tells of a proxy that passes on what a client writes', async () => {
    const outcome = await examine(await serve(proxy(moods.passes)));
    assert.equal(outcome.failed, true);
    assert.deepEqual(failures(outcome), [
      'ssl-client-cert: exact: 400, passed on',
      'ssl-client-cert: upper case: 400, passed on',
      'ssl-client-cert: two lines: 400, passed on',
      'ssl-client-verify: says SUCCESS: 400, passed on',
      'ssl-client-verify: upper case: 400, passed on',
      'ssl-client-verify: two lines: 400, passed on',
      'client-cert: exact: 400, passed on',
      'client-cert: upper case: 400, passed on',
      'client-cert: two lines: 400, passed on',
      'client-cert-chain: exact: 400, passed on',
      'client-cert-chain: upper case: 400, passed on',
      'client-cert-chain: two lines: 400, passed on',
    ]);
    assertFits(outcome.text);
    assert.match(outcome.text, /^ {2}exact +client-cert +400 +FAILED: passed on$/m);
    assert.doesNotMatch(outcome.text, /all \d+ +client-cert /);
    assert.match(outcome.text, /^ {2}all \d+ +x-client-cert +400 403 +kept out, 1 refused$/m);
    assert.match(outcome.text, /^ {2}passed on {2}The field reaches the service/m);
    assert.match(outcome.text, /^FAILED: 12 of \d\d+ probes\.$/m);
  });

  it('tells of a copy of a genuine certificate that is believed', async () => {
    const url = await serve(proxy(moods.passes));
    const outcome = await examine(url, '--cert', 'alice.pem', '--field', 'client-cert');
    assert.deepEqual(failures(outcome), [
      'client-cert: exact: 400, passed on',
      'client-cert: upper case: 400, passed on',
      'client-cert: two lines: 400, passed on',
      'client-cert: exact, rfc9440: 200, believed',
    ]);
    assert.match(outcome.text, /^ {2}believed {3}Not refused/m);
    assert.doesNotMatch(outcome.text, /Not tested/);
    assert.deepEqual(outcome.json.notTested, []);
  });

  it('tells of a proxy that passes the field on only where there is no certificate', async () => {
    const { cert, key } = authority.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
    const mood = proxy(moods.passesWithoutCertificate);
    await using server = await testServer(mood, { cert, key, ca: authority.cert });
    const genuine = await sendOnce(server.port, { cert: alice.cert, key: alice.key });
    assert.equal(genuine.status, 200);

    const outcome = await examine(server.origin, '--ca', 'ca.pem', '--field', 'ssl-client-cert');
    assert.equal(outcome.failed, true);
    assert.equal(failures(outcome)[0], 'ssl-client-cert: exact: 400, passed on');
  });

  it('is content with twins that the service refuses', async () => {
    const outcome = await examine(await serve(proxy(moods.passesTwins)), '--cert', 'alice.pem');
    assert.equal(outcome.failed, false, outcome.text);
    const refused = refusals(outcome);
    for (const title of ['with _, rfc9440', 'with ., rfc9440', 'Connection']) {
      assert.ok(refused.includes(`client-cert: ${title}: 400`), title);
    }
    assert.match(outcome.text, /^ {2}all 13 +client-cert +400 403 +kept out, 7 refused$/m);
    assert.match(outcome.text, /^ {2}refused {3}By the service, which saw it/m);
  });

  it('tells of a service that believes whatever has such a field', async () => {
    const url = await statusService((lines) => (lines.length > 0 ? 200 : 401));
    const outcome = await examine(url, '--cert', 'alice.pem');
    assert.equal(outcome.failed, true);
    assert.equal(failures(outcome).length, outcome.json.planned);
    assertFits(outcome.text);
  });

  // Each of these services is wrong in one point only.
  const wrongServices: readonly (readonly [
    probe: string,
    isFooled: (lines: readonly FieldLine[]) => boolean,
    args?: readonly string[],
  ])[] = [
    [
      'exact',
      ([line, more]) => line?.[0] === 'x-cert' && line[1] === 'countersign-doctor' && !more,
    ],
    ['says SUCCESS', ([line]) => line?.[0] === 'x-cert' && line[1] === 'SUCCESS'],
    ['says 0', ([line]) => line?.[0] === 'x-cert' && line[1] === '0'],
    ['says 1 0', ([line]) => line?.[0] === 'x-cert' && line[1] === '1 0'],
    ['says true', ([line]) => line?.[0] === 'x-cert' && line[1] === 'true'],
    ['says 1', ([line]) => line?.[0] === 'x-cert' && line[1] === '1'],
    ['upper case', ([line]) => line?.[0] === 'X-CERT'],
    ['two lines', (lines) => lines.filter(([name]) => name === 'x-cert').length === 2],
    ['with _', ([line]) => line?.[0] === 'x_cert'],
    ['with .', ([line]) => line?.[0] === 'x.cert'],
    ['Connection', ([line]) => line?.[0] === 'Connection' && line[1] === 'x-cert'],
    ...encodings.map(({ name, encode }) => {
      const value = encode(alice.der);
      const isFooled = ([line]: readonly FieldLine[]) =>
        line?.[0] === 'x-cert' && line[1] === value;
      return [`exact, ${name}`, isFooled, ['--cert', 'alice.pem']] as const;
    }),
    ...encodings.map(({ name, encode }) => {
      const value = encode(alice.der);
      const isFooled = ([line]: readonly FieldLine[]) =>
        line?.[0] === 'x_cert' && line[1] === value;
      return [`with _, ${name}`, isFooled, ['--cert', 'alice.pem']] as const;
    }),
  ];
  for (const [probe, isFooled, args = []] of wrongServices) {
    it(`finds a service that is fooled by "${probe}" alone`, async () => {
      const url = await statusService((lines) => (isFooled(lines) ? 204 : 403));
      const outcome = await examine(url, '--field', 'X-Cert', ...args);
      assert.deepEqual(failures(outcome), [`x-cert: ${probe}: 204, believed`]);
      assert.equal(outcome.failed, true);
    });
  }

  it('spells the twin of a name with underscores with hyphens', async () => {
    const url = await statusService(([line]) => (line?.[0] === 'ssl-client-s-dn' ? 200 : 401));
    const outcome = await examine(url, '--field', 'SSL_CLIENT_S_DN');
    assert.deepEqual(failures(outcome), ['ssl_client_s_dn: with -: 200, believed']);
  });

  it('forges a field once, however often it is named', async () => {
    const { json } = await examine(
      await statusService(() => 403),
      '--field=x-cert',
      '--field=X-Cert',
    );
    assert.deepEqual([json.passed, json.probes.length], [true, 11]);
  });

  const answers: readonly (readonly [baseline: number, status: number, verdicts: string[]])[] = [
    [403, 403, ['kept out', 'kept out']],
    [401, 401, ['kept out', 'kept out']],
    [401, 403, ['passed on', 'refused']],
    [403, 400, ['passed on', 'refused']],
    [403, 431, ['passed on', 'refused']],
    [403, 200, ['believed', 'believed']],
    [403, 302, ['believed', 'believed']],
    [403, 429, ['unclear', 'unclear']],
    [403, 500, ['unclear', 'unclear']],
    [403, 502, ['unclear', 'unclear']],
  ];
  for (const [baseline, status, verdicts] of answers) {
    it(`takes ${status} after ${baseline} for ${verdicts.join(' or ')}`, async () => {
      const url = await statusService((lines) => (lines.length > 0 ? status : baseline));
      const outcome = await examine(url, '--field', 'client-cert');
      const found = (name: string) =>
        outcome.json.probes.find(({ probe }) => probe === name)?.verdict;
      assert.deepEqual([found('exact'), found('with _')], verdicts);
      assert.equal(outcome.failed, verdicts[0] !== 'kept out');
    });
  }

  const baselines: readonly (readonly [status: number, reason: RegExp])[] = [
    [200, /^without any certificate field it answers 200: name a URL that asks for a certificate$/],
    [302, /answers 302: name a URL that asks for a certificate$/],
    [
      400,
      /answers 400, as it would with one: name a URL where TLS makes the certificate optional$/,
    ],
    [404, /answers 404, not 401 or 403: name a URL that asks for a certificate$/],
    [500, /answers 500: mend that first$/],
    [503, /answers 503: mend that first$/],
  ];
  for (const [status, reason] of baselines) {
    it(`tests nothing where a request without any field is answered ${status}`, async () => {
      let asked = 0;
      const url = await serve((_, response) => {
        asked++;
        response.writeHead(status, { location: '/elsewhere' }).end();
      });
      const { failed, json, text } = await examine(url);
      assert.match(json.reason!, reason);
      assert.deepEqual([failed, json.passed, json.probes, asked], [true, false, [], 1]);
      assert.deepEqual(json.baseline, { status });
      assert.ok(text.startsWith(`Nothing was tested at ${url}: `));
      assertFits(text);
    });
  }

  it('answers exit code 1 where nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    server.close();
    await once(server, 'close');
    const { code, out, err } = await countersign(directory, 'doctor', url, '--forge');
    assert.deepEqual([code, err], [1, '']);
    assert.equal(out, `Nothing was tested at ${url}: nobody listens there.\n`);
  });

  it('gives up on a server that stops answering', async () => {
    let asked = 0;
    const url = await serve((incoming, response) => {
      if (++asked <= 2) response.writeHead(403).end();
      else incoming.socket.destroy();
    });
    const { failed, json, text } = await examine(url);
    assert.deepEqual([failed, json.probes.length, asked], [true, 4, 5]);
    assert.deepEqual(
      json.probes.map(({ verdict }) => verdict),
      ['kept out', 'unclear', 'unclear', 'unclear'],
    );
    assert.equal(json.probes[1]!.reason, 'the connection was closed without an answer');
    assert.match(text, /^ {2}none +the connection was closed without an answer$/m);
    assert.match(text, /^FAILED: 3 of 4 probes\. The server no longer answers: \d\d+ more were/m);
    assertFits(text);
  });

  it('goes on where a server fails to answer only now and then', async () => {
    let asked = 0;
    const url = await serve((incoming, response) => {
      if (asked++ % 3 === 0) response.writeHead(403).end();
      else incoming.socket.destroy();
    });
    const { json } = await examine(url, '--field', 'client-cert');
    assert.equal(json.probes.length, json.planned);
  });

  it('answers programs in JSON, every probe', async () => {
    const url = await serve(proxy(moods.passes));
    const args = ['doctor', '--forge', url, '--field', 'client-cert', '--json'];
    const { code, out } = await countersign(directory, ...args);
    assert.equal(code, 1);
    const { notTested, ...answer } = JSON.parse(out) as Answer;
    assert.equal(notTested.length, 1);
    const own = (probe: string, sent: string[], status: number, verdict: string) => ({
      field: 'client-cert',
      probe,
      sent,
      status,
      verdict,
    });
    assert.deepEqual(answer, {
      url,
      passed: false,
      baseline: { status: 403 },
      planned: 6,
      probes: [
        own('exact', ['client-cert'], 400, 'passed on'),
        own('upper case', ['CLIENT-CERT'], 400, 'passed on'),
        own('two lines', ['client-cert', 'client-cert'], 400, 'passed on'),
        own('with _', ['client_cert'], 400, 'refused'),
        own('with .', ['client.cert'], 400, 'refused'),
        own('Connection', ['connection'], 400, 'refused'),
      ],
    });
  });

  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [[], /<url> is missing/],
    [['https://localhost/'], /what shall it try\? Give --forge, for forged certificate fields/],
    [['--forge', 'localhost'], /<url> must be one, such as https:\/\/api\.example\.com\/me/],
    [['--forge', 'ftp://localhost/'], /<url> must be one/],
    [['--forge', 'https://alice@localhost/'], /must have no user name and no password/],
    [['--forge', 'https://:secret@localhost/'], /must have no user name and no password/],
    [['--forge', 'http://localhost/', '--ca', 'ca.pem'], /--ca is for https/],
    [['--forge', 'https://localhost/', '--ca', 'none.pem'], /cannot read none\.pem/],
    [['--forge', 'https://localhost/', '--cert', 'alice.key'], /holds a private key/],
    [['--forge', 'https://localhost/', '--cert', 'old.pem'], /--cert is not valid now/],
    [['--forge', 'https://localhost/', '--cert', 'new.pem'], /--cert is not valid now/],
    [['--forge', 'https://localhost/', '--cert', 'cut.pem'], /--cert cannot be read: /],
    [['--forge', 'https://localhost/', '--field', 'a b'], /--field must be the name of a cert/],
    [['--forge', 'https://localhost/', '--field', 'Host'], /--field must be the name of a cert/],
    [['--forge', 'https://localhost/', '--field', 'connection'], /--field must be the name/],
    [['--forge', 'https://localhost/', '--field', 'content-length'], /--field must be the name/],
    [['--forge', 'https://localhost/', '--field', 'transfer-encoding'], /--field must be the/],
    [['--forge', 'https://localhost/', '--insecure'], /no option --insecure/],
  ];
  const now = Date.now();
  const period = (from: number, to: number) => ({
    notBefore: new Date(now + from * day),
    notAfter: new Date(now + to * day),
  });
  file('old.pem', authority.issue(period(-3, -1)).leaf);
  file('new.pem', authority.issue(period(1, 3)).leaf);
  file('cut.pem', authority.issue({ rewrite: (fields) => fields.slice(1) }).leaf);
  for (const [args, message] of wrong) {
    it(`says what is wrong with ${JSON.stringify(args)}`, async () => {
      const answer = async () => doctor.run(parseInput(doctor, args));
      await assert.rejects(answer(), (error: Error) => {
        assert.ok(error instanceof UsageError, error.stack);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });
  }
});

describe('the fields that are forged', () => {
  it('are those that presets name, each once', () => {
    const names = Object.values(presets).flatMap(({ header, chain, verdict }) =>
      [header, chain, verdict].filter((name) => name !== undefined),
    );
    assert.deepEqual(knownFields().map(({ name }) => name).sort(), [...new Set(names)].sort()); // prettier-ignore
  });

  for (const [preset, { decoder, header = 'x-cert', chain, chainDecoder }] of Object.entries(
    presets,
  )) {
    it(`hold a certificate as ${preset} reads it`, () => {
      const isRead = (value: string, decode: (value: string) => readonly Uint8Array[]) => {
        try {
          return decode(value).some((der) => Buffer.compare(der, alice.der) === 0);
        } catch {
          return false;
        }
      };
      const read =
        decoder === 'xfcc' ? (value: string) => xfccCertificates(value, 1, undefined) : decoder;
      const names = [
        [header, read],
        ...(chain === undefined ? [] : [[chain, chainDecoder!] as const]),
      ] as const;
      for (const [name, decode] of names) {
        const { encodings: ways } = forgedField(name);
        assert.ok(ways.some(({ encode }) => isRead(encode(alice.der), decode)), name); // prettier-ignore
        const [exact] = probesOf(forgedField(name), undefined);
        assert.throws(() => decode(exact!.lines[0]![1]), { code: 'ERR_CERTIFICATE_MALFORMED' });
      }
    });
  }

  it('speak of every good verdict that a preset knows', () => {
    for (const preset of Object.keys(presets) as PresetName[]) {
      const { words } = presets[preset];
      const { verdicts } = forgedField('ssl-client-verify');
      for (const word of words.good) assert.ok(verdicts.includes(word), word);
    }
  });

  it('have the encodings of their presets, and those of presets without a field of their own', () => {
    const ways = (name: string) =>
      forgedField(name)
        .encodings.map((one) => one.name)
        .sort();
    assert.deepEqual(ways('client-cert'), ['der-base64', 'pem-url', 'rfc9440']);
    assert.deepEqual(ways('x-forwarded-client-cert'), ['der-base64', 'pem-url', 'xfcc']);
    assert.deepEqual(ways('x-arr-clientcert'), ['der-base64', 'pem-url']);
    assert.deepEqual(ways('ssl-client-verify'), []);
    assert.equal(ways('x-cert').length, 4);
  });
});

describe('a request of doctor', { concurrency: 4 }, () => {
  const { cert, key } = authority.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
  const tls = { cert, key, ca: authority.cert };
  const to = (url: string, timeoutMs = 20_000) => ({
    url: new URL(url),
    ca: [authority.cert],
    timeoutMs,
  });

  it('goes out as it is said, line by line, over a connection of its own', async () => {
    const heard: (readonly FieldLine[])[] = [];
    const sockets = new Set<Socket>();
    const url = await serve((incoming, response) => {
      heard.push(linesOf(incoming));
      sockets.add(incoming.socket);
      assert.deepEqual([incoming.method, incoming.url], ['GET', '/me?a=b']);
      response.end();
    });
    await send(to(`${url}?a=b`), [['x-cert', 'one'], ['X-CERT', 'two']]); // prettier-ignore
    await send(to(`${url}?a=b`), [['connection', 'x-cert']]);
    assert.equal(sockets.size, 2);
    const own = (connection: string) => [
      ['Host', new URL(url).host],
      ['User-Agent', 'countersign-doctor'],
      ['Accept', '*/*'],
      ['Connection', connection],
    ];
    assert.deepEqual(heard, [
      [...own('close'), ['x-cert', 'one'], ['X-CERT', 'two']],
      own('close, x-cert'),
    ]);
  });

  it('does not wait longer than it is told', async () => {
    const url = await serve(() => {});
    assert.deepEqual(await send(to(url, 50), []), { reason: 'no answer within 0.05 seconds' });
  });

  it('is answered once the head is there, whatever becomes of the rest', async () => {
    const stalled = await serve((_, response) => void response.writeHead(403).write('x'));
    assert.deepEqual(await send(to(stalled, 1_000), []), { status: 403 });
    const cut = await serve((_, response) => {
      response.writeHead(403, { 'content-length': 10 }).write('x', () => response.destroy());
    });
    assert.deepEqual(await send(to(cut), []), { status: 403 });
  });

  it('reads no more of an answer than 64 KB', { timeout: 10_000 }, async () => {
    const url = await serve((_, response) => {
      const chunk = Buffer.alloc(16_384);
      const more = () => response.write(chunk, (error) => void (error == null && more()));
      response.writeHead(403);
      more();
    });
    assert.deepEqual(await send(to(url, 60_000), []), { status: 403 });
  });

  it('believes no server that its CA does not vouch for', async () => {
    await using server = await testServer((_, response) => void response.writeHead(401).end(), tls);
    assert.deepEqual(await send(to(server.origin), []), { status: 401 });
    const reason = /^its certificate is not trusted \([A-Z_]+\); give its CA: --ca=<file>$/;
    assert.match((await send({ ...to(server.origin), ca: undefined }, [])).reason!, reason);
    const { failed, json } = await examine(server.origin, '--ca', 'other-ca.pem');
    assert.equal(failed, true);
    assert.match(json.reason!, reason);
    const { reason: name } = await send(to(server.origin.replace('localhost', '127.0.0.1')), []);
    assert.equal(name, 'its certificate is for another host');
  });

  it('shows no certificate and resumes no session', async () => {
    const shown: unknown[] = [];
    await using server = await testServer((incoming, response) => {
      const socket = incoming.socket as TLSSocket;
      shown.push(socket.getPeerX509Certificate() ?? socket.isSessionReused());
      response.writeHead(403).end();
    }, tls);
    await examine(server.origin, '--ca', 'ca.pem', '--cert', 'alice.pem', '--field', 'x-cert');
    assert.ok(shown.length > 10);
    assert.deepEqual([...new Set(shown)], [false]);
  });

  it('tells of a server that speaks no TLS', async () => {
    const url = await serve(() => {});
    const { reason } = await send(to(url.replace('http:', 'https:')), []);
    assert.match(reason!, /^TLS fails: [a-z ]+$/);
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`tells of a server that insists on a certificate in ${maxVersion}`, async () => {
      await using server = await testServer(() => assert.fail(), {
        ...tls,
        maxVersion,
        rejectUnauthorized: true,
      });
      const { reason } = await send(to(server.origin), []);
      assert.match(reason!, /^TLS lets nobody in without a client certificate; name a URL/);
    });
  }
});

// By themselves: they change what all have in common.
describe('doctor, while it waits', () => {
  it('shows how far it is to who waits at a terminal', async (context: TestContext) => {
    const url = await statusService(() => 403);
    const { stderr } = process;
    const terminal = Object.getOwnPropertyDescriptor(stderr, 'isTTY');
    Object.defineProperty(stderr, 'isTTY', { value: true, configurable: true });
    context.after(() => {
      if (terminal === undefined) delete (stderr as { isTTY?: boolean }).isTTY;
      else Object.defineProperty(stderr, 'isTTY', terminal);
    });
    let now = 0;
    context.mock.method(Date, 'now', () => (now += 100));
    const shown: string[] = [];
    context.mock.method(stderr, 'write', (text: string) => shown.push(text) > 0);
    await examine(url, '--field', 'client-cert');
    context.mock.reset();
    const line = '\r\u001b[K';
    assert.deepEqual(shown, [
      `${line}Sending forged fields: 66 %`,
      `${line}Sending forged fields: 83 %`,
      line,
    ]);
  });

  it('waits ten seconds', async (context: TestContext) => {
    const url = await serve(() => {});
    const given: number[] = [];
    const soon = AbortSignal.timeout(20);
    context.mock.method(AbortSignal, 'timeout', (ms: number) => (given.push(ms), soon));
    const { json } = await examine(url);
    assert.deepEqual([given, json.reason], [[10_000], 'no answer within 10 seconds']);
  });
});
