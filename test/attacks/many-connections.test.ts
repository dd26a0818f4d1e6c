// What the attacker has: sockets. What must happen: the service lives, and forgets them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createVerifier, mtls } from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { testServer } from '../../src/pki/testing.ts';
import { sendOnce } from '../support/connection.ts';
import { type Guarded, assertAccepted, guarded, serverCertificate } from '../support/guarded.ts';
import { alice, authority, impostor } from '../support/pki.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const genuine = { cert: alice.cert, key: alice.key };

async function assertAlive(site: Guarded): Promise<void> {
  assertAccepted(site, await sendOnce(site.port, genuine), 'dns:alice.example');
}

/** Runs `one` this many times, twenty at a time. */
async function repeat(times: number, one: (i: number) => Promise<void>): Promise<void> {
  const left = Array.from({ length: times }, (_, i) => i);
  const worker = async () => {
    for (let i = left.pop(); i !== undefined; i = left.pop()) await one(i);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}

describe('X3: many connections', () => {
  it('that bring no TLS, or half of it, leave the service alive', async () => {
    await using site = await guarded();
    await assertAlive(site);
    const openings = [
      '',
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01',
      '\0',
    ];
    await repeat(10_000, async (i) => {
      const socket = connectTcp(site.port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.end(Buffer.from(openings[i % openings.length]!, 'latin1')).resume();
      await once(socket, 'close');
    });
    await assertAlive(site);
    assert.equal(site.handled.length, 2);
  });

  it('ten thousand of them with junk certificates, are refused and forgotten', async () => {
    const padding = { oid: '1.2.3.4', value: Buffer.alloc(5000, 1) };
    const junk = [
      impostor.issue({ dnsNames: ['alice.example'], extensions: [padding] }),
      authority.issue({ notAfter: new Date(0), extensions: [padding] }),
    ];
    // Not `guarded`, which remembers every decision.
    const verifier = createVerifier({ methods: [mtls()] });
    await using site = await testServer(
      (request, response) => {
        void guard(verifier, request, response).then((decision) => {
          if (decision.outcome === 'accepted') return response.end();
          return respond(request, response, decision.response);
        });
      },
      { cert: serverCertificate.cert, key: serverCertificate.key, ca: authority.cert },
    );
    const visit = async (i: number) => {
      const { cert, key } = junk[i % junk.length]!;
      assert.equal((await sendOnce(site.port, { cert, key })).status, 403);
    };
    await repeat(1000, visit);
    const before = await inUse();
    await repeat(9000, visit);
    // Were the certificates kept, it would be 45 MB.
    const growth = (await inUse()) - before;
    assert.ok(growth < 20_000_000, `${growth} bytes more`);
    assert.equal((await sendOnce(site.port, genuine)).status, 200);
  });
});

/** Bytes, once what was closed has had its turns to go. */
async function inUse(): Promise<number> {
  for (let i = 0; i < 10; i++) {
    await setImmediate();
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
