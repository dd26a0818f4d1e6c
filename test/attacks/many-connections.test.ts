// What the attacker has: sockets. What must happen: the service lives, and forgets them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sendOnce } from '../support/connection.ts';
import { type Guarded, assertAccepted, guarded } from '../support/guarded.ts';
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
    await repeat(2000, async (i) => {
      const socket = connectTcp(site.port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.end(Buffer.from(openings[i % openings.length]!, 'latin1')).resume();
      await once(socket, 'close');
    });
    await assertAlive(site);
    assert.equal(site.handled.length, 2);
  });

  it('with large junk certificates are forgotten', async () => {
    await using site = await guarded();
    const padding = { oid: '1.2.3.4', value: Buffer.alloc(50_000, 1) };
    const junk = [
      impostor.issue({ dnsNames: ['alice.example'], extensions: [padding] }),
      authority.issue({ notAfter: new Date(0), extensions: [padding] }),
    ];
    const visit = async (i: number) => {
      const { cert, key } = junk[i % junk.length]!;
      assert.equal((await sendOnce(site.port, { cert, key })).status, 403);
    };
    const inUse = () => {
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    await repeat(100, visit);
    const before = inUse();
    await repeat(300, visit);
    // Were they kept, it would be 15 MB.
    const growth = inUse() - before;
    assert.ok(growth < 8_000_000, `${growth} bytes more`);
    await assertAlive(site);
  });
});
