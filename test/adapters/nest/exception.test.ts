import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  type Identity,
  MutualAuth,
  MutualAuthException,
  MutualAuthModule,
  PeerIdentity,
} from '../../../adapters/nest/index.ts';
import { AuthError, Continue, type ServerMethod, mtls } from '../../../src/index.ts';
import { fakeVerifier } from '../../../src/pki/testing.ts';
import { serverCertificate } from '../../support/guarded.ts';
import { Http2Connection } from '../../support/http2.ts';
import { alice, authority } from '../../support/pki.ts';
import { create, platforms, recordErrors, rootModule, serve } from './serve.ts';

const challenges = ['Device realm="a"', 'Answer realm="b"'];
const refusing = fakeVerifier(
  new AuthError('ERR_CREDENTIAL_MISSING', 'secret reason', {
    headers: { 'www-authenticate': challenges, 'retry-after': '7' },
    cause: new Error('secret cause'),
  }),
);
const problem = { status: 401, title: 'Unauthorized' };

@Controller()
@MutualAuth()
class Controlled {
  @Get()
  answer(@PeerIdentity() peer: Identity) {
    return { subject: peer.subject };
  }
}

for (const platform of platforms) {
  describe(`MutualAuthException on ${platform}`, () => {
    const members = {
      imports: [MutualAuthModule.forRoot({ verifier: refusing })],
      controllers: [Controlled],
    };

    it('is answered with the problem document, every challenge, and nothing else', async () => {
      await using site = await serve(await create(platform, members));
      using errors = recordErrors();
      const { status, text, headers } = await site.request('/');
      assert.deepEqual([status, text], [401, JSON.stringify(problem)]);
      assert.equal(headers['www-authenticate'], challenges.join(', '));
      assert.equal(headers['retry-after'], '7');
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['content-length'], String(text.length));
      assert.equal(headers['cache-control'], 'no-store');
      assert.deepEqual([...errors], []);
    });

    it("is the answer to a method's next step as well", async () => {
      const stepping: ServerMethod = {
        name: 'stepping',
        verify: () => new Continue({ 'www-authenticate': 'Step data="1"' }),
      };
      const app = await create(platform, {
        imports: [MutualAuthModule.forRoot({ methods: [stepping] })],
        controllers: [Controlled],
      });
      await using site = await serve(app);
      const { status, headers } = await site.request('/');
      assert.deepEqual([status, headers['www-authenticate']], [401, 'Step data="1"']);
    });

    it("is an HttpException to an application's own filter, with a status and no reason", async () => {
      const caught: unknown[] = [];
      @Catch()
      class CatchAll implements ExceptionFilter {
        catch(exception: unknown, host: ArgumentsHost) {
          caught.push(exception);
          const response = host.switchToHttp().getResponse<ServerResponse | FastifyReply>();
          if ('raw' in response) response.status(418).send('caught');
          else response.writeHead(418).end('caught');
        }
      }
      @Controller()
      @UseFilters(CatchAll)
      @MutualAuth()
      class Filtered {
        @Get()
        answer() {}
      }
      await using site = await serve(
        await create(platform, { ...members, controllers: [Filtered] }),
      );
      assert.equal((await site.request('/')).status, 418);
      const [exception] = caught;
      assert.ok(exception instanceof HttpException && exception instanceof MutualAuthException);
      assert.equal(exception.getStatus(), 401);
      assert.deepEqual(exception.getResponse(), problem);
      assert.deepEqual(exception.answer.headers['www-authenticate'], challenges);
      assert.equal(exception.message, 'Unauthorized');
      const { cause } = exception as Error;
      assert.equal(cause, undefined);
      assert.doesNotMatch(`${JSON.stringify(exception)}${exception.stack}`, /secret/);
    });

    it('cuts off a response that has begun', async () => {
      @Controller()
      @MutualAuth()
      @UseGuards({
        canActivate(context) {
          const response = context.switchToHttp().getResponse<ServerResponse | FastifyReply>();
          if ('hijack' in response) response.hijack();
          const raw = 'raw' in response ? response.raw : response;
          raw.writeHead(200, { 'content-length': '100' }).write('begun');
          return true;
        },
      })
      class Begun {
        @Get()
        answer() {}
      }
      await using site = await serve(await create(platform, { ...members, controllers: [Begun] }));
      await assert.rejects(async () => site.request('/'), /aborted|socket hang up/);
    });
  });
}

describe('MutualAuthException in the way of Fastify', () => {
  it('passes the hooks that answers of Fastify pass', async () => {
    const app = await create('fastify', {
      imports: [MutualAuthModule.forRoot({ verifier: refusing })],
      controllers: [Controlled],
    });
    const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
    fastify.addHook('onSend', (_request, reply, payload, done) => {
      reply.header('x-seen', String(reply.statusCode));
      done(null, payload);
    });
    await using site = await serve(app);
    const { status, body, headers } = await site.request('/');
    assert.deepEqual([status, body, headers['x-seen']], [401, problem, '401']);
  });

  it('is answered over HTTP/2, where a genuine peer passes', async () => {
    const { cert, key } = serverCertificate;
    const https = { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
    const app = await NestFactory.create<NestFastifyApplication>(
      rootModule({
        imports: [MutualAuthModule.forRoot({ methods: [mtls()] })],
        controllers: [Controlled],
      }),
      new FastifyAdapter({ http2: true, https }),
      { logger: false, abortOnError: false },
    );
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    {
      using connection = new Http2Connection(port, { cert: alice.cert, key: alice.key });
      const { status, body } = await connection.send();
      assert.deepEqual([status, body], [200, '{"subject":"dns:alice.example"}']);
    }
    {
      using connection = new Http2Connection(port);
      const { status, headers, body } = await connection.send();
      assert.deepEqual([status, body], [403, '{"status":403,"title":"Forbidden"}']);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['cache-control'], 'no-store');
    }
    await app.close();
  });
});
