import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { request as undiciRequest, upgrade } from 'undici';
import {
  AuthError,
  type Client,
  type ClientMethod,
  Continue,
  type OutgoingRequest,
  createClient,
  mtlsClient,
} from '../../src/client/index.ts';
import { authority, credentials, doors, site } from './support.ts';

// A method as small as a mutual one can be. Both sides know a secret. The client sends a nonce, the
// server answers with one of its own, and each then shows what only the secret makes of both.
const secret = 'correct horse battery staple';

function proof(key: string, side: 'client' | 'server', nonces: string): string {
  return createHmac('sha256', key).update(`${side}:${nonces}`).digest('base64url');
}

function toyClient(key = secret): ClientMethod {
  const nonces = new WeakMap<OutgoingRequest, string>();
  return {
    name: 'toy',
    present(request, answer) {
      if (answer === undefined) {
        const nonce = randomBytes(9).toString('base64url');
        nonces.set(request, nonce);
        return new Continue({ authorization: `Toy ${nonce}` });
      }
      const both = answer.fields['www-authenticate']?.replace('Toy ', '') ?? '';
      if (answer.status !== 401 || !both.startsWith(`${nonces.get(request)}.`)) {
        throw new AuthError('ERR_SERVER_UNPROVEN', 'the server did not take up the nonce');
      }
      nonces.set(request, both);
      return { authorization: `Toy ${both} ${proof(key, 'client', both)}` };
    },
    confirm(request, { fields }) {
      if (fields['authentication-info'] !== proof(key, 'server', nonces.get(request)!)) {
        throw new AuthError('ERR_SERVER_UNPROVEN', 'the server does not know the secret');
      }
      return { subject: 'key:toy' };
    },
  };
}

interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly content: string;
}

/** The server's half, with its answer as `spoil` leaves it. */
function toyServer(
  seen: Seen[],
  spoil: (res: ServerResponse, step: 'challenge' | 'answer') => void = () => undefined,
): RequestListener {
  return withContent((req, res, content) => {
    seen.push({ line: `${req.method} ${req.url}`, headers: req.headers, content });
    const [, nonces = '', shown] = req.headers.authorization?.split(' ') ?? [];
    if (shown === undefined) {
      res.statusCode = 401;
      res.setHeader('www-authenticate', `Toy ${nonces}.${randomBytes(9).toString('base64url')}`);
      spoil(res, 'challenge');
      res.end('prove yourself');
    } else {
      const good = shown === proof(secret, 'client', nonces);
      res.statusCode = good ? 200 : 401;
      if (good) res.setHeader('authentication-info', proof(secret, 'server', nonces));
      spoil(res, 'answer');
      res.end(good ? `account of ${content}` : 'no');
    }
  });
}

function withContent(
  handler: (req: IncomingMessage, res: ServerResponse, content: string) => void,
): RequestListener {
  return (req, res) => void text(req).then((content) => handler(req, res, content));
}

function clientWith(origin: string, ...methods: readonly ClientMethod[]): Client {
  return createClient({ methods, server: { origins: [origin], ca: authority.cert } });
}

/** A method that answers what it is told to. */
function fixed(name: string, fields: Record<string, string>): ClientMethod {
  return { name, present: () => fields, confirm: () => ({ subject: `key:${name}` }) };
}

type Send = (client: Client, url: string, content?: string) => Promise<string>;

const sending: Readonly<Record<string, Send>> = {
  async fetch(client, url, body) {
    const headers = { cookie: 'secret=1' };
    const init = body === undefined ? {} : { method: 'POST', body };
    return (await client.fetch(url, { headers, ...init })).text();
  },
  async dispatcher(client, url, body) {
    const headers = ['Cookie', 'secret=1'];
    const init = body === undefined ? {} : { method: 'POST' as const, body };
    const answer = await undiciRequest(url, { dispatcher: client.dispatcher, headers, ...init });
    return answer.body.text();
  },
};

for (const [door, send] of Object.entries(sending)) {
  describe(`methods in the message, by ${door}`, () => {
    it('asks first, without content or fields of the caller, then sends all of it', async () => {
      const seen: Seen[] = [];
      await using there = await site({}, {}, toyServer(seen));
      const client = clientWith(there.origin, toyClient());
      assert.equal(await send(client, `${there.origin}/pay?to=bob`, 'alice'), 'account of alice');
      const [round, sent] = seen as [Seen, Seen];
      assert.equal(seen.length, 2);
      assert.deepEqual([round.line, sent.line], ['POST /pay?to=bob', 'POST /pay?to=bob']);
      assert.deepEqual([round.content, sent.content], ['', 'alice']);
      assert.deepEqual([round.headers.cookie, sent.headers.cookie], [undefined, 'secret=1']);
      assert.equal(there.connections(), 1);
      await client.close();
    });

    it('takes no answer of a server that does not know the secret', async () => {
      await using there = await site({}, {}, (req, res) => {
        if (req.headers.authorization?.split(' ').length === 2) toyServer([])(req, res);
        else res.setHeader('authentication-info', 'YWJj').end('trust me');
      });
      const client = clientWith(there.origin, toyClient());
      await assert.rejects(send(client, there.origin), {
        code: 'ERR_SERVER_UNPROVEN',
        message: /does not know the secret/,
      });
      await client.close();
    });

    it('takes no refusal of an unproven server for one either', async () => {
      await using there = await site({}, {}, toyServer([]));
      const client = clientWith(there.origin, toyClient('wrong'));
      await assert.rejects(send(client, there.origin), { code: 'ERR_SERVER_UNPROVEN' });
      await client.close();
    });

    it('sends no content to a server that takes no part', async () => {
      const bodies: string[] = [];
      await using there = await site(
        {},
        {},
        withContent((_req, res, content) => {
          bodies.push(content);
          res.end('hello');
        }),
      );
      const client = clientWith(there.origin, toyClient());
      await assert.rejects(send(client, there.origin, 'secret'), { code: 'ERR_SERVER_UNPROVEN' });
      assert.deepEqual(bodies, ['']);
      await client.close();
    });

    it('does not ask for ever', async () => {
      await using there = await site();
      const asking: ClientMethod = {
        name: 'endless',
        present: () => new Continue({}),
        confirm: () => ({ subject: 'key:x' }),
      };
      const client = clientWith(there.origin, asking);
      await assert.rejects(send(client, there.origin), { code: 'ERR_SERVER_UNPROVEN' });
      assert.equal(there.requests.length, 8);
      await client.close();
    });

    it('does not read a challenge for ever', async () => {
      const spoil = (res: ServerResponse, step: string): void => {
        if (step === 'challenge') res.write(Buffer.alloc(70_000));
      };
      await using there = await site({}, {}, toyServer([], spoil));
      const client = clientWith(there.origin, toyClient());
      await assert.rejects(send(client, there.origin), { code: 'ERR_SERVER_UNPROVEN' });
      await client.close();
    });

    for (const [what, answer] of Object.entries({
      nothing: undefined,
      true: true,
      'a promise': Promise.resolve({ subject: 'key:x' }),
    })) {
      it(`takes ${what} for no evidence`, async () => {
        await using there = await site();
        const confirm = (() => answer) as unknown as ClientMethod['confirm'] & {};
        const client = clientWith(there.origin, { name: 'lazy', present: () => ({}), confirm });
        await assert.rejects(send(client, there.origin), { code: 'ERR_SERVER_UNPROVEN' });
        await client.close();
      });
    }

    it('sends nothing where a method cannot present', async () => {
      await using there = await site();
      const present = async (): Promise<never> => {
        throw new AuthError('x-empty', 'the wallet is empty');
      };
      const client = clientWith(there.origin, { ...fixed('empty', {}), present });
      await assert.rejects(send(client, there.origin), { code: 'x-empty' });
      assert.equal(there.connections(), 0);
      await client.close();
    });

    it('does not even ask the methods for an origin that is not listed', async () => {
      let asked = 0;
      const method = { ...fixed('counting', {}), present: () => ({ a: `${asked++}` }) };
      const client = clientWith('https://localhost:1', method);
      await assert.rejects(send(client, 'https://localhost:2'), { code: 'ERR_ORIGIN_NOT_LISTED' });
      assert.equal(asked, 0);
      await client.close();
    });

    it('shows a method the request, and the same object each time', async () => {
      await using there = await site({}, {}, (_req, res) => {
        res.setHeader('x-list', ['a', 'b']).writeHead(404).end();
      });
      const requests: OutgoingRequest[] = [];
      const heads: unknown[] = [];
      const client = clientWith(there.origin, {
        name: 'watching',
        present(request, answer) {
          requests.push(request);
          return answer === undefined ? new Continue({ 'x-round': ['1', '2'] }) : {};
        },
        confirm(request, { status, fields }) {
          requests.push(request);
          heads.push([status, fields['x-list']]);
          return { subject: 'key:x' };
        },
      });
      await send(client, `${there.origin}/a?b=c`, 'content');
      assert.equal(new Set(requests).size, 1);
      const { method, origin, target, fields } = requests[0]!;
      assert.deepEqual([method, origin, target], ['POST', there.origin, '/a?b=c']);
      assert.equal(fields['cookie'], 'secret=1');
      assert.deepEqual(heads, [[404, 'a, b']]);
      await client.close();
    });

    it('shows a method what those before it present', async () => {
      await using there = await site({}, {}, (req, res) => {
        res.end([req.headers['x-first'], req.headers['x-second']].join(' '));
      });
      const second: ClientMethod = {
        ...fixed('second', {}),
        present: ({ fields }) => ({ 'X-Second': `after ${fields['x-first']}` }),
      };
      const client = clientWith(there.origin, fixed('first', { 'X-First': '1' }), second);
      assert.equal(await send(client, there.origin), '1 after 1');
      await client.close();
    });

    it('refuses two methods that present in the same field', async () => {
      await using there = await site();
      const methods = [fixed('a', { Authorization: 'A' }), fixed('b', { authorization: 'B' })];
      const client = clientWith(there.origin, ...methods);
      await assert.rejects(send(client, there.origin), { name: 'ConfigError', path: 'methods' });
      assert.equal(there.connections(), 0);
      await client.close();
    });

    it("puts a method's field in the place of the caller's", async () => {
      await using there = await site({}, {}, (req, res) => void res.end(req.headers.cookie));
      const client = clientWith(there.origin, fixed('jar', { Cookie: 'jar=1' }));
      assert.equal(await send(client, there.origin), 'jar=1');
      await client.close();
    });

    it('presents beside a certificate', async () => {
      const seen: Seen[] = [];
      await using there = await site({}, {}, toyServer(seen));
      const channel = mtlsClient({ cert: credentials.cert, key: credentials.key });
      const client = clientWith(there.origin, channel, toyClient());
      assert.equal(await send(client, there.origin, 'alice'), 'account of alice');
      await client.close();
    });

    it('confirms a response without presenting, where a method only does that', async () => {
      await using there = await site();
      const confirm = (): never => {
        throw new AuthError('x-unsigned', 'no signature');
      };
      const channel = mtlsClient({ cert: credentials.cert, key: credentials.key });
      const client = clientWith(there.origin, channel, { name: 'signed', confirm });
      await assert.rejects(doors[door]!(client, there.origin), { code: 'x-unsigned' });
      await client.close();
    });
  });
}

describe('identityOf', () => {
  it('joins the evidence of the message to that of the connection', async () => {
    await using there = await site({}, {}, toyServer([]));
    const client = clientWith(there.origin, toyClient());
    const { method, subject, evidence } = client.identityOf(await client.fetch(there.origin));
    assert.deepEqual([method, subject], ['mtls', 'dns:localhost']);
    assert.equal(evidence['toy']?.subject, 'key:toy');
    assert.equal(evidence.mtls?.source, 'tls');
    await client.close();
  });
});

describe('the dispatcher', () => {
  it('shows the methods the very target that is sent, with the query of undici', async () => {
    await using there = await site();
    const targets: string[] = [];
    const present = ({ target }: OutgoingRequest): Record<string, string> => {
      targets.push(target);
      return {};
    };
    const client = clientWith(there.origin, { ...fixed('x', {}), present });
    const query = { q: 'a b', n: [1, 2] };
    const { dispatcher } = client;
    await (await undiciRequest(`${there.origin}/find`, { dispatcher, query })).body.dump();
    assert.deepEqual([`GET ${targets[0]}`], there.requests);
    assert.equal(targets[0], '/find?q=a%20b&n=1&n=2');
    await client.close();
  });

  for (const [form, headers] of Object.entries({
    object: { 'X-A': '1', 'x-list': ['a', 'b'], cookie: ['c=1', 'd=2'], 'x-none': undefined },
    pairs: new Map<string, string | string[]>([
      ['X-A', '1'],
      ['x-list', ['a', 'b']],
      ['cookie', 'c=1; d=2'],
    ]),
    'flat list': ['X-A', '1', 'X-List', 'a', 'x-list', 'b', 'cookie', 'c=1', 'cookie', 'd=2'],
  })) {
    it(`shows the methods fields that came as ${form}, and sends them`, async () => {
      const wanted = { 'x-a': '1', 'x-list': 'a, b', cookie: 'c=1; d=2' };
      let arrived: IncomingMessage['headers'] = {};
      await using there = await site({}, {}, (req, res) => {
        arrived = req.headers;
        res.end();
      });
      let shown = {};
      const present = ({ fields }: OutgoingRequest): Record<string, string> => {
        shown = { ...fields };
        return {};
      };
      const client = clientWith(there.origin, { ...fixed('x', {}), present });
      const options = { dispatcher: client.dispatcher, headers: headers as never };
      await (await undiciRequest(there.origin, options)).body.dump();
      assert.deepEqual(shown, wanted);
      for (const [name, value] of Object.entries(wanted)) assert.equal(arrived[name], value);
      await client.close();
    });
  }

  it('shows the caller no interim response of a server that has proven nothing yet', async () => {
    for (const methods of [
      [fixed('x', {})],
      [mtlsClient({ cert: credentials.cert, key: credentials.key })],
    ]) {
      await using there = await site({}, {}, (_req, res) => {
        res.writeEarlyHints({ link: '</style.css>; rel=preload' });
        res.end('hello');
      });
      const client = clientWith(there.origin, ...methods);
      const interim: number[] = [];
      const { body } = await undiciRequest(there.origin, {
        dispatcher: client.dispatcher,
        onInfo: ({ statusCode }) => interim.push(statusCode),
      });
      assert.equal(await body.text(), 'hello');
      assert.deepEqual(interim, methods[0]!.name === 'mtls' ? [103] : []);
      await client.close();
    }
  });

  it('reports a content that fails while the methods still ask', async () => {
    const body = new Readable({ read() {} });
    await using there = await site({}, {}, (_req, res) => {
      body.destroy(new Error('the disk is gone'));
      setImmediate(() => res.end());
    });
    const present: ClientMethod['present'] & {} = (_request, answer) =>
      answer === undefined ? new Continue({}) : {};
    const client = clientWith(there.origin, { ...fixed('x', {}), present });
    const { dispatcher } = client;
    await assert.rejects(undiciRequest(there.origin, { dispatcher, method: 'POST', body }));
    assert.equal(there.requests.length, 1);
    await client.close();
  });

  for (const good of [true, false]) {
    it(`${good ? 'hands over' : 'keeps'} the socket of an upgrade that was ${good ? '' : 'not '}proven`, async () => {
      await using there = await site();
      const hangup = new Promise((resolve) => {
        there.server.on('upgrade', (_req, socket) => {
          socket.on('error', () => undefined).on('close', resolve);
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n' +
              `x-proof: ${good ? 'yes' : 'no'}\r\n\r\n`,
          );
        });
      });
      const confirm: ClientMethod['confirm'] & {} = (_request, { status, fields }) => {
        if (status !== 101 || fields['x-proof'] !== 'yes')
          throw new AuthError('x-unproven', 'no proof');
        return { subject: 'key:x' };
      };
      const client = clientWith(there.origin, { ...fixed('x', {}), confirm });
      const answer = upgrade(there.origin, { dispatcher: client.dispatcher, protocol: 'chat' });
      if (good) (await answer).socket.destroy();
      else await assert.rejects(answer, { code: 'x-unproven' });
      await hangup;
      await client.close();
    });
  }
});

describe('fetch', () => {
  it('presents anew for a redirect, and confirms each response', async () => {
    const seen: Seen[] = [];
    await using there = await site({}, {}, (req, res) => {
      toyServer(seen, (answer, step) => {
        if (step === 'answer' && req.url === '/old') {
          answer.statusCode = 302;
          answer.setHeader('location', '/new');
        }
      })(req, res);
    });
    const client = clientWith(there.origin, toyClient());
    assert.equal(await (await client.fetch(`${there.origin}/old`)).text(), 'account of ');
    assert.deepEqual(
      seen.map(({ line }) => line),
      ['GET /old', 'GET /old', 'GET /new', 'GET /new'],
    );
    await client.close();
  });

  it('follows no redirect of a server that has not proven itself', async () => {
    await using there = await site({}, {}, (_req, res) => {
      res.writeHead(302, { location: '/elsewhere' }).end();
    });
    const confirm = (): never => {
      throw new AuthError('ERR_SERVER_UNPROVEN', 'no proof');
    };
    const client = clientWith(there.origin, { ...fixed('x', {}), confirm });
    await assert.rejects(client.fetch(`${there.origin}/here`), { code: 'ERR_SERVER_UNPROVEN' });
    assert.deepEqual(there.requests, ['GET /here']);
    await client.close();
  });

  it('can be aborted while the methods ask, and sends nothing afterwards', async () => {
    let answer = (): void => undefined;
    let arrive = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    await using there = await site({}, {}, (req, res) => {
      answer = () => toyServer([])(req, res);
      arrive();
    });
    const client = clientWith(there.origin, toyClient());
    const controller = new AbortController();
    const sent = client.fetch(there.origin, { signal: controller.signal });
    await arrived;
    controller.abort();
    await assert.rejects(sent, { name: 'AbortError' });
    answer();
    await client.close();
    assert.equal(there.requests.length, 1);
  });
});
