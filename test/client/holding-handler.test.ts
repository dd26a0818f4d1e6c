import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RetryAgent, request as undiciRequest, upgrade } from 'undici';
import {
  type Client,
  type ServerProofOptions,
  createClient,
  mtlsClient,
} from '../../src/client/index.ts';
import { authError } from '../support/errors.ts';
import { signatureKeys } from '../support/signatures.ts';
import {
  type Answer,
  type SigningServer,
  sendAnswer,
  signAnswer,
  signingServer,
} from '../support/signing-server.ts';
import { authority, credentials, site } from './support.ts';

const { signer, verifier } = signatureKeys('ed25519');
const keys: ServerProofOptions['keys'] = [{ keyId: 'api-1', ...verifier }];
const medium = Buffer.alloc(900_000, 'm');
const large = Buffer.alloc(20_000_000, 'x');

function clientFor(origin: string, proof: Partial<ServerProofOptions> = {}): Client {
  return createClient({
    methods: [mtlsClient({ cert: credentials.cert, key: credentials.key })],
    server: { origins: [origin], ca: authority.cert, proof: { keys, ...proof } },
  });
}

function signing(how: Partial<SigningServer> = {}) {
  return site({}, {}, signingServer({ signer, ...how }));
}

/** Lets everything happen that only waits for its turn. */
async function settle(turns = 50): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}

describe('a response that is held back', () => {
  it('is not seen before all of it has come', async () => {
    let finish = (): void => undefined;
    let begun = (): void => undefined;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const send = (res: ServerResponse, { status, headers, content }: Answer): void => {
      res.writeHead(status, headers as Record<string, string>);
      res.write('hel', begun);
      finish = () => res.end(Buffer.concat(content.map((one) => Buffer.from(one))).subarray(3));
    };
    await using there = await signing({ send });
    const client = clientFor(there.origin);
    let seen = false;
    const answer = client.fetch(there.origin).then((response) => {
      seen = true;
      return response.text();
    });
    await beginning;
    await settle();
    assert.equal(seen, false);
    finish();
    assert.equal(await answer, 'hello');
    await client.close();
  });

  it('waits for its reader, while the connection serves others', async () => {
    await using there = await signing({ answer: () => ({ content: [medium] }) });
    const client = clientFor(there.origin);
    const { dispatcher } = client;
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await undiciRequest(there.origin, { dispatcher }));
    await settle();
    for (const { body } of answers) assert.equal((await body.text()).length, medium.length);
    assert.ok(there.connections() < answers.length);
    await client.close();
  });

  it('can be given up after it has come', async () => {
    await using there = await signing({ answer: () => ({ content: [medium] }) });
    const client = clientFor(there.origin);
    const { dispatcher } = client;
    const { body } = await undiciRequest(there.origin, { dispatcher });
    body.destroy(new Error('enough'));
    await assert.rejects(body.text());
    const controller = new AbortController();
    const response = await client.fetch(there.origin, { signal: controller.signal });
    controller.abort();
    await assert.rejects(response.text(), { name: 'AbortError' });
    assert.equal((await (await client.fetch(there.origin)).text()).length, medium.length);
    await client.close();
  });

  it('can be given up while it comes', async () => {
    let begun = (): void => undefined;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    await using there = await signing({
      send(res, { status, headers }) {
        res.writeHead(status, headers as Record<string, string>).write('hel', begun);
      },
    });
    const client = clientFor(there.origin);
    const controller = new AbortController();
    const answer = client.fetch(there.origin, { signal: controller.signal });
    await beginning;
    controller.abort();
    await assert.rejects(answer, { name: 'AbortError' });
    await client.close();
  });

  it('that is cut off keeps the error of the network', async () => {
    await using there = await signing({
      send(res, { status, headers }) {
        res.writeHead(status, { ...(headers as Record<string, string>), 'content-length': '5' });
        res.write('hel', () => res.destroy());
      },
    });
    const client = clientFor(there.origin);
    const { dispatcher } = client;
    await assert.rejects(undiciRequest(there.origin, { dispatcher }), { code: 'UND_ERR_SOCKET' });
    await client.close();
  });

  it('has interim responses that nobody sees', async () => {
    const listener = signingServer({ signer });
    await using there = await site({}, {}, (req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      listener(req, res);
    });
    const client = clientFor(there.origin);
    const interim: number[] = [];
    const { body } = await undiciRequest(there.origin, {
      dispatcher: client.dispatcher,
      onInfo: ({ statusCode }) => interim.push(statusCode),
    });
    assert.equal(await body.text(), 'hello');
    assert.deepEqual(interim, []);
    await client.close();
  });

  for (const streams of [true, false]) {
    it(`has only trailers that were signed${streams ? '' : ': none'}`, async () => {
      await using there = await signing({
        streams,
        send(res, signed, trailers) {
          const headers = { ...signed.headers, trailer: 'x-unsigned' };
          sendAnswer(res, { ...signed, headers }, { ...trailers, 'x-unsigned': '1' });
        },
      });
      const client = clientFor(there.origin);
      const { dispatcher } = client;
      const { body, trailers } = await undiciRequest(there.origin, { dispatcher });
      assert.equal(await body.text(), 'hello');
      assert.deepEqual(Object.keys(trailers), streams ? ['content-digest'] : []);
      await client.close();
    });
  }

  it('is decoded after it was confirmed', async () => {
    const answer = (): Partial<Answer> => ({
      headers: { 'content-encoding': 'gzip' },
      content: [gzipSync('hello')],
    });
    await using there = await signing({ answer });
    const client = clientFor(there.origin);
    assert.equal(await (await client.fetch(there.origin)).text(), 'hello');
    await client.close();
  });

  it('is no response where there is no connection', async () => {
    const there = await signing();
    await there.close();
    const client = clientFor(there.origin);
    const { dispatcher } = client;
    await assert.rejects(undiciRequest(there.origin, { dispatcher }), { code: 'ECONNREFUSED' });
    await client.close();
  });
});

describe('a response that is too large to be held back', () => {
  for (const streams of [false, true]) {
    const where = streams ? 'trailers' : 'its head';
    it(`is seen as it comes, with its digest in ${where}`, async () => {
      let finish = (): void => undefined;
      const send: SigningServer['send'] = (res, { status, headers }, trailers) => {
        res.writeHead(status, headers as Record<string, string>);
        res.write(large.subarray(0, 2_000_000));
        finish = () => {
          res.write(large.subarray(2_000_000));
          res.addTrailers(trailers as Record<string, string>);
          res.end();
        };
      };
      await using there = await signing({ send, streams, answer: () => ({ content: [large] }) });
      const client = clientFor(there.origin);
      const response = await client.fetch(there.origin);
      const reader = response.body!.getReader();
      let length = (await reader.read()).value!.length;
      assert.ok(length > 0 && length <= 2_000_000);
      finish();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        length += next.value.length;
      }
      assert.equal(length, large.length);
      await client.close();
    });
  }

  it('comes no faster than it is read', async () => {
    let socket: ServerResponse['socket'] | undefined;
    await using there = await signing({
      answer: (req) => {
        socket = req.socket as never;
        return { content: [large] };
      },
    });
    const client = clientFor(there.origin);
    const { dispatcher } = client;
    const { body } = await undiciRequest(there.origin, { dispatcher });
    await settle(500);
    const pending = socket!.writableLength;
    assert.ok(pending > 0, 'the server has got rid of all of it');
    assert.equal((await body.text()).length, large.length);
    await client.close();
  });

  it('can be given up while it comes', async () => {
    let socket: ServerResponse['socket'] | undefined;
    await using there = await signing({
      answer: (req) => {
        socket = req.socket as never;
        return { content: [large] };
      },
    });
    const client = clientFor(there.origin);
    const { dispatcher } = client;
    const { body } = await undiciRequest(there.origin, { dispatcher });
    const hungUp = new Promise((resolve) =>
      socket!.on('error', () => undefined).on('close', resolve),
    );
    body.destroy();
    await hungUp;
    await client.close();
  });

  it('that is cut off ends in an error', async () => {
    await using there = await signing({
      answer: () => ({ content: [large] }),
      send(res, { status, headers }) {
        res.writeHead(status, headers as Record<string, string>);
        res.write(large.subarray(0, 2_000_000), () => res.destroy());
      },
    });
    const client = clientFor(there.origin);
    await assert.rejects((await client.fetch(there.origin)).text(), ({ cause }: Error) =>
      authError('ERR_SERVER_UNPROVEN', /broke off/)(cause),
    );
    await client.close();
  });

  it('that is cut off is not made whole by asking for the rest', async () => {
    await using there = await signing({
      answer({ headers }) {
        const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
        const range = `bytes ${from}-${large.length - 1}/${large.length}`;
        return from === 0
          ? { headers: { etag: '"1"', 'content-length': `${large.length}` }, content: [large] }
          : {
              status: 206,
              headers: { etag: '"1"', 'content-range': range },
              content: [large.subarray(from)],
            };
      },
      send(res, answer, trailers) {
        if (answer.status === 206) return sendAnswer(res, answer, trailers);
        res.writeHead(200, answer.headers as Record<string, string>);
        res.write(Buffer.alloc(2_000_000, 'evil'), () => res.destroy());
      },
    });
    const client = clientFor(there.origin);
    const dispatcher = new RetryAgent(client.dispatcher, { minTimeout: 1 });
    const { body } = await undiciRequest(there.origin, { dispatcher });
    await assert.rejects(body.text(), authError('ERR_SERVER_UNPROVEN', /broke off/));
    assert.equal(there.requests.length, 1);
    await client.close();
  });
});

describe('keys that are asked for', () => {
  const later = async (): Promise<typeof verifier> => {
    await settle(5);
    return verifier;
  };
  for (const [what, content] of Object.entries({ hello: Buffer.from('hello'), large })) {
    for (const streams of [false, true]) {
      it(`confirm ${what}${streams ? ' with trailers' : ''}`, async () => {
        await using there = await signing({ streams, answer: () => ({ content: [content] }) });
        const client = clientFor(there.origin, { keys: later });
        assert.equal((await (await client.fetch(there.origin)).text()).length, content.length);
        await client.close();
      });

      it(`are not found for ${what}${streams ? ' with trailers' : ''}`, async () => {
        await using there = await signing({ streams, answer: () => ({ content: [content] }) });
        const client = clientFor(there.origin, { keys: async () => undefined });
        await assert.rejects(client.fetch(there.origin), authError('ERR_KEY_UNKNOWN', /"api-1"/));
        await client.close();
      });
    }
  }

  it('confirm an answer to HEAD, which has ended by then', async () => {
    await using there = await signing({ answer: () => ({ content: [] }) });
    for (const [source, good] of [
      [later, true],
      [async () => undefined, false],
    ] as const) {
      const client = clientFor(there.origin, { keys: source });
      const answer = client.fetch(there.origin, { method: 'HEAD' });
      if (good) assert.equal((await answer).status, 200);
      else await assert.rejects(answer, { code: 'ERR_KEY_UNKNOWN' });
      await client.close();
    }
  });

  it('confirm nothing where the source fails', async () => {
    await using there = await signing();
    const failing = async (): Promise<never> => {
      throw new Error('no database');
    };
    const client = clientFor(there.origin, { keys: failing });
    const { dispatcher } = client;
    await assert.rejects(undiciRequest(there.origin, { dispatcher }), { message: 'no database' });
    await client.close();
  });
});

describe('an exchange that is repeated', () => {
  it('is asked with another nonce', async () => {
    const nonces: unknown[] = [];
    await using there = await signing({
      answer: (req) => {
        nonces.push(req.headers['accept-signature']);
        return { status: nonces.length < 3 ? 503 : 200, content: ['hello'] };
      },
    });
    const client = clientFor(there.origin);
    const dispatcher = new RetryAgent(client.dispatcher, { minTimeout: 1 });
    const { body } = await undiciRequest(there.origin, { dispatcher });
    assert.equal(await body.text(), 'hello');
    assert.equal(new Set(nonces).size, 3);
    await client.close();
  });
});

describe('an upgrade', () => {
  for (const signed of [true, false]) {
    for (const source of [keys, async () => verifier]) {
      const how = typeof source === 'function' ? 'asked for' : 'listed';
      it(`is ${signed ? 'handed over' : 'refused'}, with keys that are ${how}`, async () => {
        await using there = await site();
        const hangup = new Promise((resolve) => {
          there.server.on('upgrade', (req, socket) => {
            socket.on('error', () => undefined).on('close', resolve);
            const plain = { status: 101, headers: {}, content: [] };
            const { answer } = signAnswer({ signer }, req, plain);
            const lines = ['connection: upgrade', 'upgrade: chat'];
            for (const [name, value] of Object.entries(signed ? answer.headers : {})) {
              lines.push(`${name}: ${String(value)}`);
            }
            socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
          });
        });
        const client = clientFor(there.origin, { keys: source });
        const answer = upgrade(there.origin, { dispatcher: client.dispatcher, protocol: 'chat' });
        if (signed) (await answer).socket.destroy();
        else await assert.rejects(answer, { code: 'ERR_SERVER_UNPROVEN' });
        await hangup;
        await client.close();
      });
    }
  }
});
