// Passport under Nest's own AuthGuard. Nest takes the status of an error from it, and writes the body.
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
  Controller,
  Get,
  type INestApplication,
  Module,
  Req,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import passport from 'passport';
import supertest from 'supertest';
import { MutualAuthStrategy, Strategy } from '../../adapters/passport.ts';
import { type Identity, createVerifier, mtls } from '../../src/index.ts';
import { type TestCertificate, type TestServer, testServer } from '../../src/pki/testing.ts';
import { serverCertificate } from '../support/guarded.ts';
import { evidence, fakeMethod } from '../support/method.ts';
import { alice, authority, bob } from '../support/pki.ts';

const verifier = createVerifier({ methods: [mtls()] });
const stale = createVerifier({
  methods: [
    fakeMethod('stale', evidence('key:a', { authenticatedAt: new Date(0) }), {
      challenge: () => ({ 'www-authenticate': 'Again' }),
    }),
  ],
  policy: { maxAge: 60 },
});
const asking = createVerifier({
  methods: [fakeMethod('asking', null, { challenge: () => ({ 'www-authenticate': 'Ask' }) })],
});

class CertificateStrategy extends PassportStrategy(MutualAuthStrategy) {
  // A name of the application's own, as Nest injects them.
  private readonly policy: string;

  constructor() {
    super({ verifier });
    this.policy = 'of the application';
  }

  validate(identity: Identity): object | false {
    if (identity.subject === 'dns:unknown.example') return false;
    if (identity.subject === 'dns:locked.example') throw new UnauthorizedException();
    return { name: identity.subject, policy: this.policy };
  }
}

class LegacyStrategy extends PassportStrategy(Strategy) {
  validate(certificate: { readonly fingerprint256: string }): object {
    return { fingerprint: certificate.fingerprint256 };
  }
}

@Controller()
class Site {
  @Get('user')
  @UseGuards(AuthGuard('mutual-auth'))
  user(@Req() req: Request): object {
    return { user: req.user, subject: req.identity?.subject };
  }

  @Get('alice')
  @UseGuards(AuthGuard('alice'))
  alice(): string {
    return 'alice';
  }

  @Get('list')
  @UseGuards(AuthGuard(['mutual-auth', 'somebody']))
  list(@Req() req: Request): object {
    return { user: req.user };
  }

  @Get('stale')
  @UseGuards(AuthGuard('stale'))
  stale(): string {
    return 'fresh';
  }

  @Get('asking')
  @UseGuards(AuthGuard('asking'))
  asking(): string {
    return 'answered';
  }

  @Get('anonymous')
  @UseGuards(AuthGuard('anonymous'))
  anonymous(@Req() req: Request): object {
    return { user: req.user ?? null };
  }

  @Get('legacy')
  @UseGuards(AuthGuard('client-cert'))
  legacy(@Req() req: Request): object {
    return { user: req.user };
  }
}

@Module({ controllers: [Site], providers: [CertificateStrategy, LegacyStrategy] })
class Application {
  readonly name = 'application';
}

describe("Nest's AuthGuard", () => {
  let app: INestApplication;
  let site: TestServer;
  const names = ['alice', 'stale', 'asking', 'anonymous', 'somebody'];
  before(async () => {
    const allow = [{ dnsName: 'alice.example' }];
    passport.use('alice', new MutualAuthStrategy({ verifier, policy: { allow } }));
    passport.use('stale', new MutualAuthStrategy({ verifier: stale }));
    passport.use('asking', new MutualAuthStrategy({ verifier: asking }));
    passport.use(
      'anonymous',
      new MutualAuthStrategy({ verifier, policy: { allowAnonymous: true } }),
    );
    passport.use('somebody', {
      authenticate() {
        this.success({ name: 'somebody' });
      },
    });
    app = await NestFactory.create(Application, { logger: false });
    await app.init();
    const { cert, key } = serverCertificate;
    const listener = app.getHttpAdapter().getInstance() as RequestListener;
    site = await testServer(listener, { cert, key, ca: authority.cert });
  });
  after(async () => {
    await site.close();
    await app.close();
    for (const name of [...names, 'mutual-auth', 'client-cert']) passport.unuse(name);
  });

  function call(path: string, who?: TestCertificate): supertest.Test {
    const test = supertest(site.origin).get(path).ca(authority.cert);
    return who === undefined ? test : test.cert(who.cert).key(who.key);
  }

  it('gives the handler the user that `validate` makes of the identity', async () => {
    const { status, body } = await call('/user', alice);
    const subject = 'dns:alice.example';
    const user = { name: subject, policy: 'of the application' };
    assert.deepEqual([status, body], [200, { user, subject }]);
  });

  it('answers absent credentials with 401, and goes on to the next strategy of a list', async () => {
    const { status, body } = await call('/user');
    assert.deepEqual([status, body], [401, { statusCode: 401, message: 'Unauthorized' }]);
    assert.deepEqual((await call('/list')).body, { user: { name: 'somebody' } });
  });

  it('answers bad credentials with 403 and nothing of the reason, also in a list', async () => {
    const expired = authority.issue({ notAfter: new Date(Date.now() - 1000) });
    for (const path of ['/user', '/list', '/anonymous']) {
      const { status, body } = await call(path, expired);
      assert.deepEqual([status, body], [403, { statusCode: 403, message: 'Forbidden' }]);
    }
  });

  it('answers a peer that is not allowed with 403', async () => {
    assert.equal((await call('/alice', alice)).status, 200);
    const { status, body } = await call('/alice', bob);
    assert.deepEqual([status, body], [403, { statusCode: 403, message: 'Forbidden' }]);
  });

  it('asks for what the methods ask for, which Nest by itself leaves out', async () => {
    for (const [path, challenge] of Object.entries({ '/asking': 'Ask', '/stale': 'Again' })) {
      const { status, headers } = await call(path);
      assert.deepEqual([status, headers['www-authenticate']], [401, challenge]);
    }
  });

  it('lets an anonymous peer pass without a user where the policy says so', async () => {
    const { status, body } = await call('/anonymous');
    assert.deepEqual([status, body], [200, { user: null }]);
  });

  it('answers 401 where `validate` knows no such user, or throws so', async () => {
    for (const name of ['unknown', 'locked']) {
      const who = authority.issue({ dnsNames: [`${name}.example`] });
      assert.equal((await call('/user', who)).status, 401);
    }
  });

  it('takes the drop-in for passport-client-cert as well', async () => {
    const { status, body } = await call('/legacy', alice);
    assert.equal(status, 200);
    assert.match((body as { user: { fingerprint: string } }).user.fingerprint, /^[0-9A-F:]{95}$/);
    assert.equal((await call('/legacy')).status, 401);
  });
});
