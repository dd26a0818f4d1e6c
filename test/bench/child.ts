// Everything that is measured runs in a plain `node`, without the loader that runs this file: tsx would
// be in its timings.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Core, pin } from './cores.ts';

const running = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export interface ChildOptions {
  /** @defaultValue the server's */
  readonly core?: Core;
  /** For `node` itself. */
  readonly flags?: readonly string[];
}

/** A process that answers questions, one at a time. It ends with the block that uses it, at the latest. */
export class Child implements Disposable {
  readonly #process: ChildProcess;

  /** @param file a module in this folder that calls `answerParent` */
  constructor(file: string, { core = 'server', flags = [] }: ChildOptions = {}) {
    this.#process = fork(new URL(file, import.meta.url), {
      execArgv: [...flags],
      env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
    });
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    pin(this.#process.pid!, core);
  }

  /** What the child answers. @throws Error what it threw, or that it is gone */
  async ask<Answer>(question: string, given?: unknown): Promise<Answer> {
    const child = this.#process;
    const gone = new AbortController();
    const leave = (): void =>
      gone.abort(new Error(`the process asked for "${question}" has ended`));
    child.once('exit', leave);
    try {
      child.send({ question, given });
      const [{ answer, error }] = (await once(child, 'message', { signal: gone.signal })) as [
        { answer: Answer; error?: string },
      ];
      if (error !== undefined) throw new Error(error);
      return answer;
    } finally {
      child.off('exit', leave);
    }
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
  }
}
