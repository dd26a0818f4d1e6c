import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Readable, pipeline } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { testAuthority, testServer } from '../../src/pki/testing.ts';
import { until } from '../support/files.ts';
import { createFetcher, type FetcherOptions } from '../../src/revocation/fetcher.ts';

const accept = 'application/ocsp-response';
const limits = { accept, maxBytes: 1000 };

/** A fetcher that may ask this very host. */
function localFetcher(options: FetcherOptions = {}) {
  return createFetcher({ insecureAllowPrivateAddresses: true, ...options });
}

interface Running {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly IncomingMessage[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
}

/** An http server on loopback until the end of the test. */
async function serve(t: TestContext, listener: RequestListener): Promise<Running> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  return { requests, ...(await listen(t, server)) };
}

async function listen(t: TestContext, server: Server | ReturnType<typeof createTcpServer>) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, sockets };
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(16_384);
}

async function closed(sockets: ReadonlySet<Socket>): Promise<void> {
  // Not `once`, to which a connection that is reset would be an error.
  const ends = [...sockets].map((socket) => new Promise((end) => socket.once('close', end)));
  await Promise.all(ends);
}

describe('createFetcher', () => {
  it('gets an answer whole, on a connection of its own', async (t) => {
    const { url, requests, sockets } = await serve(t, (_request, response) => {
      response.write('one ');
      response.end('two');
    });
    assert.equal(Buffer.from(await localFetcher()(`${url}a?b`, limits)).toString(), 'one two');
    const [request] = requests;
    assert.equal(request?.method, 'GET');
    assert.equal(request.url, '/a?b');
    assert.equal(request.headers['accept'], accept);
    assert.equal(request.headers['accept-encoding'], 'identity');
    assert.equal(request.headers['connection'], 'close');
    assert.equal(request.headers['cookie'], undefined);
    await closed(sockets);
  });

  it('posts a body', async (t) => {
    const { url } = await serve(t, (request, response) => {
      const { 'content-type': type, 'content-length': length } = request.headers;
      response.write(`${request.method} ${type} ${length} `);
      request.pipe(response);
    });
    const body = Buffer.from('question');
    const answer = await localFetcher()(url, { ...limits, body, contentType: 'a/b' });
    assert.equal(Buffer.from(answer).toString(), 'POST a/b 8 question');
  });

  it('asks over https whom its CA vouches for', async () => {
    const authority = testAuthority();
    await using server = await testServer((_request, response) => response.end('safe'), {
      ...authority.issue(),
      requestCert: false,
    });
    const url = `${server.origin}/`;
    const answer = await localFetcher({ ca: authority.cert })(url, limits);
    assert.equal(Buffer.from(answer).toString(), 'safe');
    await assert.rejects(
      localFetcher()(url, limits),
      /connection failed \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
    );
  });

  for (const [url, why] of [
    ['ftp://127.0.0.1/', /neither http nor https/],
    ['file:///etc/passwd', /neither http nor https/],
    ['ldap://127.0.0.1/cn=crl', /neither http nor https/],
    ['http://user@127.0.0.1/', /credentials/],
    ['http://:secret@127.0.0.1/', /credentials/],
    ['127.0.0.1', /no URL/],
    ['', /no URL/],
    [`http://127.0.0.1/${'a'.repeat(2048)}`, /no URL/],
  ] as const) {
    it(`refuses ${JSON.stringify(url.slice(0, 40))}`, async () => {
      await assert.rejects(localFetcher()(url, limits), plainError(why));
    });
  }

  for (const status of [201, 204, 301, 302, 304, 307, 404, 500]) {
    it(`takes ${status} for no answer`, async (t) => {
      const { url, requests, sockets } = await serve(t, (_request, response) => {
        response.writeHead(status, { location: '/elsewhere' }).end();
      });
      await assert.rejects(localFetcher()(url, limits), plainError(new RegExp(`${status}`)));
      assert.equal(requests.length, 1);
      await closed(sockets);
    });
  }

  it('lets go of an answer that it does not read', async (t) => {
    const { url, sockets } = await serve(t, (_request, response) => {
      response.writeHead(404).write('and so on');
    });
    await assert.rejects(localFetcher()(url, limits), plainError(/404/));
    await closed(sockets);
  });

  it('does not decompress', async (t) => {
    const { url } = await serve(t, (_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(gzipSync('a'));
    });
    await assert.rejects(localFetcher()(url, limits), plainError(/in the coding "gzip"/));
  });

  it('stops reading where the limit is', async (t) => {
    const { url, sockets } = await serve(t, (_request, response) => {
      pipeline(Readable.from(endless()), response, () => {});
    });
    await assert.rejects(localFetcher()(url, limits), plainError(/more than 1000 bytes/));
    await closed(sockets);
  });

  it('reads as much as the limit allows', async (t) => {
    const { url } = await serve(t, (_request, response) => response.end(Buffer.alloc(1000)));
    assert.equal((await localFetcher()(url, limits)).length, 1000);
  });

  it('refuses an answer that is cut short', async (t) => {
    const { url } = await serve(t, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('a');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(
      localFetcher()(url, limits),
      plainError(/connection failed \(ECONNRESET\)/),
    );
  });

  it('says no more of a failure than its code', async (t) => {
    const { url, sockets } = await listen(
      t,
      createTcpServer((socket) => socket.resume().end('SECRET / HTTP\r\n\r\n')),
    );
    await assert.rejects(localFetcher()(url, limits), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^the connection failed \(HPE_\w+\)$/);
      assert.deepEqual(Object.keys(error), []);
      assert.equal(error.cause, undefined);
      return true;
    });
    await closed(sockets);
  });
});

describe('createFetcher: time', () => {
  const late = /no answer after 50 ms/;

  for (const [what, listener] of Object.entries<RequestListener>({
    'a server that says nothing': () => {},
    'an answer without an end': (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('a');
    },
  })) {
    it(`gives up on ${what}`, async (t) => {
      const { url, sockets } = await serve(t, listener);
      await assert.rejects(localFetcher({ timeoutMs: 50 })(url, limits), plainError(late));
      await closed(sockets);
    });
  }

  it('gives up on a name that does not resolve, and then asks nobody', async (t) => {
    const { port, requests, sockets } = await serve(t, (_request, response) => response.end());
    let resolved = (): void => {};
    const lookup = async () => {
      await new Promise<void>((resolve) => (resolved = resolve));
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const fetched = localFetcher({ timeoutMs: 50, lookup })(`http://a.example:${port}/`, limits);
    await assert.rejects(fetched, plainError(late));
    resolved();
    // Whoever asks now comes after what that lookup might have led to.
    await localFetcher()(`http://127.0.0.1:${port}/`, limits);
    assert.equal(requests.length, 1);
    await closed(sockets);
  });

  it('has no more going on than it may, and serves the others in turn', async (t) => {
    let open = 0;
    let most = 0;
    const { url } = await serve(t, (_request, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end();
      }, 5);
    });
    const fetch = localFetcher({ maxConcurrent: 3 });
    await Promise.all(Array.from({ length: 10 }, async () => fetch(url, limits)));
    assert.equal(most, 3);
  });

  it('leaves places for others while one host is silent', async (t) => {
    const silent = await serve(t, () => {});
    const healthy = await serve(t, (_request, response) => response.end());
    const fetch = localFetcher({ timeoutMs: 500 });
    const waiting = Array.from({ length: 40 }, async () =>
      assert.rejects(fetch(silent.url, limits), plainError(/no answer after 500 ms|was silent/)),
    );
    await Promise.all(Array.from({ length: 20 }, async () => fetch(healthy.url, limits)));
    await until(() => silent.requests.length >= 4);
    await Promise.all(waiting);
    assert.equal(silent.requests.length, 4);
  });

  it('does not ask a host again for ten seconds after it was silent', async (t) => {
    let now = performance.now();
    t.mock.method(performance, 'now', () => now);
    let answers = false;
    const { url, requests } = await serve(t, (_request, response) => {
      if (answers) response.end();
      else now += 50;
    });
    const fetch = localFetcher({ timeoutMs: 50 });
    await assert.rejects(fetch(url, limits), plainError(late));
    answers = true;
    now += 9_900;
    await assert.rejects(fetch(url, limits), plainError(/was silent a moment ago/));
    assert.equal(requests.length, 1);
    now += 101;
    await fetch(url, limits);
  });

  it('does not take a host for silent that was asked too late', async (t) => {
    let now = performance.now();
    t.mock.method(performance, 'now', () => now);
    const held: ServerResponse[] = [];
    const { url } = await serve(t, (_request, response) => void held.push(response));
    const fetch = localFetcher({ timeoutMs: 500 });
    const first = Array.from({ length: 4 }, async () => fetch(url, limits));
    const fifth = assert.rejects(fetch(url, limits), plainError(/no answer/));
    await until(() => held.length === 4);
    now += 400;
    for (const response of held) response.end();
    await Promise.all(first);
    await until(() => held.length === 5);
    now += 100;
    await fifth;
    const sixth = fetch(url, limits);
    await until(() => held.length === 6);
    held[5]!.end();
    await sixth;
  });

  it('counts the time in line, and asks nothing for those who gave up there', async (t) => {
    const { port } = await serve(t, (_request, response) => response.end());
    const asked: string[] = [];
    let resolved = (): void => {};
    const slow = new Promise<void>((resolve) => (resolved = resolve));
    const lookup = async (hostname: string) => {
      asked.push(hostname);
      await slow;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const fetchIn = localFetcher({ maxConcurrent: 1, timeoutMs: 50, lookup });
    const fetchFrom = async (host: string) => fetchIn(`http://${host}:${port}/`, limits);
    await Promise.all(
      ['first.example', 'second.example'].map(async (host) =>
        assert.rejects(fetchFrom(host), plainError(late)),
      ),
    );
    resolved();
    await fetchFrom('third.example');
    assert.deepEqual(asked, ['first.example', 'third.example']);
  });
});

describe('createFetcher: where it asks', () => {
  const publicAddress = { address: '1.1.1.1', family: 4 };
  const local = { address: '127.0.0.1', family: 4 };

  for (const host of [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::]',
    '169.254.169.254',
    'localhost',
  ]) {
    it(`does not ask ${host}`, async (t) => {
      const { port, requests, sockets } = await serve(t, (_request, response) => response.end());
      await assert.rejects(
        createFetcher()(`http://${host}:${port}/`, limits),
        plainError(/address that is not public/),
      );
      assert.equal(requests.length + sockets.size, 0);
    });
  }

  for (const [what, addresses] of [
    ['an address that is not', [local]],
    ['one among others that is not', [publicAddress, local]],
    ['one in IPv6 that is not', [publicAddress, { address: '::ffff:7f00:1', family: 6 }]],
  ] as const) {
    it(`does not ask a public name with ${what}`, async () => {
      const fetch = createFetcher({ lookup: async () => addresses });
      const fetched = fetch('http://ocsp.example/', limits);
      await assert.rejects(
        fetched,
        plainError(/"ocsp\.example" has an address that is not public/),
      );
    });
  }

  it('does not ask a name without an address', async () => {
    const fetched = createFetcher({ lookup: async () => [] })('http://ocsp.example/', limits);
    await assert.rejects(fetched, plainError(/"ocsp\.example" has no address/));
  });

  it('reports a name that nobody knows', async () => {
    const lookup = async () => {
      throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    };
    const fetched = createFetcher({ lookup })('http://ocsp.example/', limits);
    await assert.rejects(fetched, plainError(/^the connection failed \(ENOTFOUND\)$/));
  });

  it('connects to the address that was looked up, and looks up once', async (t) => {
    const { port, requests } = await serve(t, (_request, response) => response.end());
    let asked = 0;
    const lookup = async (hostname: string) => {
      assert.equal(hostname, 'ocsp.example');
      asked++;
      return [local];
    };
    await localFetcher({ lookup })(`http://ocsp.example:${port}/`, limits);
    assert.equal(asked, 1);
    assert.equal(requests[0]?.headers['host'], `ocsp.example:${port}`);
  });
});

/** For `assert.rejects`: an Error and no kind of it, with this message. */
function plainError(message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof Error);
    assert.equal(Object.getPrototypeOf(error), Error.prototype);
    assert.match(error.message, message);
    return true;
  };
}
