// A process that shares a store with others: it spends the messages that it is sent, and says what came of it.
import { redisStore } from '../../src/stores/redis.ts';
import { spend } from '../../src/stores/store.ts';
import { AuthError } from '../../src/errors.ts';
import { clients } from '../support/redis-clients.ts';

export interface Message {
  readonly key: string;
  readonly created: number;
}

export interface Outcome {
  readonly key: string;
  /** What `spend` answered, or the code of the refusal. */
  readonly answer: string;
  readonly milliseconds: number;
}

const [, , kind, port] = process.argv;
const store = redisStore(await clients[kind!]!(Number(port)));
const rest = { ttl: 600, share: 'load' };

process.on('message', (message: Message) => {
  const start = performance.now();
  const say = (answer: string): void => {
    const outcome: Outcome = { key: message.key, answer, milliseconds: performance.now() - start };
    process.send!(outcome);
  };
  Promise.resolve(spend(store, { ...message, ...rest })).then(say, (error: unknown) =>
    say(error instanceof AuthError ? error.code : `crashed: ${String(error)}`),
  );
});
process.once('disconnect', () => process.exit());
process.send!({ key: '', answer: 'ready', milliseconds: 0 } satisfies Outcome);
