// Passport's own tests beside the contract: lists of strategies, `verify`, sessions and errors.
import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { afterEach, describe, it, mock } from 'node:test';
import { inspect } from 'node:util';
import { expectTypeOf } from 'expect-type';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
} from 'express';
import passport from 'passport';
import supertest from 'supertest';
import { type Done, MutualAuthStrategy, identityOf } from '../../adapters/passport.ts';
import { Continue, type Identity, createVerifier, mtls } from '../../src/index.ts';
import {
  type TestCertificate,
  type TestServer,
  fakeIdentity,
  testServer,
} from '../../src/pki/testing.ts';
import { serverCertificate } from '../support/guarded.ts';
import { evidence, fakeMethod } from '../support/method.ts';
import { alice, authority, bob } from '../support/pki.ts';
import { type Adapter, runContract } from './contract.ts';

const adapter: Adapter = {
  name: 'Passport on Express 5',
  refusals: {
    // Passport says so to whoever it lets fail.
    absent: 401,
    // Express reads it before it answers an error.
    readContent: true,
    check({ status, text }) {
      const title = STATUS_CODES[status]!;
      if (status === 401) assert.equal(text, title);
      else assert.match(text, new RegExp(`<pre>${title}</pre>`));
    },
  },
  application(routes) {
    const app = express();
    // Express prints errors to stderr outside tests.
    app.set('env', 'test');
    const authenticator = new passport.Passport();
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
        ...guards.map(([verifier, policy], i) => {
          const options = policy === undefined ? { verifier } : { verifier, policy };
          authenticator.use(`${path} ${i}`, new MutualAuthStrategy(options));
          return authenticator.authenticate(`${path} ${i}`, { session: false });
        }),
        ...(parser === 'after' ? parse : []),
        (req, res, next) => {
          assert.equal(req.user, req.identity);
          void Promise.resolve(run?.()).then(
            () =>
              stream === undefined
                ? res.json({ subject: req.identity?.subject, body: req.body as unknown })
                : stream().pipe(res),
            next,
          );
        },
      );
    }
    return app;
  },
};

runContract(adapter);

const verifier = createVerifier({ methods: [mtls()] });
const onlyAlice = { allow: [{ dnsName: 'alice.example' }] };
const expired = authority.issue({ dnsNames: ['x.example'], notAfter: new Date(Date.now() - 1000) });
const aliceSubject = 'dns:alice.example';

/** A later strategy of a list: whoever gets so far is somebody. */
const somebody: passport.Strategy = {
  name: 'somebody',
  authenticate() {
    this.success({ name: 'somebody' });
  },
};

interface SiteOptions {
  readonly options?: passport.AuthenticateOptions;
  readonly before?: readonly RequestHandler[];
  /** Passport's, for what it knows beside strategies. */
  configure?(authenticator: passport.Authenticator, app: Express): void;
}

interface Site extends TestServer {
  /** The errors that reached Express. */
  readonly errors: unknown[];
  readonly handled: () => number;
  call(who?: TestCertificate, method?: 'get' | 'post'): supertest.Test;
}

/** A service behind a list of strategies that answers with the user and the identity it was given. */
async function serve(strategies: readonly passport.Strategy[], given: SiteOptions = {}) {
  const { options = { session: false }, before = [], configure } = given;
  const authenticator = new passport.Passport();
  const app = express();
  const errors: unknown[] = [];
  let handled = 0;
  configure?.(authenticator, app);
  const names = strategies.map((strategy, i) => `${i} ${strategy.name}`);
  strategies.forEach((strategy, i) => authenticator.use(names[i]!, strategy));
  app.use(...[...before, authenticator.authenticate(names, options)]);
  app.use((req, res) => {
    handled++;
    res.json({ user: req.user, subject: req.identity?.subject, info: req.authInfo });
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) satisfies ErrorRequestHandler);
  return await running(app, errors, () => handled);
}

async function running(app: Express, errors: unknown[] = [], handled = () => 0): Promise<Site> {
  if (process.env['NODE_ENV'] === undefined) app.set('env', 'test');
  const { cert, key } = serverCertificate;
  const site = await testServer(app, { cert, key, ca: authority.cert });
  return {
    ...site,
    errors,
    handled,
    call(who, method = 'get') {
      const test = supertest(site.origin)[method]('/').ca(authority.cert).timeout(10_000);
      return who === undefined ? test : test.cert(who.cert).key(who.key);
    },
  };
}

describe('MutualAuthStrategy', () => {
  it('makes the identity the user where there is no `verify`', async () => {
    await using site = await serve([new MutualAuthStrategy({ verifier })]);
    const { status, body } = await site.call(alice);
    assert.deepEqual([status, body.user.subject, body.subject], [200, aliceSubject, aliceSubject]);
  });

  it('fits into Passport and Express without a cast', () => {
    const strategy = new MutualAuthStrategy({ verifier });
    expectTypeOf(strategy).toExtend<passport.Strategy>();
    assert.equal(strategy.name, 'mutual-auth');
    const options = { verifier, passReqToCallback: true } as const;
    const strategies = [
      new MutualAuthStrategy(options, (req: Request, identity, done) => {
        expectTypeOf(identity).toEqualTypeOf<Identity>();
        done(null, { path: req.path });
      }),
      new MutualAuthStrategy(options, (req, identity, done) => {
        expectTypeOf(req.url).toEqualTypeOf<string | undefined>();
        done(null, identity);
      }),
    ];
    assert.equal(strategies.length, 2);
    const handler: RequestHandler = (req) => {
      expectTypeOf(req.identity).toEqualTypeOf<Identity | undefined>();
      identityOf(req);
    };
    assert.equal(typeof handler, 'function');
  });

  it('leaves every name but `authenticate` to a subclass', async () => {
    class Own extends MutualAuthStrategy {
      readonly verifier = 'of my own';
      readonly verify = 'of my own';
      readonly policy = 'of my own';
    }
    await using site = await serve([new Own({ verifier, policy: onlyAlice })]);
    assert.equal((await site.call(alice)).status, 200);
    assert.equal((await site.call(bob)).status, 403);
  });

  it('keeps requests apart where Passport is given the strategy itself', async () => {
    // Both are let go when both are there, so the first answers after the second came.
    const waiting: ((answer: boolean) => void)[] = [];
    const authorize = () =>
      new Promise<boolean>((resolve) => {
        if (waiting.push(resolve) === 2) for (const go of waiting) go(true);
      });
    const strategy = new MutualAuthStrategy({ verifier, policy: { authorize } });
    const app = express();
    app.use(passport.authenticate(strategy, { session: false }), (req, res) => {
      res.json(req.identity?.subject);
    });
    await using site = await running(app);
    const answers = await Promise.all([site.call(alice), site.call(bob)]);
    assert.deepEqual(
      answers.map(({ body }) => body),
      [aliceSubject, 'dns:bob.example'],
    );
  });
});

describe('a list of strategies', () => {
  it('goes on to the next one where nothing was presented', async () => {
    await using site = await serve([new MutualAuthStrategy({ verifier }), somebody]);
    const { status, body, headers } = await site.call();
    assert.deepEqual([status, body], [200, { user: { name: 'somebody' }, info: {} }]);
    assert.equal(headers['cache-control'], undefined);
  });

  it('goes on to the next one where a method needs another round trip', async () => {
    const stepping = createVerifier({ methods: [fakeMethod('step', new Continue({}))] });
    await using site = await serve([new MutualAuthStrategy({ verifier: stepping }), somebody]);
    assert.deepEqual((await site.call()).body.user, { name: 'somebody' });
  });

  it('ends where what was presented is bad', async () => {
    await using site = await serve([new MutualAuthStrategy({ verifier }), somebody]);
    assert.equal((await site.call(expired)).status, 403);
    assert.equal(site.handled(), 0);
  });

  it('ends where the peer is known and not allowed', async () => {
    const strategy = new MutualAuthStrategy({ verifier, policy: onlyAlice });
    await using site = await serve([strategy, somebody]);
    assert.equal((await site.call(bob)).status, 403);
    assert.equal((await site.call(alice)).body.subject, aliceSubject);
  });

  it('asks for what each of them asks for', async () => {
    const verifierOf = (name: string) =>
      fakeMethod(name, null, { challenge: () => ({ 'www-authenticate': name }) });
    const two = createVerifier({
      methods: [verifierOf('One'), verifierOf('Two')],
      policy: { require: { anyOf: ['One', 'Two'] } },
    });
    const third = createVerifier({ methods: [verifierOf('Three')] });
    await using site = await serve(
      [two, third].map((each) => new MutualAuthStrategy({ verifier: each })),
    );
    const { status, headers } = await site.call();
    assert.deepEqual([status, headers['www-authenticate']], [401, 'One, Two, Three']);
  });

  it('answers with the step of a method, whatever its status and fields', async () => {
    for (const status of [401, 403]) {
      const fields = { 'www-authenticate': 'Step n=1', 'x-step': 'one', 'set-cookie': 'step=1' };
      const stepping = createVerifier({
        methods: [fakeMethod('step', new Continue(fields, status))],
      });
      const before: RequestHandler = (_req, res, next) => {
        res.cookie('of', 'others');
        next();
      };
      await using site = await serve([new MutualAuthStrategy({ verifier: stepping })], {
        before: [before],
      });
      const answer = await site.call();
      assert.deepEqual([answer.status, answer.text], [status, STATUS_CODES[status]]);
      assert.equal(answer.headers['www-authenticate'], 'Step n=1');
      assert.equal(answer.headers['x-step'], 'one');
      assert.deepEqual(answer.headers['set-cookie'], ['of=others; Path=/', 'step=1']);
    }
  });
});

describe('verify', () => {
  it('says which user the peer is, with info', async () => {
    const strategy = new MutualAuthStrategy({ verifier }, (identity, done) =>
      done(null, { name: identity.subject }, { scope: 'all' }),
    );
    await using site = await serve([strategy]);
    assert.deepEqual((await site.call(alice)).body, {
      user: { name: aliceSubject },
      subject: aliceSubject,
      info: { scope: 'all' },
    });
  });

  it('gets the request before all else under passReqToCallback', async () => {
    const strategy = new MutualAuthStrategy(
      { verifier, passReqToCallback: true },
      (req: Request, identity, done) => done(null, { path: req.path, name: identity.subject }),
    );
    await using site = await serve([strategy]);
    assert.deepEqual((await site.call(alice)).body.user, { path: '/', name: aliceSubject });
  });

  it('is not asked about a peer that is absent, bad or not allowed', async () => {
    let asked = 0;
    const strategy = new MutualAuthStrategy({ verifier, policy: onlyAlice }, (_identity, done) => {
      asked++;
      done(null, {});
    });
    await using site = await serve([strategy]);
    for (const who of [undefined, expired, bob]) await site.call(who);
    assert.equal(asked, 0);
  });

  it('is not asked where the policy lets an anonymous peer pass, who is nobody', async () => {
    const strategy = new MutualAuthStrategy(
      { verifier, policy: { allowAnonymous: true } },
      (_identity, done) => done(null, { name: 'anybody' }),
    );
    const before: RequestHandler = (req, _res, next) => {
      req.identity = fakeIdentity();
      next();
    };
    await using site = await serve([strategy], { before: [before] });
    const { status, body } = await site.call();
    assert.deepEqual([status, body], [200, {}]);
  });

  for (const nobody of [false, null, undefined]) {
    it(`refuses by answering ${nobody}, and lets the next strategy go on`, async () => {
      const strategy = new MutualAuthStrategy({ verifier }, (_identity, done) =>
        done(null, nobody, 'Own realm="users"'),
      );
      await using alone = await serve([strategy]);
      const { status, headers } = await alone.call(alice);
      assert.deepEqual([status, headers['www-authenticate']], [401, 'Own realm="users"']);
      await using list = await serve([strategy, somebody]);
      const { body } = await list.call(alice);
      assert.deepEqual([body.user, body.subject], [{ name: 'somebody' }, undefined]);
    });
  }

  const failure = new Error('the directory is down');
  const failing: Readonly<Record<string, (done: Done) => void | Promise<void>>> = {
    'passes an error to done': (done) => done(failure, { name: 'anybody' }),
    throws() {
      throw failure;
    },
    'throws later': async () => {
      await Promise.resolve();
      throw failure;
    },
  };
  for (const [how, verify] of Object.entries(failing)) {
    it(`gives its own error to the application where it ${how}`, async () => {
      // One verifier answers at once, the other later.
      for (const authorize of [() => true, () => Promise.resolve(true)]) {
        const options = { verifier, policy: { authorize } };
        const strategy = new MutualAuthStrategy(options, (_identity, done) => verify(done));
        await using site = await serve([strategy, somebody]);
        assert.equal((await site.call(alice)).status, 500);
        assert.deepEqual(site.errors, [failure]);
        assert.equal(site.handled(), 0);
      }
    });
  }

  it('answers once: what comes behind a refusal changes nothing', async () => {
    const strategy = new MutualAuthStrategy({ verifier }, (_identity, done) => {
      done(null, false);
      done(null, { name: 'anybody' });
    });
    await using site = await serve([strategy]);
    assert.equal((await site.call(alice)).status, 401);
    assert.equal(site.handled(), 0);
  });

  it('is not blamed for what is thrown behind its answer', async () => {
    const strategy = new MutualAuthStrategy({ verifier }, (identity, done) => done(null, identity));
    const app = express();
    app.use(
      passport.authenticate(strategy, () => {
        throw failure;
      }),
    );
    await using site = await running(app);
    assert.equal((await site.call(alice)).status, 500);
  });
});

describe('sessions', () => {
  interface Session {
    passport?: { user?: unknown };
    regenerate(done: () => void): void;
    save(done: () => void): void;
  }

  function sessions() {
    const session: Session = {
      regenerate(done) {
        delete session.passport;
        done();
      },
      save: (done) => done(),
    };
    const before: RequestHandler = (req, _res, next) => {
      Object.assign(req, { session });
      next();
    };
    function configure(authenticator: passport.Authenticator, app: Express): void {
      authenticator.serializeUser((user, done) => done(null, (user as { name: string }).name));
      authenticator.deserializeUser((name, done) => done(null, { name }));
      app.use(before, authenticator.session());
    }
    return { session, configure };
  }
  const named = new MutualAuthStrategy({ verifier }, (identity, done) =>
    done(null, { name: identity.subject }),
  );

  it('keep the user that `verify` answered', async () => {
    const { session, configure } = sessions();
    await using site = await serve([named], { options: {}, configure });
    assert.equal((await site.call(alice)).status, 200);
    assert.deepEqual(session.passport, { user: aliceSubject });
  });

  it('hold nothing under `session: false`, nor for a peer that is refused', async () => {
    const { session, configure } = sessions();
    await using unkept = await serve([named], { configure });
    assert.equal((await unkept.call(alice)).status, 200);
    await using kept = await serve([named], { options: {}, configure });
    for (const who of [undefined, expired]) await kept.call(who);
    assert.equal(session.passport, undefined);
  });

  it('are no evidence: who signed in before must still prove itself', async () => {
    const { session, configure } = sessions();
    session.passport = { user: aliceSubject };
    await using site = await serve([named], { configure });
    assert.equal((await site.call()).status, 401);
  });
});

describe('a refusal by error', () => {
  const { NODE_ENV: environment } = process.env;
  afterEach(() => {
    mock.restoreAll();
    if (environment !== undefined) process.env['NODE_ENV'] = environment;
  });

  const stale = fakeMethod('stale', evidence('key:a', { authenticatedAt: new Date(0) }), {
    challenge: () => ({ 'www-authenticate': 'Again' }),
  });
  const steppingUp = createVerifier({ methods: [stale], policy: { maxAge: 60 } });

  it('has its status and fields, a title for a message and a stack, and no reason', async () => {
    await using site = await serve([new MutualAuthStrategy({ verifier: steppingUp })]);
    await site.call();
    const [error] = site.errors as (Error & Record<string, unknown>)[];
    assert.ok(error instanceof Error);
    const { message, stack } = error;
    assert.deepEqual([message, stack], ['Unauthorized', 'Unauthorized']);
    assert.deepEqual(
      { ...error },
      {
        status: 401,
        statusCode: 401,
        expose: false,
        headers: { 'www-authenticate': 'Again', 'cache-control': 'no-store' },
      },
    );
    assert.equal(error.cause, undefined);
  });

  it('has its fields in the answer of Express, and of a handler that reads the response only', async () => {
    const own: ErrorRequestHandler = (error, _req, res, _next) => {
      res.status(error.status).send('own');
    };
    const strategy = new MutualAuthStrategy({ verifier: steppingUp });
    for (const handlers of [[], [own]]) {
      const app = express();
      app.use(passport.authenticate(strategy, { session: false }), ...handlers);
      await using site = await running(app);
      const { status, headers } = await site.call();
      assert.deepEqual([status, headers['www-authenticate']], [401, 'Again']);
      assert.equal(headers['cache-control'], 'no-store');
    }
  });

  it('keeps reason and stack from the peer with NODE_ENV unset, and out of what Express prints', async () => {
    delete process.env['NODE_ENV'];
    const printed = new Promise((resolve) => {
      mock.method(console, 'error', resolve);
    });
    const app = express();
    assert.equal(app.get('env'), 'development');
    app.use(passport.authenticate(new MutualAuthStrategy({ verifier }), { session: false }));
    const { cert, key } = serverCertificate;
    await using site = await testServer(app, { cert, key, ca: authority.cert });
    const { status, text } = await supertest(site.origin)
      .get('/')
      .ca(authority.cert)
      .cert(expired.cert)
      .key(expired.key);
    assert.equal(status, 403);
    assert.match(text, /<pre>Forbidden<\/pre>/);
    assert.doesNotMatch(inspect(await printed), /CERT|ERR_|\bat /);
  });
});

describe('a response that has begun', () => {
  it('is cut off, so that nobody takes it for a whole one', async () => {
    const before: RequestHandler = (_req, res, next) => {
      res.write('begun');
      next();
    };
    for (const who of [undefined, expired]) {
      await using site = await serve([new MutualAuthStrategy({ verifier })], { before: [before] });
      await assert.rejects(async () => await site.call(who), /aborted|hang up|ECONNRESET/);
      assert.equal(site.handled(), 0);
    }
  });

  it('and has ended is left as it is', async () => {
    const before: RequestHandler = (_req, res, next) => {
      res.send('answered');
      next();
    };
    for (const who of [undefined, expired]) {
      await using site = await serve([new MutualAuthStrategy({ verifier })], { before: [before] });
      const { status, text } = await site.call(who);
      assert.deepEqual([status, text], [200, 'answered']);
      assert.deepEqual(site.errors, []);
    }
  });
});

describe('a method that proves the service', () => {
  const sealing = createVerifier({
    methods: [
      fakeMethod('sealing', evidence('key:a'), {
        prove: (_exchange, _evidence, head) => head.setField('x-seal', 'ours'),
      }),
    ],
  });

  it('proves it on the response of Express', async () => {
    await using site = await serve([new MutualAuthStrategy({ verifier: sealing })]);
    const { status, headers } = await site.call();
    assert.deepEqual([status, headers['x-seal']], [200, 'ours']);
  });

  it('is refused with 500 where the request does not lead to its response', async () => {
    // Without Express, `req.res` is not there.
    const errors: (Error & { status?: number })[] = [];
    const authenticate = passport.authenticate(new MutualAuthStrategy({ verifier: sealing }), {
      session: false,
    });
    const { cert, key } = serverCertificate;
    await using site = await testServer(
      (req, res) =>
        void authenticate(req, res, (error: Error) => {
          errors.push(error);
          res.end();
        }),
      { cert, key, ca: authority.cert },
    );
    await supertest(site.origin).get('/').ca(authority.cert);
    const [error] = errors;
    assert.deepEqual([error?.status, error?.message], [500, 'Internal Server Error']);
    assert.match(String(error?.cause), /`req\.res`/);
  });

  it('is not needed: without one, the response is not either', async () => {
    const authenticate = passport.authenticate(new MutualAuthStrategy({ verifier }), {
      session: false,
    });
    const { cert, key } = serverCertificate;
    await using site = await testServer(
      (req, res) => void authenticate(req, res, (error?: Error) => res.end(error?.message ?? 'ok')),
      { cert, key, ca: authority.cert },
    );
    const call = () => supertest(site.origin).get('/').ca(authority.cert);
    assert.equal((await call().cert(alice.cert).key(alice.key)).status, 200);
    assert.equal((await call()).status, 401);
    assert.equal((await call().cert(expired.cert).key(expired.key).buffer()).statusCode, 200);
  });
});

describe('the options of MutualAuthStrategy', () => {
  const verify = (_identity: Identity, done: Done): void => done(null, {});
  const wrong: readonly (readonly [what: string, given: readonly unknown[], message: RegExp])[] = [
    ['nothing', [], /must be a plain object/],
    ['no verifier', [{}], /MutualAuthStrategy\.verifier/],
    ['options of a verifier in place of one', [{ verifier: { methods: [] } }], /createVerifier/],
    ['a misspelt option', [{ verifier, polcy: {} }], /Did you mean `policy`/],
    ['an option of another case', [{ verifier, passReqToCallBack: true }], /`passReqToCallback`/],
    ['an unset policy', [{ verifier, policy: undefined }], /policy: is undefined/],
    ['a misspelt member of the policy', [{ verifier, policy: { alow: [] } }], /`allow`/],
    ['an unset `verify`', [{ verifier }, undefined], /MutualAuthStrategy\.verify:/],
    ['a `verify` that is no function', [{ verifier }, {}], /MutualAuthStrategy\.verify:/],
    ['text for a boolean', [{ verifier, passReqToCallback: 'false' }, verify], /true or false/],
    ['`verify` alone', [verify], /must be a plain object/],
  ];
  for (const [what, given, message] of wrong) {
    it(`throw while the program starts for ${what}`, () => {
      assert.throws(
        () => new (MutualAuthStrategy as unknown as new (...args: unknown[]) => unknown)(...given),
        { name: 'ConfigError', message },
      );
    });
  }
});
