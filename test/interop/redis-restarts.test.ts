// A Redis that is killed under load, and two processes that share it, with a client of each kind.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { clients } from '../support/redis-clients.ts';
import { RedisServer, eventually } from '../support/redis-server.ts';
import type { Message, Outcome } from './redis-process.ts';

/** Two processes with a client of each kind, and what they say of the messages that they are sent. */
async function processes(port: number) {
  const outcomes: Outcome[] = [];
  let sent = 0;
  const children: ChildProcess[] = await Promise.all(
    Object.keys(clients).map(async (kind) => {
      const child = fork(new URL('redis-process.ts', import.meta.url), [kind, String(port)], {
        execArgv: ['--import', 'tsx'],
      });
      await once(child, 'message');
      child.on('message', (outcome: Outcome) => void outcomes.push(outcome));
      return child;
    }),
  );
  return {
    outcomes,
    /** To each of them, at the same time. */
    send(message: Message): void {
      for (const child of children) child.send(message);
      sent += children.length;
    },
    async answered(): Promise<void> {
      while (outcomes.length < sent) await delay(5);
    },
    [Symbol.dispose]: () => children.forEach((child) => child.kill('SIGKILL')),
  };
}

/** How often a message was let in. */
function admissions(outcomes: readonly Outcome[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key, answer } of outcomes) {
    if (answer === 'first') counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

describe('two processes that share a Redis', () => {
  it('let each message in once', async () => {
    await using server = await RedisServer.started();
    using both = await processes(server.port);
    await delay(5);
    for (let i = 0; i < 500; i++) both.send({ key: `${i}`, created: Date.now() + 10_000 });
    await both.answered();
    const counts = admissions(both.outcomes);
    assert.equal(counts.size, 500);
    assert.deepEqual(new Set(counts.values()), new Set([1]));
    assert.equal(both.outcomes.filter(({ answer }) => answer === 'seen').length, 500);
  });

  for (const [name, settings] of [
    ['empty', []],
    ['from its log', ['--appendonly', 'yes', '--appendfsync', 'no']],
    ['from a snapshot', ['--save', '1', '1']],
  ] as const) {
    it(`let nothing in twice while it is killed and starts again ${name}`, async (t) => {
      await using server = await RedisServer.started(...settings);
      using both = await processes(server.port);
      const { outcomes, send, answered } = both;
      const messages: Message[] = [];
      /** New messages, and with each one that was sent before. */
      const load = async (milliseconds: number): Promise<void> => {
        const end = Date.now() + milliseconds;
        while (Date.now() < end) {
          for (let i = 0; i < 5; i++) {
            messages.push({ key: `${messages.length}`, created: Date.now() });
            send(messages.at(-1)!);
            send(messages[(messages.length * 7_919) % messages.length]!);
            send(messages[Math.floor(messages.length / 2)]!);
          }
          await delay(4);
        }
      };
      const counted = (answer: string, from = 0): number =>
        outcomes.slice(from).filter((outcome) => outcome.answer === answer).length;

      await load(1_100);
      for (let round = 0; round < 2; round++) {
        const loading = load(1_800);
        await delay(300);
        await server.kill();
        await delay(500);
        await server.start();
        await loading;
      }
      await answered();
      const before = messages.length;
      assert.ok(counted('first') > 100, `${counted('first')} were let in`);
      assert.ok(counted('ERR_STORE_UNAVAILABLE') > 100, 'refused while it was down');

      // Everything once more, now that it is up.
      await eventually(async () => {
        const from = outcomes.length;
        messages.push({ key: `${messages.length}`, created: Date.now() });
        send(messages.at(-1)!);
        await answered();
        assert.equal(counted('first', from), 1, 'it recovers');
      });
      for (const message of messages) send(message);
      await answered();

      const counts = admissions(outcomes);
      assert.deepEqual(
        [...counts].filter(([, times]) => times > 1),
        [],
      );
      const known = ['first', 'seen', 'unknown', 'ERR_STORE_UNAVAILABLE'];
      assert.deepEqual(
        outcomes.filter(({ answer }) => !known.includes(answer)),
        [],
      );
      const slowest = outcomes.reduce((most, { milliseconds }) => Math.max(most, milliseconds), 0);
      assert.ok(slowest < 3_000, `${slowest} ms`);
      t.diagnostic(
        `${before} messages, ${counts.size} let in, ${counted('seen')} seen, ${counted('unknown')} unknown, ` +
          `${counted('ERR_STORE_UNAVAILABLE')} refused; the slowest took ${slowest.toFixed(0)} ms`,
      );
    });
  }
});
