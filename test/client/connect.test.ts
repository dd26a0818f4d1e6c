import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { describe, it } from 'node:test';
import tls, { type TLSSocket, createServer as createTlsServer } from 'node:tls';
import { request as undiciRequest } from 'undici';
import { type Connection, connector } from '../../src/client/connect.ts';
import { readServerOptions } from '../../src/client/expected-server.ts';
import { secureContexts } from '../../src/client/secure-contexts.ts';
import { type ServerOptions, createClient, mtlsClient } from '../../src/client/index.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { authority, clientOf, credentials, doors, site, viaAgent } from './support.ts';

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function open(
  port: number,
  {
    protocol = 'https:',
    ask,
    timeoutMs,
    ...server
  }: Partial<ServerOptions> & { protocol?: string; ask?: () => never; timeoutMs?: number } = {},
): Promise<Connection> {
  const expected = readServerOptions({
    origins: [`https://localhost:${port}`],
    ca: authority.cert,
    ...server,
  });
  const method = ask && { name: 'mtls', credentials: ask };
  const connect = connector(expected, method, timeoutMs);
  return new Promise((resolve, reject) => {
    connect({ protocol, host: 'localhost', port }, (outcome) => {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    });
  });
}

for (const [door, send] of Object.entries(doors)) {
  describe(`connections, by ${door}`, () => {
    it('opens none to an origin that is not listed', async () => {
      await using listed = await site();
      await using other = await site();
      const client = clientOf(listed.origin);
      for (const origin of [other.origin, `https://127.0.0.1:${listed.port}`]) {
        await assert.rejects(send(client, origin), { code: 'ERR_ORIGIN_NOT_LISTED' });
      }
      assert.equal(other.connections() + listed.connections(), 0);
      await client.close();
    });

    it('opens none without TLS', async () => {
      await using there = await site();
      const client = clientOf(there.origin);
      const sent = async (): Promise<string> => send(client, `http://localhost:${there.port}`);
      await assert.rejects(sent, ({ code }: { code: string }) =>
        ['ERR_ORIGIN_NOT_LISTED', 'ERR_INVALID_PROTOCOL'].includes(code),
      );
      assert.equal(there.connections(), 0);
      await client.close();
    });

    for (const name of ['localhost', 'other.example']) {
      const good = name === 'localhost';
      it(`sends ${good ? 'its request' : 'no byte'} to a server for ${name}`, async () => {
        let bytes = 0;
        const server = createTlsServer(authority.issue({ dnsNames: [name] }), (socket) => {
          socket.on('error', () => undefined);
          socket.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
          });
        });
        const origin = `https://localhost:${await listen(server)}`;
        const client = clientOf(origin);
        if (good) assert.equal(await send(client, origin), '');
        else await assert.rejects(send(client, origin), { code: 'ERR_CERTIFICATE_NAME' });
        await client.close();
        // It calls back when its last connection is gone, so all that was sent has arrived.
        await new Promise((resolve) => server.close(resolve));
        assert.equal(bytes > 0, good);
      });
    }

    it("leaves a network's failure as it is", async () => {
      const server = createServer((socket) => socket.destroy());
      const origin = `https://localhost:${await listen(server)}`;
      const client = clientOf(origin);
      const codeOf = (error: Error & { code?: string }): string | undefined =>
        error.code ?? (error.cause as { code?: string }).code;
      await assert.rejects(send(client, origin), (error: Error) => codeOf(error) === 'ECONNRESET');
      server.close();
      await once(server, 'close');
      await assert.rejects(
        send(client, origin),
        (error: Error) => codeOf(error) === 'ECONNREFUSED',
      );
      await client.close();
    });

    it('uses a connection again', async () => {
      await using there = await site();
      const client = clientOf(there.origin);
      for (let i = 0; i < 3; i++) {
        assert.equal(await send(client, there.origin), 'hello');
        // The agent gets its socket back in the next turn.
        await new Promise(setImmediate);
      }
      assert.equal(there.connections(), 1);
      await client.close();
    });

    it('never shares a connection with another client', async () => {
      const seen: string[] = [];
      await using there = await site({}, {}, (req, res) => {
        seen.push((req.socket as TLSSocket).getPeerX509Certificate()!.fingerprint256);
        res.end('hello');
      });
      const second = authority.issue();
      const server = { origins: [there.origin], ca: authority.cert };
      const clients = [
        createClient({
          methods: [mtlsClient({ cert: credentials.cert, key: credentials.key })],
          server,
        }),
        createClient({ methods: [mtlsClient({ cert: second.cert, key: second.key })], server }),
      ];
      for (const client of [...clients, ...clients]) await send(client, there.origin);
      assert.equal(new Set(seen).size, 2);
      assert.equal(there.connections(), 2);
      for (const client of clients) await client.close();
    });

    it('ends idle connections at close(), and opens no more', async () => {
      await using there = await site();
      const client = clientOf(there.origin);
      const closed = new Promise((resolve) =>
        there.server.once('secureConnection', (socket: Socket) => socket.once('close', resolve)),
      );
      await send(client, there.origin);
      await client.close();
      await closed;
      await assert.rejects(send(client, there.origin));
      assert.equal(there.connections(), 1);
      await client.close();
    });

    it('opens no connection once closed, where it never had one', async () => {
      await using there = await site();
      const client = clientOf(there.origin);
      await client.close();
      await assert.rejects(send(client, there.origin));
      assert.equal(there.connections(), 0);
    });

    it('lets a running exchange finish at close(), and ends its connection then', async () => {
      let answer = (): void => undefined;
      const arrived = new Promise<void>((resolve) => {
        answer = resolve;
      });
      let release = (): void => undefined;
      await using there = await site({}, {}, (_req, res) => {
        release = () => res.end('late');
        answer();
      });
      // It waits for the client to hang up.
      there.server.keepAliveTimeout = 0;
      const opened = once(there.server, 'secureConnection');
      const client = clientOf(there.origin);
      const sent = send(client, there.origin);
      await arrived;
      const [socket] = (await opened) as [Socket];
      const ended = once(socket, 'close');
      const closing = client.close();
      release();
      assert.equal(await sent, 'late');
      await closing;
      await ended;
    });

    it('gives up a handshake that is under way at close()', async () => {
      const server = createServer((socket) => socket.resume());
      const origin = `https://localhost:${await listen(server)}`;
      const client = clientOf(origin);
      const arrived = once(server, 'connection');
      const sent = assert.rejects(send(client, origin), (error: Error & { cause?: unknown }) =>
        /closed/.test(`${error.message} ${String(error.cause)}`),
      );
      const [socket] = (await arrived) as [Socket];
      const hangUp = once(socket, 'close');
      const started = performance.now();
      await client.close();
      await sent;
      await hangUp;
      // Else it is the time limit that ends it, after 10 s.
      assert.ok(performance.now() - started < 5000);
      server.close();
    });

    it("keeps SNI and Host the URL's, whatever `name` says", async () => {
      const seen: unknown[] = [];
      await using there = await site({ dnsNames: ['api.example'] }, {}, (req, res) => {
        seen.push((req.socket as TLSSocket).servername, req.headers.host);
        res.end('hello');
      });
      const client = clientOf(there.origin, { name: 'api.example' });
      await send(client, there.origin);
      assert.deepEqual(seen, ['localhost', `localhost:${there.port}`]);
      await client.close();
    });

    it('speaks HTTP/1.1, also to a server that would rather speak HTTP/2', async () => {
      const server = createSecureServer({ ...authority.issue(), allowHTTP1: true }, (req, res) => {
        res.end(`${req.httpVersion} ${(req.socket as TLSSocket).alpnProtocol}`);
      });
      const origin = `https://localhost:${await listen(server)}`;
      const client = clientOf(origin);
      assert.equal(await send(client, origin), '1.1 http/1.1');
      await client.close();
      server.close();
    });

    it('is not moved by NODE_TLS_REJECT_UNAUTHORIZED', async () => {
      await using there = await site({ selfSigned: true });
      const client = clientOf(there.origin);
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        await assert.rejects(send(client, there.origin), { code: 'ERR_CERTIFICATE_UNTRUSTED' });
      } finally {
        delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      }
      await client.close();
    });
  });
}

describe('options of a single request', () => {
  const stranger = testAuthority();
  const foreign = stranger.issue();

  for (const [what, options] of Object.entries({
    'rejectUnauthorized: false': { rejectUnauthorized: false },
    'another CA': { ca: stranger.cert },
    'a check of its own': { ca: stranger.cert, checkServerIdentity: () => undefined },
    'a context of its own': { secureContext: tls.createSecureContext({ ca: stranger.cert }) },
    'a connection of its own': {
      createConnection: () => tls.connect({ port: 1, rejectUnauthorized: false }),
    },
  })) {
    it(`cannot weaken an agent: ${what}`, async () => {
      await using there = await site({}, foreign);
      const client = clientOf(there.origin);
      await assert.rejects(viaAgent(client, there.origin, options), {
        code: 'ERR_CERTIFICATE_UNTRUSTED',
      });
      await client.close();
    });
  }

  it('cannot change who is asked: servername, certificate, session', async () => {
    const seen: unknown[] = [];
    await using there = await site({}, {}, (req, res) => {
      const socket = req.socket as TLSSocket;
      seen.push(socket.servername, socket.getPeerX509Certificate()?.raw, socket.isSessionReused());
      res.end('hello');
    });
    const { cert, key } = foreign;
    const first = tls.connect({ port: there.port, ca: authority.cert, servername: 'localhost' });
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    const client = clientOf(there.origin);
    await viaAgent(client, there.origin, { servername: 'other.example', cert, key, session });
    assert.deepEqual(seen, ['localhost', credentials.der, false]);
    await client.close();
  });

  it("cannot change the server name undici asks for, nor can the request's own Host", async () => {
    const seen: unknown[] = [];
    await using there = await site({}, {}, (req, res) => {
      seen.push((req.socket as TLSSocket).servername);
      res.end('hello');
    });
    const client = clientOf(there.origin);
    const options = { dispatcher: client.dispatcher, servername: 'other.example' };
    await (await undiciRequest(there.origin, options)).body.dump();
    await (
      await undiciRequest(there.origin, {
        dispatcher: client.dispatcher,
        headers: { host: 'other.example' },
      })
    ).body.dump();
    assert.deepEqual(seen, ['localhost', 'localhost']);
    await client.close();
  });
});

describe('connector', () => {
  it('refuses a protocol other than https', async () => {
    await assert.rejects(open(1, { protocol: 'http:' }), { code: 'ERR_ORIGIN_NOT_LISTED' });
  });

  it('gives up on a server that says nothing, and hangs up', async () => {
    const hangups: Promise<unknown>[] = [];
    const server = createServer((socket) => hangups.push(once(socket.resume(), 'close')));
    const port = await listen(server);
    await assert.rejects(open(port, { timeoutMs: 50 }), { code: 'ETIMEDOUT' });
    await Promise.all(hangups);
    server.close();
  });

  it('gives up on credentials that never come, and opens no connection later', async () => {
    await using there = await site();
    let late: (value: unknown) => void = () => undefined;
    const ask = (): never => new Promise((resolve) => (late = resolve)) as never;
    await assert.rejects(open(there.port, { timeoutMs: 20, ask }), { code: 'ETIMEDOUT' });
    late({ cert: credentials.cert, key: credentials.key });
    // One that is opened after it arrives after it.
    (await open(there.port)).socket.destroy();
    assert.equal(there.connections(), 1);
  });

  it('says once that credentials came too late, also where they fail in the end', async () => {
    let late: (reason: Error) => void = () => undefined;
    const method = {
      name: 'mtls',
      credentials: () => new Promise<never>((_resolve, reject) => (late = reject)),
    };
    const origins = ['https://localhost'];
    const expected = readServerOptions({ origins, ca: authority.cert });
    const outcomes: unknown[] = [];
    await new Promise<void>((resolve) => {
      connector(
        expected,
        method,
        20,
      )({ protocol: 'https:', host: 'localhost', port: '' }, (one) => {
        outcomes.push(one);
        resolve();
      });
    });
    late(new Error('no card'));
    await new Promise(setImmediate);
    assert.equal(outcomes.length, 1);
  });

  for (const thrown of [new Error('no card'), undefined, null, 'no card']) {
    it(`hands on what a credentials function throws: ${thrown}`, async () => {
      const ask = (): never => {
        // oxlint-disable-next-line typescript/only-throw-error
        throw thrown;
      };
      await assert.rejects(
        open(1, { ask }),
        (error) => error instanceof Error && String(error).endsWith(String(thrown)),
      );
    });
  }

  it('sends no server name that is an address (RFC 6066 section 3)', async () => {
    let asked: unknown;
    await using there = await site({}, {}, (req, res) => {
      asked = (req.socket as TLSSocket).servername;
      res.end();
    });
    const origin = `https://127.0.0.1:${there.port}`;
    const client = clientOf(origin);
    await (await client.fetch(origin)).text();
    assert.equal(asked, false);
    await client.close();
  });

  it('leaves the socket without a listener of its own', async () => {
    await using there = await site();
    const { socket } = await open(there.port);
    const plain = tls.connect({ port: there.port, rejectUnauthorized: false });
    await once(plain, 'secureConnect');
    assert.equal(socket.listenerCount('error'), plain.listenerCount('error'));
    plain.destroy();
    socket.destroy();
  });
});

describe('secureContexts', () => {
  it('offers TLS 1.2 and later, whatever the default of the process', async () => {
    const before = tls.DEFAULT_MIN_VERSION;
    tls.DEFAULT_MIN_VERSION = 'TLSv1';
    try {
      const { context } = await secureContexts([authority.cert], undefined)();
      assert.equal((context as { getMinProto(): number }).getMinProto(), 0x0303);
    } finally {
      tls.DEFAULT_MIN_VERSION = before;
    }
  });

  it('makes a new context only for new credentials', async () => {
    let pair = { cert: credentials.cert, key: credentials.key };
    const contexts = secureContexts([authority.cert], { name: 'mtls', credentials: () => pair });
    const first = await contexts();
    pair = { ...pair };
    assert.equal(await contexts(), first);
    const renewed = authority.issue();
    pair = { cert: renewed.cert, key: renewed.key };
    assert.notEqual(await contexts(), first);
  });
});
