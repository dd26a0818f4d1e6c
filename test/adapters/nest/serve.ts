// A Nest application over real TLS, on either platform.
import type { RequestListener } from 'node:http';
import { type DynamicModule, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { type NestApplication, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import supertest from 'supertest';
import { type TestCertificate, testServer } from '../../../src/pki/testing.ts';
import { serverCertificate } from '../../support/guarded.ts';
import { authority } from '../../support/pki.ts';

export type Platform = 'express' | 'fastify';
export const platforms: readonly Platform[] = ['express', 'fastify'];

/** A root module of these members. */
export function rootModule(members: ModuleMetadata): DynamicModule {
  @Module({})
  class Application {}
  return { module: Application, ...members };
}

export function create(platform: Platform, members: ModuleMetadata): Promise<NestApplication> {
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const options = { logger: false, abortOnError: false } as const;
  return NestFactory.create(rootModule(members), adapter, options);
}

/** What an application answers requests with, once it has started. */
export async function listenerOf(app: NestApplication): Promise<RequestListener> {
  await app.init();
  const instance = app.getHttpAdapter().getInstance() as RequestListener | FastifyInstance;
  if (typeof instance === 'function') return instance;
  await instance.ready();
  return instance.routing;
}

export async function serve(app: NestApplication) {
  const { cert, key } = serverCertificate;
  const site = await testServer(await listenerOf(app), { cert, key, ca: authority.cert });
  return {
    ...site,
    request(path: string, who?: TestCertificate, method: 'get' | 'post' = 'get') {
      const test = supertest(site.origin)[method](path).ca(authority.cert);
      return who === undefined ? test : test.cert(who.cert).key(who.key);
    },
  };
}

/** What Nest's loggers are told of errors from now on, until it is disposed of. */
export function recordErrors(): string[] & Disposable {
  const errors: string[] = [];
  const nothing = (): void => {};
  Logger.overrideLogger({
    log: nothing,
    warn: nothing,
    error: (message: unknown) => void errors.push(String(message)),
  });
  return Object.assign(errors, { [Symbol.dispose]: () => Logger.overrideLogger(false) });
}
