// What every adapter must do, over real TLS. An adapter's test gives one set-up and runs the list.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import supertest from 'supertest';
import { AuthError, type Policy, type Verifier, createVerifier, mtls } from '../../src/index.ts';
import {
  type TestCertificate,
  type TestServer,
  fakeVerifier,
  testAuthority,
  testServer,
} from '../../src/pki/testing.ts';

/** One route: the guards in front of it, in order, and what its handler does. */
export interface Route {
  readonly guards: readonly (readonly [verifier: Verifier, policy?: Policy])[];
  /** @defaultValue answers `{ subject, body }` */
  readonly handler?: 'throws' | 'answers';
  /** Where a body parser stands. */
  readonly parser?: 'before' | 'after';
  /** A middleware that has answered already, and lets the request go on. */
  readonly answered?: boolean;
}

/** What an adapter's test must be able to build. */
export interface Adapter {
  readonly name: string;
  application(routes: Readonly<Record<string, Route>>): RequestListener;
}

const ca = testAuthority();
const server = ca.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
const alice = ca.issue({ spiffeId: 'spiffe://bank.example/alice' });
const bob = ca.issue({ spiffeId: 'spiffe://bank.example/bob' });
const expired = ca.issue({ dnsNames: ['x.example'], notAfter: new Date(Date.now() - 1000) });
const problem = { status: 403, title: 'Forbidden' };

export function runContract(adapter: Adapter): void {
  describe(`the contract of adapters: ${adapter.name}`, () => {
    const verifier = createVerifier({ methods: [mtls()] });
    const onlyAlice: Policy = { allow: [{ spiffeId: 'spiffe://bank.example/alice' }] };
    const onlyBob: Policy = { allow: [{ spiffeId: 'spiffe://bank.example/bob' }] };
    const routes: Readonly<Record<string, Route>> = {
      '/': { guards: [[verifier]] },
      '/anonymous': { guards: [[verifier, { allowAnonymous: true }]] },
      '/alice': { guards: [[verifier, onlyAlice]] },
      '/nested': { guards: [[verifier], [verifier, onlyAlice]] },
      '/both': {
        guards: [
          [verifier, onlyAlice],
          [verifier, onlyBob],
        ],
      },
      '/nobody': { guards: [[verifier, { allow: [] }]] },
      '/truthy': { guards: [[verifier, { authorize: () => 1 as unknown as boolean }]] },
      '/failing': {
        guards: [[verifier, { authorize: () => Promise.reject(new Error('secret reason')) }]],
      },
      '/throws': { guards: [[verifier]], handler: 'throws' },
      '/answered': { guards: [[verifier, { allow: [] }]], answered: true },
      '/parsed-before': { guards: [[verifier]], parser: 'before' },
      '/parsed-after': { guards: [[verifier]], parser: 'after' },
      '/malformed': {
        guards: [[fakeVerifier(new AuthError('ERR_CERTIFICATE_MALFORMED', 'a secret reason'))]],
      },
    };
    let site: TestServer;
    before(async () => {
      site = await testServer(adapter.application(routes), { ...server, ca: ca.cert });
    });
    after(() => site.close());

    function call(path: string, who: TestCertificate | undefined, method: 'get' | 'post' = 'get') {
      const test = supertest(site.origin)[method](path).ca(ca.cert);
      return who === undefined ? test : test.cert(who.cert).key(who.key);
    }

    it('gives a genuine peer to the handler', async () => {
      const { status, body } = await call('/', alice);
      assert.deepEqual([status, body], [200, { subject: 'spiffe://bank.example/alice' }]);
    });

    it('refuses absent credentials with a problem document and nothing more', async () => {
      const { status, body, headers } = await call('/', undefined);
      assert.deepEqual([status, body], [403, problem]);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['cache-control'], 'no-store');
    });

    it('refuses bad credentials, also where anonymous peers may pass', async () => {
      for (const path of ['/', '/anonymous']) {
        const { status, body } = await call(path, expired);
        assert.deepEqual([status, body], [403, problem]);
      }
    });

    it('lets an anonymous peer pass without an identity where the policy says so', async () => {
      const { status, body } = await call('/anonymous', undefined);
      assert.deepEqual([status, body], [200, {}]);
    });

    it('C27, C28: applies the policy of the route, and of no other', async () => {
      assert.equal((await call('/alice', alice)).status, 200);
      assert.equal((await call('/alice', bob)).status, 403);
      assert.equal((await call('/', bob)).status, 200);
    });

    it('X4: holds to both of two guards, one behind the other', async () => {
      assert.equal((await call('/nested', alice)).status, 200);
      assert.equal((await call('/nested', bob)).status, 403);
      for (const who of [alice, bob]) assert.equal((await call('/both', who)).status, 403);
    });

    it('lets nobody pass an empty list, or an authorize that is not `true`', async () => {
      assert.deepEqual((await call('/nobody', alice)).body, problem);
      assert.deepEqual((await call('/truthy', alice)).body, problem);
    });

    it('answers a callback that fails with 500 and keeps its reason', async () => {
      const { status, text } = await call('/failing', alice);
      assert.equal(status, 500);
      assert.doesNotMatch(text, /secret/);
    });

    it('keeps the reason of a refusal, and its stack, from the peer', async () => {
      const { status, body, text } = await call('/malformed', alice);
      assert.deepEqual([status, body], [400, { status: 400, title: 'Bad Request' }]);
      assert.doesNotMatch(text, /secret|at /);
    });

    it('C23: refuses a request for another host than the connection was made to', async () => {
      const { cert, key } = alice;
      const options = { ca: ca.cert, cert, key, servername: 'localhost', agent: false } as const;
      const asked = request(site.origin, { ...options, headers: { host: 'other.example' } }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      assert.equal(response.statusCode, 421);
    });

    it('C29: refuses a request that a page of another origin makes', async () => {
      const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
      assert.equal((await call('/', alice, 'post').set(foreign)).status, 403);
      assert.equal(
        (await call('/', alice, 'post').set('sec-fetch-site', 'same-origin')).status,
        200,
      );
      assert.equal((await call('/', alice, 'get').set(foreign)).status, 200);
    });

    it('leaves errors of the handler to the framework', async () => {
      assert.equal((await call('/throws', alice)).status, 500);
    });

    it('X4: adds nothing to a response that was sent before', async () => {
      const { status, text } = await call('/answered', alice);
      assert.deepEqual([status, text], [200, 'answered before']);
    });

    it('X4: works before and behind a body parser', async () => {
      for (const path of ['/parsed-before', '/parsed-after']) {
        const { status, body } = await call(path, alice, 'post').send({ amount: 1 });
        assert.deepEqual([status, (body as { body: unknown }).body], [200, { amount: 1 }]);
      }
    });

    it('X2: closes the connection after a refusal that left content unread', async () => {
      const { status, headers } = await call('/nobody', alice, 'post')
        .set('content-length', '1000000')
        .send(Buffer.alloc(0))
        .timeout(5000);
      assert.equal(status, 403);
      assert.equal(headers['connection'], 'close');
    });
  });
}
