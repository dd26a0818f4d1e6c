import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import {
  type Decision,
  type ServerMethod,
  type VerifierOptions,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { signature } from '../../src/methods/signature/index.ts';
import { type NodeRequest, exchangeOf, guard, respond } from '../../src/node/index.ts';
import { signedFields } from '../support/signed-request.ts';
import { Http2Connection, http2Server } from '../support/http2.ts';
import { alice, authority, impostor } from '../support/pki.ts';

const genuine = { cert: alice.cert, key: alice.key };
const forbidden = JSON.stringify({ status: 403, title: 'Forbidden' });

/** A service behind `guard` that answers the subject. */
async function guardedService(options: Partial<VerifierOptions> = {}) {
  const verifier = createVerifier({ methods: [mtls()], ...options });
  const decisions: Decision[] = [];
  const site = await http2Server((request, response) => {
    void guard(verifier, request, response).then((decision) => {
      decisions.push(decision);
      if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
      response.end(String(decision.identity?.subject));
    });
  });
  return { ...site, decisions };
}

function code(decision: Decision | undefined): unknown {
  return decision?.outcome === 'refused' ? decision.error.code : decision?.outcome;
}

describe('guard over HTTP/2', () => {
  it('accepts a genuine peer', async () => {
    await using site = await guardedService();
    using connection = new Http2Connection(site.port, genuine);
    const { status, body } = await connection.send();
    assert.deepEqual([status, body], [200, 'dns:alice.example']);
  });

  for (const [who, credentials, expected] of [
    ['nobody', {}, 'ERR_CREDENTIAL_MISSING'],
    ['an impostor', impostor.issue({ dnsNames: ['alice.example'] }), 'ERR_CERTIFICATE_UNTRUSTED'],
    ['an expired peer', authority.issue({ notAfter: new Date(0) }), 'ERR_CERTIFICATE_EXPIRED'],
  ] as const) {
    it(`refuses ${who} with the problem document`, async () => {
      await using site = await guardedService();
      const { cert, key } = { cert: undefined, key: undefined, ...credentials };
      using connection = new Http2Connection(site.port, { cert, key });
      const { status, headers, body } = await connection.send();
      assert.deepEqual([status, body], [403, forbidden]);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['connection'], undefined);
      assert.equal(code(site.decisions[0]), expected);
    });
  }

  it('looks at the certificate once per session, not per stream', async (t) => {
    await using site = await guardedService();
    using connection = new Http2Connection(site.port, genuine);
    const read = t.mock.method(TLSSocket.prototype, 'getPeerX509Certificate');
    await Promise.all([connection.send(), connection.send(), connection.send()]);
    const ofServer = read.mock.calls.filter(({ this: socket }) => 'server' in (socket as object));
    assert.equal(ofServer.length, 1);
  });

  it('judges each stream for itself', async () => {
    await using site = await guardedService({ authorities: ['https://localhost'] });
    using connection = new Http2Connection(site.port, genuine);
    const [good, bad] = await Promise.all([
      connection.send({ ':authority': 'localhost' }),
      connection.send({ ':authority': 'other.example' }),
    ]);
    assert.deepEqual([good.status, bad.status], [200, 421]);
  });

  it('C25: refuses an :authority that the connection was not made to', async () => {
    await using site = await guardedService();
    using connection = new Http2Connection(site.port, genuine);
    const { status } = await connection.send({ ':authority': 'other.example' });
    assert.equal(status, 421);
    assert.equal(code(site.decisions[0]), 'ERR_MISDIRECTED_REQUEST');
  });

  for (const host of ['other.example', 'localhost,other.example']) {
    it(`refuses a Host of ${host} beside another :authority`, async () => {
      await using site = await guardedService();
      using connection = new Http2Connection(site.port, genuine);
      const { status } = await connection.send({ ':authority': 'localhost', host });
      assert.equal(status, 400);
      assert.equal(code(site.decisions[0]), 'ERR_REQUEST_MALFORMED');
    });
  }

  it('C29: refuses what a page of another origin sends', async () => {
    await using site = await guardedService();
    using connection = new Http2Connection(site.port, genuine);
    const foreign = { ':method': 'POST', origin: 'https://evil.example' };
    assert.equal((await connection.send(foreign)).status, 403);
    assert.equal(code(site.decisions[0]), 'ERR_CROSS_SITE');
  });

  it('C22: refuses the streams of a session when its CA has gone, and ends the session', async () => {
    await using site = await guardedService();
    using connection = new Http2Connection(site.port, genuine);
    assert.equal((await connection.send()).status, 200);
    const goodbye = once(connection.session, 'goaway');
    site.server.setSecureContext({ ca: impostor.cert });
    assert.equal((await connection.send()).status, 403);
    assert.equal(code(site.decisions[1]), 'ERR_RESUMPTION_UNVERIFIED');
    await goodbye;
  });

  it('refuses a request with content, and reads none of it', async () => {
    await using site = await guardedService({ policy: { allow: [] } });
    using connection = new Http2Connection(site.port, genuine);
    const { status } = await connection.send({ ':method': 'POST' }, 'x'.repeat(1_000_000));
    assert.equal(status, 403);
    assert.equal((await connection.send()).status, 403, 'the session is of use still');
  });
});

describe('a proof over HTTP/2', () => {
  const verify = () => ({ subject: 'key:a' });

  async function proving(prove: NonNullable<ServerMethod['prove']>) {
    const verifier = createVerifier({ methods: [{ name: 'm', verify, prove }] });
    return http2Server((request, response) => {
      void guard(verifier, request, response).then(() => {
        if (request.url === '/explicit') response.writeHead(201, { 'x-own': '1' });
        response.end('content');
      });
    });
  }

  for (const [path, status] of [
    ['/', 200],
    ['/explicit', 201],
  ] as const) {
    it(`is in the head of ${path}`, async () => {
      await using site = await proving((exchange, _evidence, head) => {
        head.setField('x-proof', `${exchange.target} ${head.status} ${head.field('x-own') ?? '-'}`);
      });
      using connection = new Http2Connection(site.port);
      const answer = await connection.send({ ':path': path });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['x-proof'], `${path} ${status} ${status === 201 ? 1 : '-'}`);
      assert.equal(answer.body, 'content');
    });
  }

  it('that cannot be made tears the stream down', async () => {
    await using site = await proving(() => {
      throw new Error('no key');
    });
    using connection = new Http2Connection(site.port);
    await assert.rejects(connection.send());
  });
});

describe('exchangeOf over HTTP/2', () => {
  it('shows a method the content as it passes', async () => {
    let seen = '';
    const method: ServerMethod = {
      name: 'm',
      prepare: ({ content }) =>
        content.tap({ chunk: (bytes) => (seen += Buffer.from(bytes).toString()), end: () => {} }),
      verify: () => ({ subject: 'key:a' }),
    };
    const verifier = createVerifier({ methods: [method] });
    await using site = await http2Server((request, response) => {
      void guard(verifier, request, response).then(async () => {
        let received = '';
        for await (const chunk of request) received += String(chunk);
        response.end(received);
      });
    });
    using connection = new Http2Connection(site.port);
    const { body } = await connection.send({ ':method': 'POST' }, 'some content');
    assert.deepEqual([body, seen], ['some content', 'some content']);
  });

  it('knows no peer any more once the session is over', async () => {
    let schemes: string[] = [];
    const events = new EventEmitter();
    await using site = await http2Server(({ stream }, response) => {
      stream.on('error', () => {});
      stream.on('close', () => {
        const { scheme, peer } = exchangeOf(response.req);
        schemes = [scheme, String(peer.tls), String(peer.address)];
        events.emit('closed');
      });
      stream.session?.destroy();
    });
    using connection = new Http2Connection(site.port, genuine);
    const closed = once(events, 'closed');
    connection.send().catch(() => {});
    await closed;
    assert.deepEqual(schemes, ['http', 'undefined', 'undefined']);
  });
});

describe('a trusted proxy over HTTP/2', () => {
  const service = () =>
    guardedService({
      methods: [mtls({ trustAnchors: authority.cert })],
      trustedProxies: [{ preset: 'rfc9440', addresses: ['127.0.0.1'] }],
    });
  const field = `:${Buffer.from(alice.der).toString('base64')}:`;

  it('speaks for its client, in every stream for another', async () => {
    await using site = await service();
    using connection = new Http2Connection(site.port);
    const answer = await connection.send({ 'client-cert': field });
    assert.deepEqual([answer.status, answer.body], [200, 'dns:alice.example']);
    assert.equal((await connection.send()).status, 403);
    assert.equal(code(site.decisions.at(-1)), 'ERR_CREDENTIAL_MISSING');
  });

  it('says it once', async () => {
    await using site = await service();
    using connection = new Http2Connection(site.port);
    const answer = await connection.send({ 'client-cert': [field, field] });
    assert.equal(answer.status, 400);
    assert.equal(code(site.decisions.at(-1)), 'ERR_REQUEST_MALFORMED');
  });
});

describe('signed content over HTTP/2', () => {
  const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
  const content = 'some content';
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  before(() => void process.on('uncaughtException', note));
  after(() => void process.off('uncaughtException', note));

  const read = {
    'to the end': async (request: NodeRequest) => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      return text;
    },
    'by events': (request: NodeRequest) =>
      new Promise<string>((resolve, reject) => {
        let text = '';
        request.on('data', (chunk) => (text += String(chunk)));
        request.on('end', () => resolve(text)).on('error', reject);
      }),
    'not at all': () => Promise.resolve(content),
  };
  for (const [how, reading] of Object.entries(read)) {
    for (const [what, sent] of [
      ['as it was signed', content],
      ['as another', 'other content'],
    ] as const) {
      it(`is read ${how}, ${what}`, async () => {
        const verifier = createVerifier({
          methods: [signature({ keys: [{ keyId: 'alice', key: publicKey }] })],
          authorities: ['https://api.example'],
        });
        let outcome = '';
        await using site = await http2Server((request, response) => {
          void guard(verifier, request, response).then(async (decision) => {
            if (decision.outcome !== 'accepted') {
              return respond(request, response, decision.response);
            }
            outcome = await reading(request).catch((error: { code?: string }) => error.code ?? '');
            response.end();
          });
        });
        using connection = new Http2Connection(site.port);
        const { 'content-length': _, ...fields } = signedFields({
          method: 'POST',
          content,
          key,
          algorithm: 'ed25519',
          now: new Date(),
        });
        const head = { ':method': 'POST', ':authority': 'api.example', ...fields };
        const answer = await connection.send(head, sent);
        assert.equal(answer.status, 200);
        const isWhole = how === 'not at all' || sent === content;
        assert.equal(outcome, isWhole ? content : 'ERR_DIGEST_MISMATCH');
        // And of nobody: refused, with content that nobody reads.
        const unknown = { ...head, signature: 'sig=:AA==:' };
        assert.equal((await connection.send(unknown, sent)).status, 401);
        // Streams close after their answers, and say once more that the content has ended.
        await setTimeout(50);
        assert.deepEqual(uncaught, []);
      });
    }
  }
});
