import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ServerResponse, createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type ServerMethod, type Verifier, createVerifier } from '../../src/index.ts';
import { guard, prepare, respond } from '../../src/node/index.ts';
import { recordEvents } from '../support/events.ts';

function method(prove: ServerMethod['prove']): ServerMethod {
  const verify = () => ({ subject: 'key:a' });
  return prove === undefined ? { name: 'm', verify } : { name: 'm', verify, prove };
}

const proving = method((_exchange, { subject }, head) => {
  const seen = head.field('x-by-handler') ?? 'nothing';
  head.setField('x-proof', `${subject} ${head.status} ${seen}`);
});

async function call(
  handler: (response: ServerResponse) => void,
  { prover = proving, verb = 'GET' } = {},
): Promise<IncomingMessage & { text: string }> {
  const verifier = createVerifier({ methods: [prover] });
  const server = createServer((req, res) => {
    void guard(verifier, req, res).then((decision) => {
      if (decision.outcome === 'accepted') handler(res);
      else respond(req, res, decision.response);
    });
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const outgoing = request({ port, host: '127.0.0.1', method: verb, agent: false }).end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of incoming) text += String(chunk);
    return Object.assign(incoming, { text });
  } finally {
    server.close();
  }
}

describe('the proof of a response', () => {
  const ways: Readonly<Record<string, readonly [(res: ServerResponse) => void, string]>> = {
    'an implicit head': [(res) => res.end('hello'), 'key:a 200 nothing'],
    'a head that is set': [
      (res) => res.setHeader('x-by-handler', 'set').writeHead(201).end('hello'),
      'key:a 201 set',
    ],
    'fields given with the head': [
      (res) => res.writeHead(202, { 'X-By-Handler': 'given' }).end('hello'),
      'key:a 202 given',
    ],
    'a reason and fields given with the head': [
      (res) => res.writeHead(202, 'Fine', { 'x-by-handler': ['a', 'b'] }).end('hello'),
      'key:a 202 a, b',
    ],
    'fields given as a flat list': [
      (res) => res.writeHead(200, ['x-by-handler', 'a', 'x-by-handler', 'b']).end('hello'),
      'key:a 200 a, b',
    ],
    'a head that is flushed': [
      (res) => {
        res.flushHeaders();
        res.end('hello');
      },
      'key:a 200 nothing',
    ],
    'a stream of chunks': [
      (res) => {
        res.write('hel');
        res.end('lo');
      },
      'key:a 200 nothing',
    ],
    'an error of the handler': [(res) => res.writeHead(500).end('hello'), 'key:a 500 nothing'],
  };
  for (const [what, [handler, proof]] of Object.entries(ways)) {
    it(`is added to ${what}`, async () => {
      const { headers, text } = await call(handler);
      assert.deepEqual([headers['x-proof'], text], [proof, 'hello']);
    });
  }

  it('is added to an answer without content', async () => {
    assert.equal(
      (await call((res) => res.writeHead(304).end())).headers['x-proof'],
      'key:a 304 nothing',
    );
    const head = await call((res) => res.end('hello'), { verb: 'HEAD' });
    assert.deepEqual([head.headers['x-proof'], head.text], ['key:a 200 nothing', '']);
  });

  it('tears the response down where it cannot be made', async () => {
    const events = recordEvents();
    const failing = method(() => {
      throw new Error('no key');
    });
    await assert.rejects(
      call((res) => res.end('secret'), { prover: failing }),
      {
        code: 'ECONNRESET',
      },
    );
    assert.equal(events.proof[0]?.method, 'm');
    events[Symbol.dispose]();
  });

  it('is made once: a second head is refused by Node, and the response is whole', async () => {
    const { headers, text } = await call((res) => {
      res.writeHead(201);
      assert.throws(() => res.writeHead(200), { code: 'ERR_HTTP_HEADERS_SENT' });
      res.end('hello');
    });
    assert.deepEqual([headers['x-proof'], text], ['key:a 201 nothing', 'hello']);
  });

  it('is not missed where a method makes none', async () => {
    const { statusCode, headers } = await call((res) => res.end('hello'), {
      prover: method(undefined),
    });
    assert.deepEqual([statusCode, headers['x-proof']], [200, undefined]);
  });
});

describe('a middleware that changes the head as it leaves', () => {
  /** As compression and sessions do. */
  function changing(res: ServerResponse, name: string): void {
    const { writeHead } = res;
    res.writeHead = (...args: [number]) => {
      res.setHeader(name, 'late');
      return writeHead.apply(res, args);
    };
  }

  async function ask(
    serve: (verifier: Verifier, req: IncomingMessage, res: ServerResponse) => void,
    prover = proving,
  ) {
    const verifier = createVerifier({ methods: [prover] });
    const server = createServer((req, res) => {
      serve(verifier, req, res);
      void guard(verifier, req, res).then(() => res.end('hello'));
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const outgoing = request({ port, host: '127.0.0.1', agent: false }).end();
      return ((await once(outgoing, 'response')) as [IncomingMessage])[0].resume().headers;
    } finally {
      server.close();
    }
  }

  it('does so before the proof, where `prepare` stands before it', async () => {
    const headers = await ask((verifier, req, res) => {
      prepare(verifier, req, res);
      changing(res, 'x-by-handler');
    });
    assert.equal(headers['x-proof'], 'key:a 200 late');
  });

  it('ends the connection where nothing stands before it, for the proof would be wrong', async () => {
    using events = recordEvents();
    const answer = ask((_verifier, _req, res) => changing(res, 'x-by-handler'));
    await assert.rejects(answer, { code: 'ECONNRESET' });
    assert.match(String(events.proof[0]?.cause), /put prepare\(verifier\) first/);
  });

  it('is no trouble where it changes nothing, or where nothing is proven', async () => {
    const headers = await ask(
      (_verifier, _req, res) => changing(res, 'x-nothing'),
      method(undefined),
    );
    assert.equal(headers['x-nothing'], 'late');
    const proven = await ask((_verifier, _req, res) => {
      res.setHeader('x-by-handler', 'late');
      changing(res, 'x-by-handler');
    });
    assert.equal(proven['x-proof'], 'key:a 200 late');
  });

  it('finds nothing of ours on a response that no method proves', async () => {
    let hooked: boolean | undefined;
    await ask((verifier, req, res) => {
      prepare(verifier, req, res);
      hooked = Object.hasOwn(res, 'writeHead');
    }, method(undefined));
    assert.equal(hooked, false);
  });
});

describe('a response that `prepare` has seen', () => {
  it('is left as it is where the guard refuses, or lets an anonymous peer pass', async () => {
    const seen: boolean[] = [];
    const silent: ServerMethod = { ...proving, verify: () => null };
    for (const allowAnonymous of [true, false]) {
      const verifier = createVerifier({ methods: [silent], policy: { allowAnonymous } });
      const server = createServer((req, res) => {
        prepare(verifier, req, res);
        void guard(verifier, req, res).then((decision) => {
          if (decision.outcome === 'refused') respond(req, res, decision.response);
          else res.writeHead(202, 'Fine', ['x-by-handler', 'a', 'x-by-handler', 'b']).end();
          seen.push(res.hasHeader('x-by-handler'));
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const outgoing = request({ port, host: '127.0.0.1', agent: false }).end();
      const [{ statusCode, statusMessage, headers }] = (await once(outgoing, 'response')) as [
        IncomingMessage,
      ];
      assert.deepEqual(
        [statusCode, statusMessage, headers['x-by-handler'], headers['x-proof']],
        allowAnonymous
          ? [202, 'Fine', 'a, b', undefined]
          : [403, 'Forbidden', undefined, undefined],
      );
      server.close();
    }
    // Node does not keep the fields that are given with a head, where it is left alone.
    assert.deepEqual(seen, [false, false]);
  });
});

describe('respond', () => {
  const answer = { status: 403, headers: { 'x-refused': 'yes' }, body: '{}' };

  it('cuts off a response that has begun', async () => {
    await assert.rejects(
      call((res) => {
        res.writeHead(200, { 'content-length': '100' });
        res.write('half of it');
        respond(res.req, res, answer);
      }),
    );
  });

  it('leaves alone a response that is complete', async () => {
    const { statusCode, text } = await call((res) => {
      res.end('whole');
      respond(res.req, res, answer);
    });
    assert.deepEqual([statusCode, text], [200, 'whole']);
  });
});

describe('a proof that goes wrong', () => {
  for (const [what, fail] of Object.entries({
    'a field that is none': (res: ServerResponse) => res.writeHead(200, { x: 'a\nb' }),
    'a status that is none': (res: ServerResponse) => res.writeHead(1000),
  })) {
    it(`does not leave the error page without one, after ${what}`, async () => {
      const { statusCode, headers } = await call((res) => {
        assert.throws(() => fail(res));
        res.writeHead(500).end('error page');
      });
      assert.equal(statusCode, 500);
      assert.equal(headers['x-proof'], 'key:a 500 nothing');
    });
  }

  it('because it is a promise, tears the response down', async () => {
    using events = recordEvents();
    const late: (() => unknown)[] = [async () => {}, () => Promise.reject(new Error('later'))];
    for (const prove of late) {
      await assert.rejects(call((res) => res.end('x'), { prover: method(prove) }));
    }
    assert.equal(events.proof.length, 2);
  });

  it('because the head has left before the guard decided, tears the response down', async () => {
    using events = recordEvents();
    const verify = async () => ({ subject: 'key:a' });
    const early: ServerMethod = { ...proving, verify };
    const verifier = createVerifier({ methods: [early] });
    const server = createServer((req, res) => {
      res.write('prelude');
      void guard(verifier, req, res).then(() => res.end('secret'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const outgoing = request({ port, host: '127.0.0.1', agent: false }).end();
    await assert.rejects(async () => {
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      for await (const chunk of incoming) assert.doesNotMatch(String(chunk), /secret/);
    });
    server.close();
    assert.equal(events.proof.length, 1);
  });
});

describe('respond', () => {
  it('ends the connection where a field of the answer is none', async () => {
    const asking: ServerMethod = {
      name: 'm',
      verify: () => null,
      challenge: () => ({ 'www-authenticate': 'a\nb' }),
    };
    await assert.rejects(call((res) => res.end(), { prover: asking }));
  });
});
