const patience = 500;
const clearLine = '\r\u001b[K';

/** How much of some work is done, for who waits at a terminal, once it takes long. */
export class ProgressLine {
  readonly #what: string;
  readonly #start: number = Date.now();
  #shown = '';

  constructor(what: string) {
    this.#what = what;
  }

  /** @param done how much of the work, from 0 to 1 */
  show(done: number): void {
    const { stderr } = process;
    const text = `${this.#what}: ${Math.floor(done * 100)} %`;
    if (!stderr.isTTY || text === this.#shown || Date.now() - this.#start < patience) return;
    stderr.write(`${clearLine}${text}`);
    this.#shown = text;
  }

  clear(): void {
    if (this.#shown !== '') process.stderr.write(clearLine);
    this.#shown = '';
  }
}

/** Goes through work that tells how much of it is done, from 0 to 1. */
export function withProgress<T>(what: string, work: Generator<number, T>): T {
  const line = new ProgressLine(what);
  try {
    for (;;) {
      const step = work.next();
      if (step.done === true) return step.value;
      line.show(step.value);
    }
  } finally {
    line.clear();
  }
}
