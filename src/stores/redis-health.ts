// Whether a Redis is fit to remember, and since when it does. Asked on each connection, before anything else
// is, and every few seconds: what stands between may hide that the server behind it is another one.
//
// A server that was started again, or took over from another, may have lost what it was told last, also where
// it reads its data from disk. Its run id tells, so its birth is kept under that name.
import { createHash } from 'node:crypto';
import { AuthError, ConfigError, quote } from '../errors.ts';
import { announce } from '../events.ts';
import type { Connection } from './redis-client.ts';
import { storeFull, storeUnavailable } from './store.ts';

/** What holds as long as a connection does. */
export interface Fitness {
  readonly born: number;
  /** Of which connection. */
  readonly epoch: number;
  readonly checkedAt: number;
}

export interface HealthOptions {
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** How long a failure is the answer before Redis is asked again. */
const pauseMs = 1_000;
const recheckMs = 5_000;
/** So that births of servers long gone do not stay for ever. */
const birthTtlMs = 86_400_000 * 366;

export class Health {
  readonly #connection: Connection;
  readonly #options: HealthOptions;
  #epoch = 0;
  #fitness: Fitness | undefined;
  #checking: Promise<Fitness> | undefined;
  #failure: { readonly error: AuthError; readonly at: number } | undefined;
  #wasReady = false;
  #reported: string | undefined;

  constructor(connection: Connection, options: HealthOptions) {
    this.#connection = connection;
    this.#options = options;
    connection.onLost(() => this.#lost());
    connection.onReady(() => this.#ready());
    if (connection.isReady()) this.#ready();
  }

  /** Changes whenever a connection is lost or made. What was asked before has no answer after. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Lets the next use look again. */
  doubt(): void {
    this.#fitness = undefined;
  }

  /** @throws AuthError where Redis is not fit, or is down */
  async fitness(): Promise<Fitness> {
    const fitness = this.#fitness;
    if (fitness !== undefined) {
      if (performance.now() - fitness.checkedAt > recheckMs) this.#checkAside();
      return fitness;
    }
    // Its client would wait for the next connection with whatever it is told now.
    if (this.#wasReady && !this.#connection.isReady()) {
      throw storeUnavailable('Redis is not connected');
    }
    const failure = this.#failure;
    if (failure !== undefined && performance.now() - failure.at < pauseMs) throw failure.error;
    return this.#check();
  }

  #ready(): void {
    this.#wasReady = true;
    this.#lost();
    this.#failure = undefined;
    this.#checkAside();
  }

  #lost(): void {
    this.#epoch++;
    this.#fitness = undefined;
    this.#checking = undefined;
  }

  #checkAside(): void {
    this.#check().catch(() => {
      // Published, and told to the next use.
    });
  }

  /** Everybody who asks at the same time gets the same answer. */
  #check(): Promise<Fitness> {
    if (this.#checking !== undefined) return this.#checking;
    const checking = this.#examined(this.#epoch).finally(() => {
      if (this.#checking === checking) this.#checking = undefined;
    });
    this.#checking = checking;
    return checking;
  }

  async #examined(epoch: number): Promise<Fitness> {
    try {
      const born = await within(this.#options.timeoutMs, examine(this.#connection, this.#options));
      // What waited for its connection, or came over two of them, counts for none.
      if (epoch !== this.#epoch) return await this.fitness();
      this.#fitness = { born, epoch, checkedAt: performance.now() };
      this.#report(undefined);
      return this.#fitness;
    } catch (thrown) {
      const error = thrown instanceof ConfigError ? unfit(thrown) : refusalOf(thrown);
      if (epoch === this.#epoch) {
        this.#fitness = undefined;
        this.#failure = { error, at: performance.now() };
        this.#report(thrown instanceof ConfigError ? thrown : error);
      }
      throw error;
    }
  }

  /** Publishes what is new. */
  #report(error: Error | undefined): void {
    if (error?.message === this.#reported) return;
    this.#reported = error?.message;
    announce('store', { store: 'redis', error });
  }
}

/** Since when the servers remember. @throws ConfigError where one of them may forget */
async function examine(
  { send, servers }: Connection,
  { prefix, now }: HealthOptions,
): Promise<number> {
  const infos = await Promise.all((await servers()).map((ask) => ask(['INFO'])));
  const runs = infos.map(checkedRun).sort();
  // In a cluster the keys are everywhere: whichever server is new, all are as young as it is.
  const run = createHash('sha256').update(runs.join()).digest('hex').slice(0, 32);
  const key = `${prefix}born:${run}`;
  await send(['SET', key, String(now()), 'NX', 'PX', String(birthTtlMs)]);
  const born = Number((await send(['GET', key])) ?? Number.NaN);
  if (!Number.isSafeInteger(born))
    throw storeUnavailable('Redis does not tell since when it remembers');
  return born;
}

/** The id of a run of a server that forgets nothing by itself. */
function checkedRun(info: unknown): string {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(String(info))?.[1];
  const [major = 0, minor = 0] = (field('redis_version') ?? '').split('.').map(Number);
  if (!(major > 6 || (major === 6 && minor >= 2))) {
    throw new ConfigError('redisStore.client', 'Redis is older than 6.2, which has no GETDEL');
  }
  const policy = field('maxmemory_policy');
  if (policy !== 'noeviction') {
    const found = policy === undefined ? 'is not told' : `is ${quote(policy)}`;
    throw new ConfigError(
      'redisStore.client',
      `the maxmemory-policy of Redis ${found}, so that it may forget what was spent; set it to noeviction`,
    );
  }
  const run = field('run_id');
  if (run === undefined || run === '') {
    throw new ConfigError(
      'redisStore.client',
      'Redis tells no run_id, so that a restart is not seen',
    );
  }
  return run;
}

/** Gives up after a while. The work may go on, and nobody hears of it. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(storeUnavailable(`Redis has not answered within ${ms / 1000} s`)),
      ms,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export function connectionLost(): AuthError {
  return storeUnavailable('the connection to Redis was lost before it answered');
}

/**
 * What a peer is refused with. Neither Redis's words nor the client's error go further: they may hold keys and
 * values.
 */
export function refusalOf(thrown: unknown): AuthError {
  if (thrown instanceof AuthError) return thrown;
  const { message, code } = thrown as { message?: unknown; code?: unknown };
  const word = /^[A-Z]{2,}\b/.exec(String(message))?.[0];
  if (word === 'OOM') return storeFull('Redis has no more memory');
  if (word === 'NOPERM') {
    return storeUnavailable(
      'Redis does not permit a command: SET, GET, GETDEL and INFO are needed',
    );
  }
  if (word !== undefined) return storeUnavailable(`Redis answered with ${word}`);
  const known = typeof code === 'string' ? `: ${quote(code)}` : '';
  return storeUnavailable(`Redis does not answer${known}`);
}

function unfit(error: ConfigError): AuthError {
  return storeUnavailable(error.message, error);
}
