import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import https from 'node:https';
import { describe, it } from 'node:test';
import { bodyParser } from '@koa/bodyparser';
import { Router } from '@koa/router';
import { expectTypeOf } from 'expect-type';
import Koa3 from 'koa';
import Koa2 from 'koa2';
import supertest from 'supertest';
import { identityOf, mutualAuth, prepare } from '../../adapters/koa.ts';
import {
  AuthError,
  Continue,
  type Identity,
  type ServerMethod,
  type Verifier,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { fakeIdentity, fakeVerifier, testServer } from '../../src/pki/testing.ts';
import { Http2Connection, http2Server } from '../support/http2.ts';
import { serverCertificate } from '../support/guarded.ts';
import { alice, authority, impostor } from '../support/pki.ts';
import { testArguments } from '../support/mutual-auth-arguments.ts';
import { type Adapter, runContract } from './contract.ts';

const versions = [
  ['Koa 3', Koa3],
  ['Koa 2', Koa2],
] as const;

function adapter(name: string, Koa: typeof Koa3): Adapter {
  return {
    name,
    http2: true,
    application(routes) {
      const app = new Koa();
      // Koa prints the errors of handlers to stderr.
      app.silent = true;
      const router = new Router();
      for (const [path, { guards, run, stream, parser, answered }] of Object.entries(routes)) {
        const parse: Koa3.Middleware[] = [bodyParser()];
        const early: Koa3.Middleware = (ctx, next) => {
          ctx.respond = false;
          ctx.res.writeHead(200).end('answered before');
          return next();
        };
        router.all(
          path,
          ...(answered === true ? [early] : []),
          ...(parser === 'before' ? parse : []),
          ...guards.map(([verifier, policy]) =>
            policy === undefined ? mutualAuth(verifier) : mutualAuth(verifier, policy),
          ),
          ...(parser === 'after' ? parse : []),
          async (ctx) => {
            await run?.();
            ctx.body = stream?.() ?? {
              subject: ctx.state.identity?.subject,
              body: ctx.request.body,
            };
          },
        );
      }
      app.use(router.routes());
      return listenerOf(app);
    },
  };
}

for (const [name, Koa] of versions) runContract(adapter(name, Koa));

describe('mutualAuth', () => {
  it('fits into Koa and its router without a cast, and types ctx.state.identity', () => {
    expectTypeOf(mutualAuth()).toExtend<Koa3.Middleware>();
    const app = new Koa3().use(mutualAuth()).use((ctx) => {
      expectTypeOf(ctx.state.identity).toEqualTypeOf<Identity | undefined>();
    });
    const router = new Router().get('/', mutualAuth(), (ctx) => {
      expectTypeOf(ctx.state.identity).toEqualTypeOf<Identity | undefined>();
    });
    assert.equal(typeof app.use(router.routes()).callback(), 'function');
  });

  it("adds the identity to the type of an application's own state", () => {
    const app = new Koa3<{ locale: string }>().use(mutualAuth()).use((ctx) => {
      expectTypeOf(ctx.state.locale).toEqualTypeOf<string>();
      expectTypeOf(ctx.state.identity).toEqualTypeOf<Identity | undefined>();
    });
    assert.equal(typeof app.callback(), 'function');
  });

  testArguments(mutualAuth);
});

for (const [name, Koa] of versions) {
  describe(`a refusal in ${name}`, () => {
    const refusing = mutualAuth(fakeVerifier(new AuthError('ERR_NOT_ALLOWED', 'secret')));
    const problem = { status: 403, title: 'Forbidden' };

    it('is seen by outer middleware, which may add fields to it', async () => {
      const seen: unknown[] = [];
      await using site = await serve(
        Koa,
        async (ctx, next) => {
          await next();
          seen.push(ctx.status, ctx.type, ctx.length);
          ctx.set('x-response-time', '1ms');
        },
        refusing,
      );
      const { status, body, headers } = await ask(site);
      assert.deepEqual([status, body], [403, problem]);
      assert.deepEqual(seen, [403, 'application/problem+json', 34]);
      assert.equal(headers['x-response-time'], '1ms');
      assert.deepEqual(site.errors, []);
    });

    it('stays one where outer middleware sets a body of its own', async () => {
      await using site = await serve(
        Koa,
        async (ctx, next) => {
          await next();
          ctx.body = { data: ctx.body };
        },
        refusing,
      );
      assert.equal((await ask(site)).status, 403);
    });

    it('takes the place of a body that was there before', async () => {
      await using site = await serve(
        Koa,
        (ctx, next) => {
          ctx.body = { account: 'of somebody' };
          return next();
        },
        refusing,
      );
      const { status, body, headers } = await ask(site);
      assert.deepEqual([status, body], [403, problem]);
      assert.equal(headers['content-type'], 'application/problem+json');
    });

    it('is no error of the application, whatever its status', async () => {
      const failing: ServerMethod = {
        name: 'failing',
        verify: () => Promise.reject(new Error('secret')),
      };
      for (const guard of [refusing, mutualAuth({ methods: [failing] })]) {
        await using site = await serve(Koa, guard);
        const { status, text } = await ask(site);
        assert.ok(status === 403 || status === 500);
        assert.doesNotMatch(text, /secret|at /);
        assert.deepEqual(site.errors, []);
      }
    });

    it('is written at once where Koa was told not to write the response', async () => {
      await using site = await serve(
        Koa,
        (ctx, next) => {
          ctx.respond = false;
          return next();
        },
        refusing,
      );
      const { status, body } = await ask(site);
      assert.deepEqual([status, body], [403, problem]);
    });

    it('cuts off a response that has begun', async () => {
      await using site = await serve(
        Koa,
        async (ctx, next) => {
          ctx.flushHeaders();
          await next();
          // With its socket gone, a response looks to Koa as if it could be written.
          await once(ctx.res, 'close');
        },
        refusing,
      );
      await assert.rejects(async () => ask(site), { code: 'ECONNRESET' });
      assert.deepEqual(site.errors, []);
    });

    it('closes the connection where its fields say so', async () => {
      const last = new AuthError('ERR_NOT_ALLOWED', '', { headers: { connection: 'close' } });
      await using site = await serve(Koa, mutualAuth(fakeVerifier(last)));
      const { headers } = await ask(site).set('connection', 'keep-alive');
      assert.equal(headers['connection'], 'close');
    });

    for (const [what, fields, connection] of [
      ['without content', {}, 'keep-alive'],
      ['with content of no length', { 'content-length': '0' }, 'keep-alive'],
      ['with content', { 'content-length': '5' }, 'close'],
      ['with content in chunks', { 'transfer-encoding': 'chunked' }, 'close'],
    ] as const) {
      it(`to a request ${what} says ${connection} of the connection`, async () => {
        await using site = await serve(Koa, refusing);
        const headers = { connection: 'keep-alive', ...fields };
        const asked = https.request(site.origin, { ca: authority.cert, agent: false, headers });
        asked.flushHeaders();
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        asked.destroy();
        assert.equal(response.statusCode, 403);
        assert.equal(response.headers.connection, connection);
      });
    }

    it('leaves no content unread where a parser has read it', async () => {
      await using site = await serve(Koa, bodyParser(), refusing);
      const asked = supertest(site.origin).post('/').ca(authority.cert);
      const { headers } = await asked.set('connection', 'keep-alive').send({ amount: 1 });
      assert.equal(headers['connection'], 'keep-alive');
    });
  });

  describe(`another round trip in ${name}`, () => {
    it('is answered with the fields of the method, line by line', async () => {
      const method: ServerMethod = {
        name: 'm',
        verify: () => new Continue({ 'www-authenticate': ['One step="2"', 'Two step="2"'] }),
      };
      await using site = await serve(Koa, mutualAuth({ methods: [method] }));
      const { status, body, headers } = await ask(site);
      assert.deepEqual([status, body], [401, { status: 401, title: 'Unauthorized' }]);
      assert.equal(headers['www-authenticate'], 'One step="2", Two step="2"');
      assert.deepEqual(site.errors, []);
    });
  });

  describe(`an error of a handler in ${name}`, () => {
    it("is Koa's to answer and to report", async () => {
      const error = new Error('of the handler');
      await using site = await serve(Koa, mutualAuth(fakeVerifier(fakeIdentity())), () => {
        throw error;
      });
      const { status, text, type } = await ask(site);
      assert.deepEqual([status, text, type], [500, 'Internal Server Error', 'text/plain']);
      assert.deepEqual(site.errors, [error]);
    });

    const tooPoor = new AuthError('x-too-poor', 'a secret reason', { status: 402 });

    it('is a response to middleware further out, where it is an AuthError', async () => {
      const seen: number[] = [];
      const outer: Koa3.Middleware = async (ctx, next) => {
        await next();
        seen.push(ctx.status);
      };
      await using site = await serve(Koa, outer, mutualAuth(fakeVerifier(fakeIdentity())), () => {
        throw tooPoor;
      });
      assert.deepEqual((await ask(site)).body, { status: 402, title: 'Payment Required' });
      assert.deepEqual([seen, site.errors], [[402], []]);
    });

    it('is passed on where the head of the response has left', async () => {
      await using site = await serve(Koa, mutualAuth(fakeVerifier(fakeIdentity())), (ctx) => {
        ctx.res.writeHead(200).end('whole');
        throw tooPoor;
      });
      const { status, text } = await ask(site);
      assert.deepEqual([status, text], [200, 'whole']);
      assert.deepEqual(site.errors, [tooPoor]);
    });
  });

  describe(`a mounted application in ${name}`, () => {
    // As koa-mount does.
    const mount: Koa3.Middleware = (ctx, next) => {
      ctx.path = ctx.path.replace(/^\/api/, '');
      return next();
    };
    const method: ServerMethod = {
      name: 'm',
      verify: ({ target }) => ({ subject: `key:${target}` }),
    };
    const verifier = createVerifier({ methods: [method] });
    const answerSubject: Koa3.Middleware = (ctx) => {
      ctx.body = `${ctx.url} ${ctx.state.identity?.subject}`;
    };

    it('shows methods the target as it came', async () => {
      await using site = await serve(Koa, mount, mutualAuth(verifier), answerSubject);
      assert.equal((await ask(site, '/api/pay?x=1')).text, '/pay?x=1 key:/api/pay?x=1');
    });

    it('shows it to `prepare` also', async () => {
      const prepared = prepare(verifier);
      await using site = await serve(Koa, mount, prepared, mutualAuth(verifier), answerSubject);
      assert.equal((await ask(site, '/api/pay')).text, '/pay key:/api/pay');
    });

    it('keeps what a framework around Koa has kept', async () => {
      const app = new Koa().use(mutualAuth(verifier)).use(answerSubject);
      const inner = listenerOf(app);
      await using site = await testServer((request, response) => {
        Object.assign(request, { originalUrl: request.url, url: '/inner' });
        inner(request, response);
      }, serverCertificate);
      const { text } = await supertest(site.origin).get('/outer/inner').ca(authority.cert);
      assert.equal(text, '/inner key:/outer/inner');
    });
  });

  describe(`${name} over HTTP/2`, () => {
    async function site(verifier: Verifier = createVerifier({ methods: [mtls()] })) {
      const app = new Koa();
      const errors: unknown[] = [];
      app.on('error', (error) => errors.push(error));
      app.use(mutualAuth(verifier)).use((ctx) => {
        ctx.body = identityOf(ctx).subject;
      });
      const callback = app.callback();
      const running = await http2Server((request, response) => void callback(request, response));
      return { ...running, errors };
    }

    it('gives a genuine peer to the handler', async () => {
      await using service = await site();
      using connection = new Http2Connection(service.port, { cert: alice.cert, key: alice.key });
      const { status, body } = await connection.send();
      assert.deepEqual([status, body], [200, 'dns:alice.example']);
    });

    for (const [who, credentials] of [
      ['absent', {}],
      ['bad', impostor.issue({ dnsNames: ['alice.example'] })],
    ] as const) {
      it(`refuses ${who} credentials with a problem document and nothing more`, async () => {
        await using service = await site();
        const { cert, key } = { cert: undefined, key: undefined, ...credentials };
        using connection = new Http2Connection(service.port, { cert, key });
        const { status, headers, body } = await connection.send({ ':method': 'POST' }, 'unread');
        assert.deepEqual([status, body], [403, '{"status":403,"title":"Forbidden"}']);
        assert.equal(headers['content-type'], 'application/problem+json');
        assert.equal(headers['cache-control'], 'no-store');
        assert.deepEqual(service.errors, []);
        assert.equal((await connection.send()).status, 403, 'the session is of use still');
      });
    }

    it('ends the session behind a refusal that says so', async () => {
      const last = new AuthError('ERR_NOT_ALLOWED', '', { headers: { connection: 'close' } });
      await using service = await site(fakeVerifier(last));
      using connection = new Http2Connection(service.port);
      const goodbye = once(connection.session, 'goaway');
      const { status, headers, body } = await connection.send();
      assert.deepEqual([status, body], [403, '{"status":403,"title":"Forbidden"}']);
      assert.equal(headers['connection'], undefined);
      await goodbye;
    });
  });

  describe(`prepare in ${name}`, () => {
    it('lets every method see the content before a body parser does, and decides nothing', async () => {
      let seen = '';
      const method: ServerMethod = {
        name: 'm',
        prepare: ({ content }) =>
          content.tap({
            chunk: (bytes) => (seen += Buffer.from(bytes).toString()),
            end: () => {},
          }),
        verify: () => null,
      };
      const verifier = createVerifier({ methods: [{ ...method, prove() {} }] });
      let hooked = false;
      await using site = await serve(Koa, prepare(verifier), bodyParser(), (ctx) => {
        hooked = Object.hasOwn(ctx.res, 'writeHead');
        ctx.body = ctx.request.body;
      });
      const { status, body } = await supertest(site.origin)
        .post('/')
        .ca(authority.cert)
        .send({ amount: 1 });
      assert.deepEqual([status, body, seen, hooked], [200, { amount: 1 }, '{"amount":1}', true]);
    });
  });
}

describe('identityOf', () => {
  it('answers the identity that a guard has put there', () => {
    const identity = fakeIdentity();
    assert.equal(identityOf({ state: { identity } }), identity);
  });

  for (const identity of [undefined, { subject: 'dns:admin.example' } as never]) {
    it(`throws for ${JSON.stringify(identity)}, which no verifier made`, () => {
      assert.throws(() => identityOf({ state: { identity } }), {
        code: 'ERR_IDENTITY_MISSING',
        status: 500,
      });
    });
  }
});

/** A Koa application as the servers take it. */
function listenerOf(app: Koa3): RequestListener {
  const callback = app.callback();
  return (request, response) => void callback(request, response);
}

/** An application of this middleware, and the errors that it reported. */
async function serve(Koa: typeof Koa3, ...middleware: readonly Koa3.Middleware[]) {
  const app = new Koa();
  const errors: unknown[] = [];
  app.on('error', (error) => errors.push(error));
  for (const one of middleware) app.use(one);
  return { ...(await testServer(listenerOf(app), serverCertificate)), errors };
}

function ask(site: { readonly origin: string }, path = '/') {
  return supertest(site.origin).get(path).ca(authority.cert);
}
