import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createVerifier, mtls } from '../../src/index.ts';
import { connect, sendOnce } from '../support/connection.ts';
import { type Guarded, assertAccepted, assertRefused, guarded } from '../support/guarded.ts';
import { alice, authority, bob, impostor } from '../support/pki.ts';

const shown = { cert: alice.cert, key: alice.key };

async function write(site: Guarded, bytes: string | Uint8Array): Promise<string> {
  using connection = await connect(site.port, shown);
  return await connection.write(bytes);
}

async function assertAlive(site: Guarded): Promise<void> {
  assertAccepted(site, await sendOnce(site.port, shown), 'dns:alice.example');
}

describe('X1: hostile requests', () => {
  const close = 'Connection: close\r\n';
  const heads: Readonly<Record<string, string>> = {
    'two Host lines': `GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n${close}\r\n`,
    'two Hosts that differ': `GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n${close}\r\n`,
    'a target that names another authority': `GET https://other.example/ HTTP/1.1\r\nHost: localhost\r\n${close}\r\n`,
    'user information in Host': `GET / HTTP/1.1\r\nHost: admin@localhost\r\n${close}\r\n`,
    'a blank in Host': `GET / HTTP/1.1\r\nHost: local host\r\n${close}\r\n`,
    'a path in Host': `GET / HTTP/1.1\r\nHost: localhost/x\r\n${close}\r\n`,
    'an empty Host': `GET / HTTP/1.1\r\nHost:\r\n${close}\r\n`,
    'a folded line': `GET / HTTP/1.1\r\nHost: localhost\r\n x\r\n${close}\r\n`,
    'NUL in Host': `GET / HTTP/1.1\r\nHost: local\0host\r\n${close}\r\n`,
    'two lengths': `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n${close}\r\nhello`,
    'a length and chunks (M6)': `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n${close}\r\n0\r\n\r\n`,
  };
  for (const [what, head] of Object.entries(heads)) {
    it(`answers ${what} with 400 and no handler`, async () => {
      await using site = await guarded();
      assert.match(await write(site, head), /^HTTP\/1\.1 400 /);
      assert.equal(site.handled.length, 0);
      await assertAlive(site);
    });
  }

  it('answers a field of 100 kB with 431, and goes on', async () => {
    await using site = await guarded();
    const answer = await write(
      site,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
    await assertAlive(site);
  });

  it('survives any bytes in the fields it reads', async () => {
    await using site = await guarded();
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (host, origin, target) => {
        const head = `POST /${target} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\n${close}Content-Length: 0\r\n\r\n`;
        const answer = await write(site, Buffer.from(head, 'latin1'));
        assert.match(answer, /^(HTTP\/1\.1 [24]\d\d |$)/);
      }),
      { numRuns: 60 },
    );
    await assertAlive(site);
  });
});

describe('X2: bodies that never end', () => {
  for (const framing of ['Content-Length: 1000000', 'Transfer-Encoding: chunked']) {
    it(`are refused at once and cut off (${framing})`, async () => {
      await using site = await guarded();
      using connection = await connect(site.port);
      const answer = await connection.write(
        `POST / HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n5\r\nhello\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 403 /);
      assert.match(answer, /^connection: close\r$/im);
      assert.equal(site.handled.length, 0);
    });
  }
});

describe('X3: many connections with junk certificates', () => {
  it('are refused one by one, and the genuine peer passes as before', async () => {
    await using site = await guarded();
    const junk = Array.from({ length: 20 }, (_, i) =>
      impostor.issue({ dnsNames: [`junk-${i}.example`] }),
    );
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        junk.map(({ cert, key }) => sendOnce(site.port, { cert, key })),
      );
      assert.ok(answers.every(({ status }) => status === 403));
    }
    assert.equal(site.handled.length, 0);
    await assertAlive(site);
  });
});

describe('X5: secrets and whole certificates', () => {
  it('are in no event and no answer', async () => {
    const broken = createVerifier({
      methods: [mtls()],
      policy: { authorize: () => Promise.reject(new Error('of a callback')) },
    });
    const seen: unknown[] = [];
    for (const verifier of [createVerifier({ methods: [mtls()] }), broken]) {
      await using site = await guarded({ verifier });
      for (const peer of [shown, {}, { cert: bob.cert, key: bob.key }]) {
        seen.push(await sendOnce(site.port, peer, { path: '/?token=secret-in-query' }));
      }
      const expired = authority.issue({ notAfter: new Date(Date.now() - 1000) });
      seen.push(await sendOnce(site.port, { cert: expired.cert, key: expired.key }));
      seen.push(site.events.accepted, site.events.refused);
    }
    const text = JSON.stringify(seen);
    assert.doesNotMatch(text, /BEGIN|secret-in-query|of a callback/);
    for (const { der, key } of [alice, bob]) {
      assert.equal(text.includes(der.toString('base64').slice(0, 60)), false);
      assert.equal(text.includes(key.split('\n')[1]!), false);
    }
  });
});

describe('C27: evidence kept with a connection', () => {
  it('is judged by the policy of each request', async () => {
    await using site = await guarded({
      policy: ({ url }) => (url === '/bob' ? { allow: [{ dnsName: 'bob.example' }] } : undefined),
    });
    using connection = await connect(site.port, shown);
    assertAccepted(site, await connection.send(), 'dns:alice.example');
    const refused = await connection.send({ path: '/bob' });
    assertRefused(site, refused, { code: 'ERR_NOT_ALLOWED', handled: 1 });
    assertAccepted(site, await connection.send(), 'dns:alice.example');
  });

  it('does not pass from one mtls() to another with a mapping of its own', async () => {
    const renamed = createVerifier({ methods: [mtls({ subject: () => 'user:renamed' })] });
    const plain = createVerifier({ methods: [mtls()] });
    let verifier = plain;
    await using site = await guarded({
      verifier: {
        methods: plain.methods,
        seen: (exchange) => exchange,
        prepare: (exchange) => verifier.prepare(exchange),
        decide: (exchange) => verifier.decide(exchange),
        withPolicy: (policy) => verifier.withPolicy(policy),
      },
    });
    using connection = await connect(site.port, shown);
    assertAccepted(site, await connection.send(), 'dns:alice.example');
    verifier = renamed;
    assertAccepted(site, await connection.send(), 'user:renamed');
    verifier = plain;
    assertAccepted(site, await connection.send(), 'dns:alice.example');
  });
});
