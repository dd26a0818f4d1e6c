import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientMethod, Policy, ServerMethod } from 'countersign';
import { createClient } from 'countersign/client';
import { mutualAuth } from 'countersign/express';
import { testAuthority, testServer } from 'countersign/testing';
import express from 'express';
import { deviceKey, deviceKeyClient } from '../../examples/own-method/device-key.ts';
import {
  challengeResponse,
  challengeResponseClient,
} from '../../examples/several-steps/challenge-response.ts';

const ca = testAuthority();
const tls = ca.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
const keys = new Map([
  ['alice', 'correct horse'],
  ['pump-7', 'battery staple'],
]);
const keyOf = (name: string): string | undefined => keys.get(name);

interface Case {
  readonly name: string;
  readonly server: (known?: typeof keyOf) => ServerMethod;
  readonly client: (peer: string, key: string) => ClientMethod;
  readonly match: Policy['allow'];
  readonly wrongKey: string;
  readonly requests: number;
}

const sealKey = 'of this service alone';
const cases: readonly Case[] = [
  {
    name: 'a method of one step (examples/own-method)',
    server: (known = keyOf) => deviceKey(known),
    client: deviceKeyClient,
    match: [{ keyId: 'alice' }],
    wrongKey: 'x-device-seal',
    requests: 1,
  },
  {
    name: 'a method of several steps (examples/several-steps)',
    server: (known = keyOf) => challengeResponse({ keyOf: known, sealKey }),
    client: challengeResponseClient,
    match: [{ user: 'alice' }],
    wrongKey: 'x-answer-wrong',
    requests: 2,
  },
];

for (const { name, server, client, match, requests } of cases) {
  describe(name, () => {
    it('lets both sides prove themselves in one call of fetch, content included', async () => {
      await using service = await serve(server());
      const { fetch, identityOf, close } = clientOf(
        service.origin,
        client('alice', 'correct horse'),
      );
      const response = await fetch(service.origin, { method: 'POST', body: 'hello' });
      assert.equal(response.status, 200);
      assert.deepEqual(await response.json(), { subject: subjectOf(name), body: 'hello' });
      assert.ok(identityOf(response).evidence[server().name]);
      assert.equal(service.requests(), requests);
      await close();
    });

    it('refuses a client with another key', async () => {
      await using service = await serve(server());
      const { fetch, close } = clientOf(service.origin, client('alice', 'guessed'));
      // The refusal carries no proof, so the client does not take it for an answer either.
      await assert.rejects(fetch(service.origin), { name: 'AuthError' });
      assert.equal(service.handled(), 0);
      await close();
    });

    it('refuses a service with another key, before the caller sees anything', async () => {
      await using service = await serve(server(() => 'guessed'));
      const { fetch, close } = clientOf(service.origin, client('alice', 'correct horse'));
      await assert.rejects(fetch(service.origin), { name: 'AuthError' });
      await close();
    });

    it('stands in policies like any other method', async () => {
      await using service = await serve(server(), { allow: match! });
      const alice = clientOf(service.origin, client('alice', 'correct horse'));
      assert.equal((await alice.fetch(service.origin)).status, 200);
      const pump = clientOf(service.origin, client('pump-7', 'battery staple'));
      await assert.rejects(pump.fetch(service.origin), { name: 'AuthError' });
      await Promise.all([alice.close(), pump.close()]);
    });

    it('is asked for with a challenge where nothing was presented', async () => {
      await using service = await serve(server());
      const bystander = clientOf(service.origin, {
        name: 'bystander',
        present: () => ({}),
        confirm: (_request, { status, fields }) => {
          assert.equal(status, 401);
          assert.match(fields['www-authenticate'] ?? '', /^(Device|Answer)$/);
          return { subject: 'nobody' };
        },
      });
      assert.equal((await bystander.fetch(service.origin)).status, 401);
      await bystander.close();
    });
  });
}

function subjectOf(name: string): string {
  return name.includes('one step') ? 'key:alice' : 'user:alice';
}

function clientOf(origin: string, method: ClientMethod): ReturnType<typeof createClient> {
  return createClient({ methods: [method], server: { origins: [origin], ca: ca.cert } });
}

async function serve(method: ServerMethod, policy: Policy = {}) {
  let requests = 0;
  let handled = 0;
  const app = express();
  app.use((_req, _res, next) => {
    requests++;
    next();
  });
  app.use(mutualAuth({ methods: [method], policy }));
  app.use(express.text());
  app.all('/', (req, res) => {
    handled++;
    res.json({ subject: req.identity?.subject, body: req.body });
  });
  const running = await testServer(app, tls);
  return Object.assign(running, { requests: () => requests, handled: () => handled });
}
