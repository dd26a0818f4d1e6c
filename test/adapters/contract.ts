// What every adapter must do, over real TLS. An adapter's test gives one set-up and runs the list.
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, type RequestListener, STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import supertest from 'supertest';
import { createClient, mtlsClient } from '../../src/client/index.ts';
import {
  AuthError,
  type Policy,
  type ServerMethod,
  type Verifier,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { signedResponses } from '../../src/methods/signature/proof.ts';
import { identityFrom } from '../../src/node/identity-of.ts';
import {
  type TestCertificate,
  type TestServer,
  fakeVerifier,
  testAuthority,
  testServer,
} from '../../src/pki/testing.ts';
import { type ConnectOptions, type Sent, sendOnce } from '../support/connection.ts';
import { type Asked, ask, confirm, seesTrailers, signingPair } from '../support/confirming.ts';
import { serverCertificate as server } from '../support/guarded.ts';
import { Http2Connection, http2Server } from '../support/http2.ts';
import { authority as ca } from '../support/pki.ts';

/** One route: the guards in front of it, in order, and what its handler does. */
export interface Route {
  readonly guards: readonly (readonly [verifier: Verifier, policy?: Policy])[];
  /** What the handler calls before it answers `{ subject, body }`: it may throw, or reject. */
  readonly run?: () => unknown;
  /** What the handler answers instead, as a stream. */
  readonly stream?: () => Readable;
  /** Where a body parser stands. */
  readonly parser?: 'before' | 'after';
  /** A middleware that has answered already, and lets the request go on. */
  readonly answered?: boolean;
}

/** What an adapter's test must be able to build. */
export interface Adapter {
  readonly name: string;
  /** @defaultValue `problemDocuments` */
  readonly refusals?: Refusals;
  /**
   * Whether the framework runs on `node:http2`. Express does not: its requests and responses are made of
   * those of `node:http`.
   */
  readonly http2?: boolean;
  application(routes: Readonly<Record<string, Route>>): RequestListener | Promise<RequestListener>;
}

/** How a peer is told that it is refused. */
export interface Refusals {
  /** The status for absent credentials that no method has a challenge for. */
  readonly absent: number;
  /** Whether the content is read to its end before the answer, by whoever writes that. */
  readonly readContent: boolean;
  /** Checks what says the status. That it says nothing else is checked for all. */
  check(answer: Answer): void;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An adapter that writes refusals itself. */
export const problemDocuments: Refusals = {
  absent: 403,
  readContent: false,
  check({ status, text, headers }) {
    assert.deepEqual(JSON.parse(text), { status, title: STATUS_CODES[status] });
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.equal(headers['cache-control'], 'no-store');
  },
};

const partners = testAuthority();
const carol = partners.issue({ spiffeId: 'spiffe://partner.example/carol' });
const alice = ca.issue({ spiffeId: 'spiffe://bank.example/alice' });
const bob = ca.issue({ spiffeId: 'spiffe://bank.example/bob' });
const expired = ca.issue({ dnsNames: ['x.example'], notAfter: new Date(Date.now() - 1000) });
const challenging: ServerMethod = {
  name: 'challenging',
  verify: () => null,
  challenge: () => ({ 'www-authenticate': 'Challenging realm="contract"' }),
};

const proxied = mtls({ trustAnchors: ca.cert });
const trustedProxies = [{ preset: 'rfc9440', addresses: ['127.0.0.1', '::1'] }] as const;

const signing = createVerifier({
  methods: [mtls()],
  authorities: ['https://localhost'],
  proof: signedResponses({ keyId: 'api-2026', key: signingPair.privateKey }),
});

const tooPoor = new AuthError('x-too-poor', 'a secret reason', {
  status: 402,
  headers: { 'retry-after': '7' },
});

/** A client that trusts no server here. */
function distrusting(origin: string) {
  return createClient({
    methods: [mtlsClient({ cert: alice.cert, key: alice.key })],
    server: { origins: [origin], ca: partners.cert },
  });
}

export function runContract(adapter: Adapter): void {
  const { refusals = problemDocuments } = adapter;
  describe(`the contract of adapters: ${adapter.name}`, () => {
    const verifier = createVerifier({ methods: [mtls()] });
    const onlyAlice: Policy = { allow: [{ spiffeId: 'spiffe://bank.example/alice' }] };
    const onlyBob: Policy = { allow: [{ spiffeId: 'spiffe://bank.example/bob' }] };
    const routes: Readonly<Record<string, Route>> = {
      '/': { guards: [[verifier]] },
      '/challenged': { guards: [[createVerifier({ methods: [challenging] })]] },
      '/anonymous': { guards: [[verifier, { allowAnonymous: true }]] },
      '/proxied': {
        guards: [
          // Two of them, as on routes of two teams: the field is there for both, and for no handler.
          [createVerifier({ methods: [proxied], trustedProxies })],
          [createVerifier({ methods: [proxied], trustedProxies })],
        ],
      },
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
      '/throws': {
        guards: [[verifier]],
        run() {
          throw new Error('of the handler');
        },
      },
      '/too-poor': {
        guards: [[verifier]],
        run() {
          throw tooPoor;
        },
      },
      '/too-poor-later': { guards: [[verifier]], run: () => Promise.reject(tooPoor) },
      '/identity-of-nobody': {
        guards: [[verifier, { allowAnonymous: true }]],
        run: () => identityFrom(undefined),
      },
      '/upstream': { guards: [[verifier]], run: () => distrusting(site.origin).fetch(site.origin) },
      '/answered': { guards: [[verifier, { allow: [] }]], answered: true },
      '/parsed-before': { guards: [[verifier]], parser: 'before' },
      '/parsed-after': { guards: [[verifier]], parser: 'after' },
      '/signed': { guards: [[signing]] },
      '/signed-twice': { guards: [[signing], [signing]] },
      '/signed-off': { guards: [[signing, { proof: 'off' }]] },
      '/signed-refusal': { guards: [[signing, { allow: [] }]] },
      '/signed-stream': {
        guards: [[signing]],
        stream: () => Readable.from([Buffer.from('hel'), Buffer.from('lo')]),
      },
      '/signed-error': {
        guards: [[signing]],
        run: () => Promise.reject(new Error('of the handler')),
      },
      '/signed-poor': { guards: [[signing]], run: () => Promise.reject(tooPoor) },
      '/signed-parser': { guards: [[signing]], parser: 'after' },
      '/malformed': {
        guards: [[fakeVerifier(new AuthError('ERR_CERTIFICATE_MALFORMED', 'a secret reason'))]],
      },
    };
    let site: TestServer;
    before(async () => {
      site = await testServer(await adapter.application(routes), { ...server, ca: ca.cert });
      site.server.addContext('partner.example', { ...server, ca: partners.cert });
    });
    after(() => site.close());

    function call(path: string, who: TestCertificate | undefined, method: 'get' | 'post' = 'get') {
      const test = supertest(site.origin)[method](path).ca(ca.cert);
      return who === undefined ? test : test.cert(who.cert).key(who.key);
    }

    /** A request over a connection of its own, whatever server name and host that takes. */
    async function send(options: ConnectOptions, sent: Sent): Promise<Answer> {
      const named = { checkServerIdentity: () => undefined, ...options };
      const { body, ...answer } = await sendOnce(site.port, named, sent);
      return { ...answer, text: body };
    }

    function assertRefused(answer: Answer, expected = 403, { check } = refusals): void {
      assert.equal(answer.status, expected);
      check(answer);
      assert.doesNotMatch(answer.text, /secret|spiffe|ERR_|Error:|\bat /);
    }

    it('gives a genuine peer to the handler', async () => {
      const { status, body } = await call('/', alice);
      assert.deepEqual([status, body], [200, { subject: 'spiffe://bank.example/alice' }]);
    });

    it('refuses absent credentials, and asks for nothing that no method asks for', async () => {
      const answer = await call('/', undefined);
      assertRefused(answer, refusals.absent);
      assert.equal(answer.headers['www-authenticate'], undefined);
    });

    it('asks for absent credentials by the challenge of their method', async () => {
      const answer = await call('/challenged', undefined);
      assertRefused(answer, 401);
      assert.equal(answer.headers['www-authenticate'], 'Challenging realm="contract"');
    });

    it('refuses bad credentials, also where anonymous peers may pass', async () => {
      for (const path of ['/', '/anonymous']) assertRefused(await call(path, expired));
    });

    it('lets an anonymous peer pass without an identity where the policy says so', async () => {
      const { status, body } = await call('/anonymous', undefined);
      assert.deepEqual([status, body], [200, {}]);
    });

    it('C27, C28: applies the policy of the route, and of no other', async () => {
      assert.equal((await call('/alice', alice)).status, 200);
      assertRefused(await call('/alice', bob));
      assert.equal((await call('/', bob)).status, 200);
    });

    it('P1: takes the peer that a trusted proxy speaks for, and keeps the answer from caches', async () => {
      const field = `:${Buffer.from(bob.der).toString('base64')}:`;
      const answer = await call('/proxied', undefined).set('client-cert', field);
      assert.deepEqual(
        [answer.status, answer.body],
        [200, { subject: 'spiffe://bank.example/bob' }],
      );
      assert.equal(answer.headers['cache-control'], 'no-store');
      assertRefused(await call('/proxied', alice), refusals.absent);
      assertRefused(await call('/proxied', alice).set('client_cert', field), 400);
    });

    it('X4: holds to both of two guards, one behind the other', async () => {
      assert.equal((await call('/nested', alice)).status, 200);
      assertRefused(await call('/nested', bob));
      for (const who of [alice, bob]) assertRefused(await call('/both', who));
    });

    it('lets nobody pass an empty list, or an authorize that is not `true`', async () => {
      assertRefused(await call('/nobody', alice));
      assertRefused(await call('/truthy', alice));
    });

    it('answers a callback that fails with 500 and keeps its reason', async () => {
      assertRefused(await call('/failing', alice), 500);
    });

    it('keeps the reason of a refusal, and its stack, from the peer', async () => {
      assertRefused(await call('/malformed', alice), 400);
    });

    it('C23: refuses a request for another host than the connection was made to', async () => {
      const { cert, key } = alice;
      assertRefused(await send({ cert, key }, { headers: { host: 'other.example' } }), 421);
    });

    it('C24: lets no spelling of a server name reach the host of another context', async () => {
      const headers = { host: 'partner.example' };
      const askAs = ({ cert, key }: TestCertificate, servername: string) =>
        send({ cert, key, servername }, { headers });
      assert.equal((await askAs(carol, 'partner.example')).status, 200);
      assertRefused(await askAs(alice, 'partner.example'));
      // Node 20 takes the default context for capitals (CVE-2026-48928), and that trusts alice.
      const status = process.version.startsWith('v20.') ? 421 : 403;
      for (const spelling of ['PARTNER.example', 'Partner.Example']) {
        assertRefused(await askAs(alice, spelling), status);
      }
      for (const spelling of ['partner.example.', 'localhost']) {
        assertRefused(await askAs(alice, spelling), 421);
      }
    });

    // Not in Express, and so not in what stands on it.
    if (adapter.http2 === true) {
      it('C25: refuses a stream for another authority than the session was made to', async () => {
        const listener = await adapter.application(routes);
        await using over2 = await http2Server(listener as never);
        using session = new Http2Connection(over2.port, { cert: alice.cert, key: alice.key });
        assert.equal((await session.send()).status, 200);
        const { body, ...answer } = await session.send({ ':authority': 'other.example' });
        assertRefused({ ...answer, status: answer.status!, text: body }, 421);
      });
    }

    it('C29: refuses a request that a page of another origin makes', async () => {
      const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
      assertRefused(await call('/', alice, 'post').set(foreign));
      assert.equal(
        (await call('/', alice, 'post').set('sec-fetch-site', 'same-origin')).status,
        200,
      );
      assert.equal((await call('/', alice, 'get').set(foreign)).status, 200);
    });

    describe('with a proof', () => {
      const { cert, key } = alice;

      async function askSigned(path: string, asked: Asked = {}) {
        const tls = { ca: ca.cert, cert, key, servername: 'localhost' };
        const headers = { host: 'localhost', ...asked.headers };
        const answered = await ask(site.port, { path, tls, ...asked, headers });
        return { ...answered, text: answered.content.toString() };
      }

      it('S12: signs what a handler answers, once, whatever the number of guards', async () => {
        for (const path of ['/signed', '/signed-twice']) {
          const answered = await askSigned(path);
          assert.equal(answered.status, 200);
          assert.match(answered.text, /spiffe:/);
          assert.equal(confirm(answered).content, 'in the head');
        }
      });

      it('S12: signs a refusal, for peers that were proven and for those that were not', async () => {
        const refused = await askSigned('/signed-refusal');
        assert.equal(refused.status, 403);
        assert.equal(confirm(refused).content, 'in the head');
        const anonymous = { ca: ca.cert, servername: 'localhost' };
        const unknown = await askSigned('/signed', { tls: anonymous });
        assert.equal(unknown.status, refusals.absent);
        assert.equal(confirm(unknown).content, 'in the head');
      });

      it('S12: signs what becomes of a handler that fails', async () => {
        for (const [path, status] of [
          ['/signed-error', 500],
          ['/signed-poor', 402],
        ] as const) {
          const answered = await askSigned(path);
          assert.equal(answered.status, status);
          assert.equal(confirm(answered).content, 'in the head');
        }
      });

      it('S12: signs a stream, in the trailers where the client sees those', async () => {
        const whole = await askSigned('/signed-stream');
        assert.deepEqual([whole.text, confirm(whole).content], ['hello', 'in the head']);
        const passing = await askSigned('/signed-stream', { headers: seesTrailers });
        assert.deepEqual([passing.text, confirm(passing).content], ['hello', 'in trailers']);
      });

      it('signs the answer to HEAD', async () => {
        const answered = await askSigned('/signed', { method: 'HEAD' });
        assert.equal(answered.status, 200);
        assert.equal(confirm(answered).content, 'it has none');
      });

      it('signs the error of a body parser', async () => {
        const headers = { 'content-type': 'application/json' };
        const asked = { method: 'POST', headers, body: '{' };
        const answered = await askSigned('/signed-parser', asked);
        assert.equal(answered.status, 400);
        assert.equal(confirm(answered).content, 'in the head');
      });

      it('leaves a response unsigned where the policy of the route says so', async () => {
        const answered = await askSigned('/signed-off');
        assert.equal(answered.status, 200);
        assert.throws(() => confirm(answered), { code: 'ERR_CREDENTIAL_MISSING' });
      });

      if (adapter.http2 === true) {
        it('signs over HTTP/2', async () => {
          const listener = await adapter.application(routes);
          await using over2 = await http2Server(listener as never);
          using session = new Http2Connection(over2.port, { cert, key });
          const {
            status,
            headers: fields,
            body,
          } = await session.send({
            ':path': '/signed',
            ':authority': 'localhost',
          });
          const confirmed = confirm({
            request: { method: 'GET', url: `https://localhost/signed`, headers: {} },
            status: status!,
            headers: Object.entries(fields)
              .filter(([name]) => !name.startsWith(':'))
              .map(([name, value]) => [name, String(value)]),
            trailers: [],
            content: Buffer.from(body),
          });
          assert.equal(confirmed.content, 'in the head');
        });
      }
    });

    it('leaves errors of the handler to the framework', async () => {
      assert.equal((await call('/throws', alice)).status, 500);
    });

    it('answers an AuthError of the handler as a refusal, and keeps its reason', async () => {
      for (const path of ['/too-poor', '/too-poor-later']) {
        const answer = await call(path, alice);
        assertRefused(answer, 402, problemDocuments);
        assert.equal(answer.headers['retry-after'], '7');
      }
    });

    it('answers identityOf without an identity with 500, and says no more', async () => {
      assertRefused(await call('/identity-of-nobody', undefined), 500, problemDocuments);
    });

    it('blames no peer for a server behind the handler that is not proven', async () => {
      assertRefused(await call('/upstream', alice), 502, problemDocuments);
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
      const kept = await call('/', alice).set('connection', 'keep-alive');
      assert.equal(kept.headers['connection'], 'keep-alive');
      const test = call('/nobody', alice, 'post').set('connection', 'keep-alive');
      const answer = await (refusals.readContent
        ? test.send({ amount: 1 })
        : test.set('content-length', '1000000').send(Buffer.alloc(0)).timeout(5000));
      assertRefused(answer);
      assert.equal(answer.headers['connection'], 'close');
    });
  });
}
