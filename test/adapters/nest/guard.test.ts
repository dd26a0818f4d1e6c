import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Controller, Get, Module, type PipeTransform, Req, UseGuards } from '@nestjs/common';
import { APP_GUARD, APP_PIPE, ExternalContextCreator } from '@nestjs/core';
import {
  AllowAnonymous,
  type Identity,
  MutualAuth,
  MutualAuthGuard,
  MutualAuthModule,
  PeerIdentity,
} from '../../../adapters/nest/index.ts';
import { type Policy, mtls } from '../../../src/index.ts';
import { recordEvents } from '../../support/events.ts';
import { alice, bob, impostor } from '../../support/pki.ts';
import { create, platforms, recordErrors, serve } from './serve.ts';

const methods = [mtls()];
const only = (dnsName: string): Policy => ({ allow: [{ dnsName }] });
const onlyAlice = only('alice.example');
const onlyBob = only('bob.example');
const forbidden = { status: 403, title: 'Forbidden' };
const stranger = impostor.issue({ dnsNames: ['alice.example'] });

/** A handler's answer. */
const subjectOf = (identity: Identity | undefined) => ({ subject: identity?.subject });

@Controller('bob')
@MutualAuth(onlyBob)
class BobsController {
  @Get('controller')
  byController() {
    return {};
  }

  @Get('handler')
  @MutualAuth(onlyAlice)
  byHandler() {
    return {};
  }

  @Get('module')
  @MutualAuth()
  byModule() {
    return {};
  }
}

// Inherits what it is decorated with, as everything in Nest.
@Controller('heir')
class Heir extends BobsController {}

@Controller('plain')
class PlainController {
  @Get()
  plain() {
    return {};
  }
}

@Controller('guarded')
@UseGuards(MutualAuthGuard)
class GuardedController {
  @Get()
  guarded(@PeerIdentity() peer: Identity | undefined) {
    return subjectOf(peer);
  }

  @Get('anonymous')
  @AllowAnonymous()
  anonymous(@PeerIdentity() peer: Identity | undefined) {
    return subjectOf(peer);
  }

  @Get('request')
  onRequest(@Req() request: { identity?: Identity }) {
    return subjectOf(request.identity);
  }
}

@Controller('unguarded')
class UnguardedController {
  @Get()
  unguarded(@PeerIdentity() peer: Identity) {
    return subjectOf(peer);
  }
}

for (const platform of platforms) {
  describe(`MutualAuthGuard on ${platform}`, () => {
    it('applies exactly one policy: of the handler, else the controller, else the module', async () => {
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods, policy: onlyAlice })],
        controllers: [BobsController, Heir, PlainController],
        providers: [{ provide: APP_GUARD, useClass: MutualAuthGuard }],
      });
      await using site = await serve(app);
      for (const [path, passes] of [
        ['/bob/controller', bob],
        ['/bob/handler', alice],
        ['/bob/module', alice],
        ['/heir/controller', bob],
        ['/heir/handler', alice],
        ['/plain', alice],
      ] as const) {
        for (const who of [alice, bob]) {
          const { status } = await site.request(path, who);
          assert.equal(status, who === passes ? 200 : 403, path);
        }
      }
    });

    it('replaces those members of the policy that the decorator names, and no other', async () => {
      @Controller()
      class Controlled {
        @Get()
        @MutualAuth({ maxAge: 60 })
        answer() {
          return {};
        }
      }
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods, policy: onlyAlice })],
        controllers: [Controlled],
      });
      await using site = await serve(app);
      assert.equal((await site.request('/', alice)).status, 200);
      assert.equal((await site.request('/', bob)).status, 403);
    });

    it('is applied by @MutualAuth itself, and guards nothing else', async () => {
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods })],
        controllers: [BobsController, PlainController],
      });
      await using site = await serve(app);
      for (const path of ['/bob/controller', '/bob/handler', '/bob/module']) {
        assert.deepEqual((await site.request(path)).body, forbidden);
      }
      assert.equal((await site.request('/plain')).status, 200);
    });

    for (const how of ['useClass', 'useExisting'] as const) {
      it(`guards what nobody decorated as APP_GUARD, by ${how}`, async () => {
        const guard =
          how === 'useClass' ? { useClass: MutualAuthGuard } : { useExisting: MutualAuthGuard };
        const app = await create(platform, {
          imports: [MutualAuthModule.forRoot({ methods })],
          controllers: [PlainController],
          providers: [{ provide: APP_GUARD, ...guard }],
        });
        await using site = await serve(app);
        assert.deepEqual((await site.request('/plain')).body, forbidden);
        assert.equal((await site.request('/plain', alice)).status, 200);
      });
    }

    it('decides once where APP_GUARD and a decorator both apply it', async () => {
      let asked = 0;
      @Controller()
      @MutualAuth()
      class Controlled {
        @Get()
        @MutualAuth({
          authorize: () => {
            asked++;
            return true;
          },
        })
        answer(@PeerIdentity() peer: Identity) {
          return subjectOf(peer);
        }
      }
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods })],
        controllers: [Controlled],
        providers: [{ provide: APP_GUARD, useClass: MutualAuthGuard }],
      });
      await using site = await serve(app);
      using events = recordEvents();
      assert.deepEqual((await site.request('/', alice)).body, { subject: 'dns:alice.example' });
      assert.equal(asked, 1);
      assert.equal(events.accepted.length, 1);
    });
  });

  describe(`@PeerIdentity and req.identity on ${platform}`, () => {
    const members = {
      imports: [MutualAuthModule.forRoot({ methods })],
      controllers: [GuardedController, UnguardedController],
    };

    it('are the peer', async () => {
      await using site = await serve(await create(platform, members));
      for (const path of ['/guarded', '/guarded/request', '/guarded/anonymous']) {
        assert.deepEqual((await site.request(path, alice)).body, { subject: 'dns:alice.example' });
      }
    });

    it('@AllowAnonymous lets pass who presents nothing, and nobody who presents bad evidence', async () => {
      await using site = await serve(await create(platform, members));
      const { status, body } = await site.request('/guarded/anonymous');
      assert.deepEqual([status, body], [200, {}]);
      assert.equal((await site.request('/guarded/anonymous', stranger)).status, 403);
      assert.equal((await site.request('/guarded')).status, 403);
    });

    it('fail on a handler that nobody guards, and tell the log why', async () => {
      await using site = await serve(await create(platform, members));
      using errors = recordErrors();
      const { status, text } = await site.request('/unguarded', alice);
      assert.equal(status, 500);
      assert.doesNotMatch(text, /guard/i);
      assert.match(errors.join(), /has no MutualAuthGuard/);
    });

    it("are left alone by an application's own pipes", async () => {
      const cloning: PipeTransform = {
        transform: (value: unknown) =>
          typeof value === 'object' ? (JSON.parse(JSON.stringify(value)) as unknown) : value,
      };
      const app = await create(platform, {
        ...members,
        providers: [{ provide: APP_PIPE, useValue: cloning }],
      });
      await using site = await serve(app);
      const { body } = await site.request('/guarded', alice);
      assert.deepEqual(body, { subject: 'dns:alice.example' });
    });
  });
}

describe('MutualAuthGuard in other contexts', () => {
  @Module({})
  class Gateway {
    @MutualAuth()
    handle(): string {
      return 'handled';
    }
  }

  async function handlerFor(type: string, options: { requestOf?: () => never } = {}) {
    const app = await create('express', {
      imports: [MutualAuthModule.forRoot({ methods, ...options })],
      providers: [Gateway],
    });
    await app.init();
    const gateway = app.get(Gateway);
    return app
      .get(ExternalContextCreator)
      .create(
        gateway,
        gateway.handle,
        'handle',
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        type,
      );
  }

  for (const type of ['ws', 'rpc', 'graphql', 'of-somebody']) {
    it(`refuses a context of type ${type}, to which no request belongs, and tells the log why`, async () => {
      const handle = await handlerFor(type);
      using errors = recordErrors();
      await assert.rejects(handle({}, {}), { status: 403 });
      assert.match(errors.join(), new RegExp(`"${type}".*requestOf`));
    });
  }

  for (const [what, found] of Object.entries({
    nothing: undefined,
    'no request': { res: { writeHead() {} } },
    'no response': { req: { rawHeaders: [] } },
    'a response that is none': { req: { rawHeaders: [] }, res: {} },
    'a request that is none': { req: { headers: {} }, res: { writeHead() {} } },
    null: null,
  })) {
    it(`refuses a context for which requestOf finds ${what}`, async () => {
      const handle = await handlerFor('graphql', { requestOf: () => found as never });
      await assert.rejects(handle({}, {}), { status: 403 });
    });
  }

  it('refuses where requestOf fails', async () => {
    const handle = await handlerFor('graphql', {
      requestOf: () => {
        throw new Error('of requestOf');
      },
    });
    await assert.rejects(handle({}, {}), { message: 'of requestOf' });
  });
});

describe('@MutualAuth', () => {
  it('throws for an argument that is there and undefined', () => {
    assert.throws(() => MutualAuth(undefined), { name: 'ConfigError', message: /undefined/ });
  });

  it('throws for a second policy on one handler or controller, which would hide the first', () => {
    const second = { name: 'ConfigError', message: /stands here already/ };
    assert.throws(() => {
      class Twice {
        @AllowAnonymous()
        @MutualAuth(onlyAlice)
        handle() {}
      }
      return Twice;
    }, second);
    assert.throws(() => {
      @AllowAnonymous()
      @MutualAuth(onlyAlice)
      class Twice {}
      return Twice;
    }, second);
  });
});
