import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { expectTypeOf } from 'expect-type';
import express5, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import express4 from 'express4';
import supertest from 'supertest';
import { authErrors, identityOf, mutualAuth, prepare } from '../../adapters/express.ts';
import { AuthError, type Identity, createVerifier, mtls } from '../../src/index.ts';
import { fakeIdentity, fakeVerifier, testServer } from '../../src/pki/testing.ts';
import { serverCertificate } from '../support/guarded.ts';
import { fakeMethod } from '../support/method.ts';
import { authority } from '../support/pki.ts';
import { testArguments } from '../support/mutual-auth-arguments.ts';
import { type Adapter, runContract } from './contract.ts';

function adapter(name: string, express: typeof express5): Adapter {
  return {
    name,
    application(routes) {
      const app = express();
      // Express prints the errors of handlers to the peer and to stderr outside production.
      app.set('env', 'test');
      for (const [path, { guards, run, stream, parser, answered }] of Object.entries(routes)) {
        const parse: RequestHandler[] = [express.json()];
        const early: RequestHandler = (_req, res, next) => {
          res.send('answered before');
          next();
        };
        app.all(
          path,
          ...(answered === true ? [early] : []),
          ...(parser === 'before' ? parse : []),
          ...guards.map(([verifier, policy]) =>
            policy === undefined ? mutualAuth(verifier) : mutualAuth(verifier, policy),
          ),
          ...(parser === 'after' ? parse : []),
          (req, res, next) => {
            // Express 4 waits for no promise.
            void Promise.resolve(run?.()).then(
              () =>
                stream === undefined
                  ? res.json({ subject: req.identity?.subject, body: req.body })
                  : stream().pipe(res),
              next,
            );
          },
        );
      }
      return app;
    },
  };
}

runContract(adapter('Express 5', express5));
runContract(adapter('Express 4', express4));

describe('mutualAuth', () => {
  it('fits into Express without a cast, and types req.identity', () => {
    expectTypeOf(mutualAuth()).toExtend<RequestHandler>();
    const handler: RequestHandler = (req) => {
      expectTypeOf(req.identity).toEqualTypeOf<Identity | undefined>();
    };
    assert.equal(typeof handler, 'function');
  });

  testArguments(mutualAuth);
});

for (const [name, express] of [
  ['Express 5', express5],
  ['Express 4', express4],
] as const) {
  describe(`an AuthError of a handler in ${name}`, () => {
    const tooPoor = new AuthError('x-too-poor', 'a secret reason', { status: 402 });
    const guard = mutualAuth(fakeVerifier(fakeIdentity()));
    const failing: RequestHandler = () => {
      throw tooPoor;
    };

    async function ask(app: Express) {
      await using site = await testServer(app, serverCertificate);
      return await supertest(site.origin).get('/').ca(authority.cert);
    }

    it('is answered by the outermost application where one is mounted in another', async () => {
      const [outer, middle, inner] = [express(), express(), express()];
      inner.use(guard);
      middle.use(inner, failing);
      outer.use(middle);
      assert.deepEqual((await ask(outer)).body, { status: 402, title: 'Payment Required' });
    });

    it('is answered on a route without a guard too, where `prepare` goes first', async () => {
      const open: RequestHandler = (req, res) => void res.json(identityOf(req));
      const app = express().use(prepare(fakeVerifier(fakeIdentity())), open);
      assert.deepEqual((await ask(app)).body, { status: 500, title: 'Internal Server Error' });
    });

    it('covers an application once, however many requests there are', async (t) => {
      const app = express().use(guard, guard, (_req, res) => void res.send('hello'));
      const use = t.mock.method(app, 'use');
      for (let i = 0; i < 2; i++) await ask(app);
      assert.equal(use.mock.callCount(), 1);
    });

    it("comes to an application's own error handler first, unless authErrors stands before", async () => {
      const own: ErrorRequestHandler = (error, _req, res, _next) => {
        res.status(418).json(error === tooPoor);
      };
      const unaware = await ask(express().use(guard, failing, own));
      assert.deepEqual([unaware.status, unaware.body], [418, true]);
      assert.equal((await ask(express().use(guard, failing, authErrors(), own))).status, 402);
    });

    it('is passed on where the head of the response has left', async () => {
      const seen: unknown[] = [];
      const late: RequestHandler = (_req, res, next) => {
        res.writeHead(200, { 'content-length': '100' }).write('half');
        next(tooPoor);
      };
      const own: ErrorRequestHandler = (error, _req, res, _next) => {
        seen.push(error);
        res.destroy();
      };
      await assert.rejects(async () => ask(express().use(guard, late, authErrors(), own)));
      assert.deepEqual(seen, [tooPoor]);
    });
  });
}

describe('prepare', () => {
  it('lets every method see the request, decides nothing and goes on', () => {
    const verifier = createVerifier({ methods: [mtls()] });
    let next = 0;
    const request = { headers: {}, rawHeaders: [], socket: {} } as never;
    prepare(verifier)(request, {} as never, () => next++);
    assert.equal(next, 1);
  });

  it('hooks the response before whatever else changes its head', () => {
    const proving = { ...fakeMethod('m'), prove() {} };
    const request = new IncomingMessage(new Socket());
    const response = new ServerResponse(request);
    prepare(createVerifier({ methods: [proving] }))(request, response, () => {});
    assert.ok(Object.hasOwn(response, 'writeHead'));
  });
});

describe('identityOf', () => {
  it('answers the identity that a guard has put there', () => {
    const identity = fakeIdentity();
    assert.equal(identityOf({ identity }), identity);
  });

  for (const identity of [undefined, { subject: 'dns:admin.example' } as never]) {
    it(`throws for ${JSON.stringify(identity)}, which no verifier made`, () => {
      assert.throws(() => identityOf({ identity }), { code: 'ERR_IDENTITY_MISSING', status: 500 });
    });
  }
});
