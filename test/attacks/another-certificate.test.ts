// Renegotiation under TLS 1.2 with another certificate, by a peer that can. What the attacker has: two
// certificates. What must happen: a request is never judged by one that its connection no longer shows.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { sendOnce } from '../support/connection.ts';
import { type Guarded, assertAccepted, guarded } from '../support/guarded.ts';
import { alice, authority, bob, day, impostor } from '../support/pki.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '../support/renegotiating-peer.py');
const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
after(() => rmSync(folder, { recursive: true }));

const second = {
  bob,
  expired: authority.issue({ notAfter: new Date(Date.now() - day) }),
  impostor: impostor.issue({ dnsNames: ['alice.example'] }),
};

/** The statuses of some requests as alice and of one after the change. */
async function renegotiate(site: Guarded, requests: number, to: keyof typeof second | '-') {
  const files = [alice, ...(to === '-' ? [] : [second[to]])].map(({ cert, key }, i) => {
    const file = join(folder, `${i}.pem`);
    writeFileSync(file, cert + key);
    return file;
  });
  const args = [
    program,
    String(site.port),
    String(requests),
    ...files,
    ...(to === '-' ? ['-'] : []),
  ];
  const { stdout } = await run('python3', args);
  return stdout.trim().split('\n');
}

describe('another certificate on a connection', () => {
  for (const to of ['bob', 'expired', 'impostor', '-'] as const) {
    it(`C26: is cut off after a request (${to})`, async () => {
      await using site = await guarded();
      assert.deepEqual(await renegotiate(site, 1, to), ['200', 'cut off']);
      assert.deepEqual(
        site.handled.map((identity) => identity?.subject),
        ['dns:alice.example'],
      );
    });

    it(`C26: is cut off before any request, once the server has had one (${to})`, async () => {
      await using site = await guarded();
      const answer = await sendOnce(site.port, { cert: alice.cert, key: alice.key });
      assertAccepted(site, answer, 'dns:alice.example');
      assert.deepEqual(await renegotiate(site, 0, to), ['cut off']);
      assert.equal(site.handled.length, 1);
    });
  }

  // Nobody has looked at the connection yet. The first to look must see the latest handshake.
  const latest = { bob: '200', expired: '403', impostor: '403', '-': '403' } as const;
  for (const to of ['bob', 'expired', 'impostor', '-'] as const) {
    it(`C26: is the one that counts before the first request of a server (${to})`, async () => {
      await using site = await guarded();
      assert.deepEqual(await renegotiate(site, 0, to), [latest[to]]);
      assert.deepEqual(
        site.handled.map((identity) => identity?.subject),
        to === 'bob' ? ['dns:bob.example'] : [],
      );
    });
  }
});
