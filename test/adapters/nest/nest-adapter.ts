// The routes of the contract as a Nest application, for every Nest and platform there is.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { json } from 'express';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Verifier } from '../../../src/index.ts';
import type { Adapter, Route } from '../contract.ts';

/** One Nest, and the adapter as it is loaded beside it. */
export interface Nest {
  readonly common: typeof import('@nestjs/common');
  readonly core: typeof import('@nestjs/core');
  readonly door: typeof import('../../../adapters/nest/index.ts');
  /** Guards that stand outside of Nest, of the same copy of the package. */
  readonly outer: Pick<typeof import('../../../adapters/express.ts'), 'mutualAuth'>;
  readonly express: typeof import('@nestjs/platform-express');
  readonly fastify: typeof import('@nestjs/platform-fastify');
}

type Platform = 'express' | 'fastify';
type Routes = Readonly<Record<string, Route>>;

export function nestAdapter(name: string, nest: Nest, platform: Platform): Adapter {
  return {
    name,
    http2: platform === 'fastify',
    async application(routes) {
      const listeners = new Map<string, RequestListener>();
      // A Nest application has one verifier.
      for (const verifier of new Set(Object.values(routes).map(verifierOf))) {
        const own = Object.entries(routes).filter(([, route]) => verifierOf(route) === verifier);
        const listener = await application(nest, platform, verifier, Object.fromEntries(own));
        for (const [path] of own) listeners.set(path, listener);
      }
      return (req, res) => listeners.get(req.url ?? '')?.(req, res);
    },
  };
}

function verifierOf({ guards }: Route): Verifier {
  return guards[0]![0];
}

async function application(
  nest: Nest,
  platform: Platform,
  verifier: Verifier,
  routes: Routes,
): Promise<RequestListener> {
  const { Module } = nest.common;
  const options = { logger: false, bodyParser: false, abortOnError: false } as const;

  @Module({
    imports: [nest.door.MutualAuthModule.forRoot({ verifier })],
    controllers: Object.entries(routes).map(([path, route]) => controller(nest, path, route)),
  })
  class Application {}

  const app =
    platform === 'express'
      ? await nest.core.NestFactory.create(Application, options)
      : await nest.core.NestFactory.create(Application, new nest.fastify.FastifyAdapter(), options);
  const { mutualAuth } = nest.outer;
  for (const [path, { guards, parser }] of Object.entries(routes)) {
    // In Nest one policy counts. A second guard is one that stands outside of it.
    for (const [outer, policy] of guards.slice(0, -1)) {
      app.use(path, policy === undefined ? mutualAuth(outer) : mutualAuth(outer, policy));
    }
    if (platform === 'express' && parser === 'before') app.use(path, json());
  }
  if (platform === 'express') {
    await app.init();
    return app.getHttpAdapter().getInstance() as RequestListener;
  }
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  // Content that is not JSON is nobody's here, and stays unread.
  fastify.addContentTypeParser('*', (_request, _content, done) => done(null));
  await app.init();
  await fastify.ready();
  return fastify.routing;
}

function controller(
  { common, door }: Nest,
  path: string,
  { guards, run, stream, parser, answered }: Route,
): new () => object {
  const { All, Controller, HttpCode, Req, UseGuards, UseInterceptors } = common;
  const policy = guards.at(-1)![1];

  @Controller(path)
  @UseGuards(...(answered === true ? [answersBefore] : []))
  class Routed {
    @All()
    @HttpCode(200)
    @(policy === undefined ? door.MutualAuth() : door.MutualAuth(policy))
    @UseInterceptors(...(parser === 'after' ? [parsesJson] : []))
    async answer(@Req() req: { identity?: { subject: string }; body?: unknown }) {
      await run?.();
      if (stream !== undefined) return new common.StreamableFile(stream());
      return { subject: req.identity?.subject, body: req.body };
    }
  }
  return Routed;
}

const answersBefore: CanActivate = {
  canActivate(context: ExecutionContext) {
    const response = context.switchToHttp().getResponse<ServerResponse | FastifyReply>();
    if ('hijack' in response) response.hijack().raw.end('answered before');
    else response.end('answered before');
    return true;
  },
};

const parsesJson: NestInterceptor = {
  async intercept(context: ExecutionContext, next: CallHandler) {
    const http = context.switchToHttp();
    const request = http.getRequest<IncomingMessage | { raw: IncomingMessage }>();
    // Fastify has read the content already.
    if (!('raw' in request)) {
      await promisify(json())(request, http.getResponse());
    }
    return next.handle();
  },
};
