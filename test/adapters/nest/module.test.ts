import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Body, Controller, Get, HttpCode, Inject, Module, Post, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { expectTypeOf } from 'expect-type';
import {
  AllowAnonymous,
  type Identity,
  MutualAuth,
  MutualAuthModule,
  type MutualAuthModuleOptions,
  PeerIdentity,
  VERIFIER,
} from '../../../adapters/nest/index.ts';
import {
  AuthError,
  type Policy,
  type ServerMethod,
  type Verifier,
  createVerifier,
  mtls,
} from '../../../src/index.ts';
import { fakeIdentity, fakeVerifier } from '../../../src/pki/testing.ts';
import { alice, bob } from '../../support/pki.ts';
import { type Platform, create, platforms, rootModule, serve } from './serve.ts';

const methods = [mtls()];
const onlyAlice: Policy = { allow: [{ dnsName: 'alice.example' }] };

@Controller()
@MutualAuth()
class Controlled {
  @Get()
  answer(@PeerIdentity() peer: Identity) {
    return { subject: peer.subject };
  }
}

const forRoot = MutualAuthModule.forRoot as (
  ...given: unknown[]
) => ReturnType<typeof MutualAuthModule.forRoot>;

describe('MutualAuthModule.forRoot', () => {
  const verifier = createVerifier({ methods, policy: onlyAlice });
  for (const [what, given, bobPasses] of [
    ['nothing', [], true],
    ['no options', [{}], true],
    ['requestOf alone', [{ requestOf: () => undefined }], true],
    ['options of a verifier', [{ methods, policy: onlyAlice }], false],
    ['a verifier', [{ verifier }], false],
    [
      'a verifier and a policy',
      [{ verifier: createVerifier({ methods }), policy: onlyAlice }],
      false,
    ],
  ] as const) {
    it(`takes ${what}`, async () => {
      const app = await create('express', {
        imports: [forRoot(...given)],
        controllers: [Controlled],
      });
      await using site = await serve(app);
      assert.equal((await site.request('/')).status, 403);
      assert.equal((await site.request('/', alice)).status, 200);
      assert.equal((await site.request('/', bob)).status, bobPasses ? 200 : 403);
    });
  }

  for (const [what, options, message] of [
    ['undefined for options', undefined, /must be a plain object/],
    ['a misspelt option', { method: methods }, /method: is not an option. Did you mean `methods`/],
    ['a misspelt option of its own', { requestof: () => {} }, /Did you mean `requestOf`/],
    ['an unset variable', { methods, policy: undefined }, /policy: is undefined/],
    ['an unset verifier', { verifier: undefined }, /verifier: is undefined/],
    [
      'a requestOf that is no function',
      { methods, requestOf: {} },
      /requestOf: must be a function/,
    ],
    ['methods beside a verifier', { verifier, methods }, /methods: belongs to the verifier/],
    ['a policy that is wrong', { methods, policy: { alow: [] } }, /Did you mean `allow`/],
    ['a policy without methods', { policy: { allow: [] } }, /methods: must be a list/],
  ] as const) {
    it(`throws while the program starts for ${what}`, () => {
      assert.throws(() => forRoot(options), { name: 'ConfigError', message });
    });
  }

  it('exports the verifier to every module', async () => {
    class Service {
      readonly verifier: Verifier;
      constructor(@Inject(VERIFIER) given: Verifier) {
        this.verifier = given;
      }
    }
    @Module({ providers: [Service] })
    class Feature {}
    const app = await create('express', {
      imports: [MutualAuthModule.forRoot({ verifier }), Feature],
    });
    assert.equal(app.get(Service, { strict: false }).verifier, verifier);
  });

  it('is typed: options of a verifier, or a verifier and a policy', () => {
    expectTypeOf({
      methods,
      authorities: ['https://a.example'],
    }).toExtend<MutualAuthModuleOptions>();
    expectTypeOf({ verifier, policy: onlyAlice }).toExtend<MutualAuthModuleOptions>();
    expectTypeOf({ policy: 1 }).not.toExtend<MutualAuthModuleOptions>();
  });
});

describe('MutualAuthModule.forRootAsync', () => {
  const CONFIGURATION = Symbol('configuration');
  interface Configuration {
    readonly policy: Policy;
  }
  @Module({
    providers: [{ provide: CONFIGURATION, useValue: { policy: onlyAlice } }],
    exports: [CONFIGURATION],
  })
  class ConfigurationModule {}

  for (const [how, answered] of [
    ['at once', (options: MutualAuthModuleOptions) => options],
    ['later', (options: MutualAuthModuleOptions) => Promise.resolve(options)],
  ] as const) {
    it(`takes what a factory answers ${how} from injected configuration`, async () => {
      const app = await create('express', {
        imports: [
          MutualAuthModule.forRootAsync({
            imports: [ConfigurationModule],
            inject: [CONFIGURATION],
            useFactory: ({ policy }: Configuration) => answered({ methods, policy }),
          }),
        ],
        controllers: [Controlled],
      });
      await using site = await serve(app);
      assert.equal((await site.request('/', alice)).status, 200);
      assert.equal((await site.request('/', bob)).status, 403);
    });
  }

  for (const [what, answer] of Object.entries({
    nothing: undefined,
    'a misspelt option': { method: methods },
  })) {
    it(`keeps the application from being created where the factory answers ${what}`, async () => {
      const module = MutualAuthModule.forRootAsync({ useFactory: () => answer as never });
      await assert.rejects(create('express', { imports: [module] }), { name: 'ConfigError' });
    });
  }

  it('throws for an option it has not got', () => {
    const options = { useFactory: () => ({ methods }), useclass: Object };
    assert.throws(() => MutualAuthModule.forRootAsync(options), { name: 'ConfigError' });
  });
});

describe('a policy that is wrong', () => {
  const wrong = { alow: [] } as Policy;

  @Controller()
  class OnHandler {
    @Get()
    @MutualAuth(wrong)
    answer() {}
  }
  @Controller()
  @MutualAuth(wrong)
  class OnController {}
  class OnProvider {
    @MutualAuth(wrong)
    handle() {}
  }

  for (const [members, where] of [
    [{ controllers: [OnHandler] }, 'OnHandler.answer'],
    [{ controllers: [OnController] }, 'OnController'],
    [{ providers: [OnProvider] }, 'OnProvider.handle'],
  ] as const) {
    it(`keeps the program from starting, and says where it is: ${where}`, async () => {
      const app = await create('express', {
        imports: [MutualAuthModule.forRoot({ methods })],
        ...(members as object),
      });
      await assert.rejects(app.init(), {
        name: 'ConfigError',
        path: where,
        message: `${where}: policy.alow: is not an option. Did you mean \`allow\`?`,
      });
    });
  }

  it('is none of the business of providers that are no classes', async () => {
    const app = await create('express', {
      imports: [MutualAuthModule.forRoot({ methods })],
      providers: [
        { provide: 'value', useValue: { answer: () => {} } },
        { provide: 'arrow', useFactory: () => ({}) },
        { provide: 'null', useValue: null },
      ],
    });
    await app.init();
    await app.close();
  });
});

for (const platform of platforms) {
  describe(`what a method sees of content on ${platform}`, () => {
    function counting(): ServerMethod & { bytes: number } {
      return {
        name: 'counting',
        bytes: 0,
        prepare({ content }) {
          content.tap({ chunk: (bytes) => (this.bytes += bytes.length), end: () => {} });
        },
        verify: () => ({ subject: 'key:counting' }),
      };
    }

    @Controller()
    class Parsing {
      @Post()
      @HttpCode(200)
      @MutualAuth()
      answer(@Body() body: unknown) {
        return { body };
      }
    }

    it('is all of it, though Nest parses bodies before its guards', async () => {
      const method = counting();
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods: [method] })],
        controllers: [Parsing],
      });
      await using site = await serve(app);
      const { status, body } = await site.request('/', undefined, 'post').send({ amount: 1 });
      assert.deepEqual([status, body], [200, { body: { amount: 1 } }]);
      assert.equal(method.bytes, '{"amount":1}'.length);
    });

    it('is all of it in an application of @nestjs/testing too', async () => {
      const method = counting();
      const members = {
        imports: [MutualAuthModule.forRoot({ methods: [method] })],
        controllers: [Parsing],
      };
      const testing = await Test.createTestingModule(members).compile();
      const app =
        platform === 'express'
          ? testing.createNestApplication({ logger: false })
          : testing.createNestApplication(new FastifyAdapter(), { logger: false });
      await using site = await serve(app as never);
      const { status } = await site.request('/', undefined, 'post').send({ amount: 1 });
      assert.deepEqual([status, method.bytes], [200, 12]);
    });
  });
}

for (const platform of platforms) {
  describe(`what a method has to say of the head on ${platform}`, () => {
    it('is the last word, for the response is hooked before anything else runs', async () => {
      let hooked: boolean | undefined;
      @Controller()
      @UseGuards({
        canActivate(context) {
          const response = context.switchToHttp().getResponse<{ raw?: object }>();
          hooked = Object.hasOwn(response.raw ?? response, 'writeHead');
          return true;
        },
      })
      class Open {
        @Get()
        answer() {}
      }
      const proving: ServerMethod = { name: 'proving', verify: () => null, prove() {} };
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods: [proving] })],
        controllers: [Open],
      });
      await using site = await serve(app);
      assert.equal((await site.request('/')).status, 200);
      assert.equal(hooked, true);
    });
  });
}

describe('an application on Fastify without middleware', () => {
  it('runs with the module in it', async () => {
    const members = { imports: [MutualAuthModule.forRoot({ methods })], controllers: [Controlled] };
    const adapter = new FastifyAdapter({ skipMiddie: true });
    const options = { logger: false, abortOnError: false } as const;
    await using site = await serve(await NestFactory.create(rootModule(members), adapter, options));
    assert.equal((await site.request('/', alice)).status, 200);
  });
});

describe('an application without HTTP', () => {
  it('starts with the module in it', async () => {
    const members = { imports: [MutualAuthModule.forRoot({ methods })] };
    const context = await NestFactory.createApplicationContext(rootModule(members), {
      logger: false,
      abortOnError: false,
    });
    assert.equal(typeof context.get<Verifier>(VERIFIER).decide, 'function');
    await context.close();
  });
});

describe('overrideProvider(VERIFIER)', () => {
  @Controller()
  @MutualAuth(onlyAlice)
  class Payments {
    @Get()
    answer(@PeerIdentity() peer: Identity) {
      return { subject: peer.subject };
    }

    @Get('anonymous')
    @AllowAnonymous()
    anonymous() {
      return {};
    }
  }

  async function serveWith(verifier: Verifier, platform: Platform) {
    const module = rootModule({
      imports: [MutualAuthModule.forRoot({ methods })],
      controllers: [Payments],
    });
    const testing = await Test.createTestingModule({ imports: [module] })
      .overrideProvider(VERIFIER)
      .useValue(verifier)
      .compile();
    const app =
      platform === 'express'
        ? testing.createNestApplication({ logger: false })
        : testing.createNestApplication(new FastifyAdapter(), { logger: false });
    return serve(app as never);
  }

  for (const platform of platforms) {
    it(`lets tests of an application say who the peer is, on ${platform}`, async () => {
      const identity = fakeIdentity({ subject: 'dns:teller.example' });
      await using site = await serveWith(fakeVerifier(identity), platform);
      const { status, body } = await site.request('/');
      assert.deepEqual([status, body], [200, { subject: 'dns:teller.example' }]);
    });

    it(`lets them see a refusal, on ${platform}`, async () => {
      const refusing = fakeVerifier(new AuthError('ERR_NOT_ALLOWED', 'reason'));
      await using site = await serveWith(refusing, platform);
      for (const path of ['/', '/anonymous']) {
        const { status, body } = await site.request(path);
        assert.deepEqual([status, body], [403, { status: 403, title: 'Forbidden' }]);
      }
    });
  }
});
