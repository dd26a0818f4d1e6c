import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Exchange } from '../../src/index.ts';
import { exchangeOf } from '../../src/node/index.ts';

async function received(
  head: string,
  change: (request: IncomingMessage) => void = () => {},
): Promise<Exchange> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  try {
    socket.write(head);
    const [request] = (await once(server, 'request')) as [IncomingMessage];
    change(request);
    const exchange = exchangeOf(request);
    assert.equal(exchangeOf(request), exchange);
    return exchange;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('exchangeOf', () => {
  it('gives one frozen view of a request', async () => {
    const before = Date.now();
    const exchange = await received(
      'POST /a?b=c HTTP/1.1\r\nHost: API.example:80\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n',
    );
    assert.ok(Object.isFrozen(exchange));
    const { method, target, authority, scheme, upgrade, peer } = exchange;
    assert.deepEqual(
      { method, target, authority, scheme, upgrade, tls: peer.tls },
      {
        method: 'POST',
        target: '/a?b=c',
        authority: 'api.example',
        scheme: 'http',
        upgrade: false,
        tls: undefined,
      },
    );
    assert.ok(exchange.now.getTime() >= before);
    assert.equal(exchange.field('x-a'), '1, 2');
    assert.deepEqual(exchange.fieldLines('x-a'), ['1', '2']);
    assert.equal(exchange.field('x-b'), undefined);
    assert.deepEqual(exchange.fieldLines('x-b'), []);
  });

  it('keeps the target that came, whatever a router has made of it', async () => {
    const { target } = await received('GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n', (request) => {
      Object.assign(request, { originalUrl: request.url, url: '/a' });
    });
    assert.equal(target, '/v1/a');
  });

  it('says where a request asks to leave HTTP', async () => {
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    assert.equal((await received(head)).upgrade, true);
  });

  it('names no authority where there is no Host', async () => {
    assert.equal((await received('GET / HTTP/1.0\r\n\r\n')).authority, undefined);
  });

  it('throws where the request names two, so that a verifier refuses it', async () => {
    const exchange = await received('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    assert.throws(() => exchange.authority, { code: 'ERR_REQUEST_MALFORMED' });
  });

  it('lets fields be taken out, for everybody and for good', async () => {
    let request: IncomingMessage | undefined;
    const exchange = await received(
      'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\nX-C: 4\r\n\r\n',
      (given) => (request = given),
    );
    const isA = (name: string): boolean => name.toLowerCase() === 'x-a';
    const lines = [
      ['X-A', '1'],
      ['x-a', '3'],
    ];
    assert.deepEqual(exchange.takeFields(isA), lines);
    assert.deepEqual(exchange.takeFields(isA), lines);
    assert.deepEqual(
      exchange.takeFields((name) => name === 'X-B'),
      [['X-B', '2']],
    );
    assert.deepEqual(exchange.takeFields(isA), lines);
    assert.deepEqual(
      exchange.takeFields((name) => name === 'Y'),
      [],
    );
    assert.deepEqual([exchange.field('x-a'), exchange.fieldLines('x-a')], [undefined, []]);
    assert.deepEqual(request?.headers, { host: 'a', 'x-c': '4' });
    assert.deepEqual({ ...request.headersDistinct }, { host: ['a'], 'x-c': ['4'] });
    assert.deepEqual(request.rawHeaders, ['Host', 'a', 'X-C', '4']);
  });

  for (const [name, hide, expected] of [
    ['a Unix socket', () => {}, 'unix'],
    // What a reset leaves of a connection that came over TCP, and was handed to a server on a Unix socket.
    ['one that is gone', (socket: object) => hideAddress(socket, '127.0.0.1'), undefined],
    ['one that was destroyed', (socket: Socket) => void socket.destroy(), undefined],
  ] as const) {
    it(`takes no other connection for one to a Unix socket: ${name}`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'countersign-'));
      const path = join(directory, 'a.sock');
      const server = createServer().listen(path);
      await once(server, 'listening');
      const socket = connect(path);
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const [request] = (await once(server, 'request')) as [IncomingMessage];
      hide(request.socket);
      assert.equal(exchangeOf(request).peer.address, expected);
      socket.destroy();
      server.close();
      await rm(directory, { recursive: true });
    });
  }
});

function hideAddress(socket: object, localAddress: string): void {
  Object.defineProperty(socket, 'localAddress', { value: localAddress });
}
