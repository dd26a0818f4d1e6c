import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import {
  type Decision,
  type Policy,
  type ServerMethod,
  type Verifier,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { guardUpgrade } from '../../src/node/index.ts';
import { testServer } from '../../src/pki/testing.ts';
import { connect } from '../support/connection.ts';
import { ask, authority as signingAuthority, confirm } from '../support/confirming.ts';
import { recordEvents } from '../support/events.ts';
import { serverCertificate } from '../support/guarded.ts';
import { alice, authority, impostor } from '../support/pki.ts';
import { open as everybody, listening, signing } from '../support/signing-service.ts';

const genuine = { cert: alice.cert, key: alice.key };
const usual = createVerifier({ methods: [mtls()] });

/** A WebSocket service that greets the subject and echoes. */
async function service(verifier: Verifier = usual, ...policy: readonly [policy?: Policy]) {
  const decisions: Decision[] = [];
  const rejections: unknown[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  const { cert, key } = serverCertificate;
  const site = await testServer((_request, response) => response.end(), {
    cert,
    key,
    ca: authority.cert,
  });
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const decision = await guardUpgrade(verifier, request, socket, ...policy);
    decisions.push(decision);
    if (decision.outcome !== 'accepted') return;
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('message', (data) => ws.send(`echo ${String(data)}`));
      ws.send(String(decision.identity?.subject));
    });
  };
  site.server.on('upgrade', (...given) => {
    upgrade(...given).catch((error: unknown) => {
      rejections.push(error);
      given[1].destroy();
    });
  });
  const open = (options: ClientOptions = {}): WebSocket =>
    new WebSocket(site.origin.replace('https', 'wss'), { ca: authority.cert, ...options });
  return { ...site, decisions, rejections, open };
}

/** The answer of a service that does not upgrade. */
async function refusal(ws: WebSocket) {
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
  ws.on('error', () => {}).terminate();
  return { status: response.statusCode, headers: response.headers, body };
}

function code(decision: Decision | undefined): unknown {
  return decision?.outcome === 'refused' ? decision.error.code : decision?.outcome;
}

describe('guardUpgrade', () => {
  it('C28: rejects a policy that is there and undefined', async () => {
    await using site = await service(usual, undefined);
    const ws = site.open(genuine);
    await once(ws, 'error');
    assert.deepEqual(site.decisions, []);
    assert.match(String(site.rejections[0]), /^ConfigError: guard\.policy/);
  });

  it('lets a genuine peer open a WebSocket', async () => {
    await using site = await service();
    const ws = site.open(genuine);
    const [greeting] = await once(ws, 'message');
    assert.equal(String(greeting), 'dns:alice.example');
    ws.send('hello');
    const [answer] = await once(ws, 'message');
    assert.equal(String(answer), 'echo hello');
    ws.terminate();
  });

  for (const [who, credentials, expected] of [
    ['nobody', {}, 'ERR_CREDENTIAL_MISSING'],
    ['an impostor', impostor.issue({ dnsNames: ['alice.example'] }), 'ERR_CERTIFICATE_UNTRUSTED'],
    ['an expired peer', authority.issue({ notAfter: new Date(0) }), 'ERR_CERTIFICATE_EXPIRED'],
  ] as const) {
    it(`answers ${who} with the problem document, and ends the connection`, async () => {
      await using site = await service();
      const { cert, key } = { cert: undefined, key: undefined, ...credentials };
      const { status, headers, body } = await refusal(site.open({ cert, key }));
      assert.equal(status, 403);
      assert.equal(body, JSON.stringify({ status: 403, title: 'Forbidden' }));
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers.connection, 'close');
      assert.equal(code(site.decisions[0]), expected);
    });
  }

  it('applies the policy of the route', async () => {
    await using site = await service(usual, { allow: [{ dnsName: 'bob.example' }] });
    assert.equal((await refusal(site.open(genuine))).status, 403);
    assert.equal(code(site.decisions[0]), 'ERR_NOT_ALLOWED');
  });

  it('rejects for a policy that is wrong', async () => {
    await using site = await service(usual, { alow: [] } as Policy);
    const ws = site.open(genuine);
    await once(ws, 'error');
    assert.equal((site.rejections[0] as Error).name, 'ConfigError');
  });

  it('C29: refuses a WebSocket that a page of another origin opens', async () => {
    await using site = await service();
    const { status } = await refusal(site.open({ ...genuine, origin: 'https://evil.example' }));
    assert.equal(status, 403);
    assert.equal(code(site.decisions[0]), 'ERR_CROSS_SITE');
  });

  it('C23: refuses a WebSocket for another host than the connection was made to', async () => {
    await using site = await service();
    const { status } = await refusal(site.open({ ...genuine, headers: { host: 'other.example' } }));
    assert.equal(status, 421);
  });

  it('C20: ends the connection when the certificate ends, and not before', async () => {
    // Certificates know whole seconds.
    const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
    const { cert, key } = authority.issue({ dnsNames: ['alice.example'], notAfter });
    await using site = await service();
    const ws = site.open({ cert, key });
    await once(ws, 'message');
    const [status] = await once(ws, 'close');
    assert.equal(status, 1006);
    assert.ok(Date.now() > notAfter.getTime());
  });

  it('ends it with the first piece of evidence, however far the others reach', async () => {
    const reaching = (name: string, notAfter: Date): ServerMethod => ({
      name,
      verify: () => ({ subject: `key:${name}`, notAfter }),
    });
    // A timer of more than 2^31 ms would fire at once.
    const far = reaching('far', new Date('2999-01-01'));
    for (const order of ['near first', 'far first']) {
      const near = reaching('near', new Date(Date.now() + 500));
      const methods = order === 'near first' ? [near, far] : [far, near];
      const policy = { require: { allOf: methods.map(({ name }) => name), bind: 'none' } } as const;
      await using site = await service(createVerifier({ methods, policy }));
      const ws = site.open();
      await once(ws, 'message');
      await once(ws, 'close');
    }
    await using site = await service(createVerifier({ methods: [far] }));
    const ws = site.open();
    await once(ws, 'message');
    ws.send('hello');
    assert.equal(String((await once(ws, 'message'))[0]), 'echo hello');
    ws.terminate();
  });

  it('refuses where a method would prove the service, for no response could carry the proof', async () => {
    const method: ServerMethod = {
      name: 'm',
      verify: () => ({ subject: 'key:a' }),
      prove: () => assert.fail('there is no response'),
    };
    using events = recordEvents();
    await using site = await service(createVerifier({ methods: [method] }));
    assert.equal((await refusal(site.open())).status, 500);
    assert.equal(events.proof[0]?.method, 'm');
  });

  it('S12: signs its refusals, and accepts only where no proof of a response is asked', async () => {
    const origins = { authorities: [`http://${signingAuthority}`], proof: signing };
    for (const [policy, status] of [
      [{ allow: [] }, 403],
      [{}, 500],
    ] as const) {
      using events = recordEvents();
      const verifier = createVerifier({ methods: [everybody], ...origins });
      const server = createServer();
      server.on(
        'upgrade',
        (request, socket) => void guardUpgrade(verifier, request, socket, policy),
      );
      await using running = await listening(server);
      const headers = { connection: 'upgrade', upgrade: 'websocket' };
      const refused = await ask(running.port, { headers });
      assert.equal(refused.status, status);
      assert.equal(confirm(refused).content, 'in the head');
      assert.equal(events.proof.length, status === 500 ? 1 : 0);
    }
    const verifier = createVerifier({
      methods: [everybody],
      authorities: ['https://localhost'],
      proof: signing,
    });
    await using site = await service(verifier, { proof: 'off' });
    const ws = site.open({ headers: { host: 'localhost' } });
    assert.equal(String((await once(ws, 'message'))[0]), 'key:a');
    ws.terminate();
  });

  it('lives on when the peer hangs up while a method still decides', async () => {
    const waiting: (() => void)[] = [];
    const asked = new EventEmitter();
    const method: ServerMethod = {
      name: 'slow',
      verify: () =>
        new Promise((resolve) => {
          waiting.push(() => resolve(null));
          asked.emit('asked');
        }),
    };
    await using site = await service(createVerifier({ methods: [method] }));
    const first = once(asked, 'asked');
    using connection = await connect(site.port, genuine);
    const upgraded = once(site.server, 'upgrade');
    connection.socket.write(
      'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    const [, socket] = (await upgraded) as [unknown, Duplex];
    await first;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    connection.socket.destroy();
    socket.destroy(new Error('read ECONNRESET'));
    await closed;
    waiting[0]!();
    const second = once(asked, 'asked');
    const next = refusal(site.open());
    await second;
    waiting[1]!();
    assert.equal((await next).status, 403);
  });

  describe('on a socket without TLS', () => {
    const asking =
      'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

    /** A service whose method answers when it is told to, and one request to it. */
    async function asked() {
      let answer = (_outcome: null): void => {};
      const verify: ServerMethod['verify'] = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      const verifier = createVerifier({ methods: [{ name: 'slow', verify }] });
      const decided = new EventEmitter();
      const server = createServer().listen(0, '127.0.0.1');
      server.on('upgrade', (request, socket) => {
        void guardUpgrade(verifier, request, socket).then((one) => decided.emit('decision', one));
      });
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const peer = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
      peer.on('error', () => {}).write(asking);
      const [, socket] = (await once(server, 'upgrade')) as [unknown, Duplex];
      const decision = once(decided, 'decision');
      return { peer, socket, decision, answer: () => answer(null), close: () => server.close() };
    }

    it('lives on when the peer hangs up while a method still decides', async () => {
      const { peer, socket, decision, answer, close } = await asked();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy(new Error('read ECONNRESET'));
      await closed;
      answer();
      await decision;
      peer.destroy();
      close();
    });

    it('hangs up behind a refusal, also on a peer that does not', async () => {
      const { peer, socket, answer, close } = await asked();
      const closed = once(socket, 'close');
      answer();
      await closed;
      assert.equal(peer.writable, true);
      peer.destroy();
      close();
    });
  });

  it('X1: lives on when a refused upgrade comes behind a request that is not answered yet', async () => {
    await using site = await service();
    using connection = await connect(site.port);
    const { server } = site;
    server.removeAllListeners('request');
    server.on('request', () => {});
    const upgraded = once(server, 'upgrade');
    const gone = once(connection.socket, 'close');
    connection.socket.on('error', () => {}).resume();
    connection.socket.write(
      'GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n' +
        'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await upgraded;
    await gone;
    assert.deepEqual(site.rejections, []);
    assert.equal(code(site.decisions[0]), 'ERR_CREDENTIAL_MISSING');
  });
});
