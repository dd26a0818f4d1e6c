const patience = 500;
const clearLine = '\r\u001b[K';

/**
 * Goes through work that tells how much of it is done, from 0 to 1. Who waits at a terminal sees it, once
 * it takes long.
 */
export function withProgress<T>(what: string, work: Generator<number, T>): T {
  const { stderr } = process;
  const start = Date.now();
  let shown = '';
  try {
    for (;;) {
      const step = work.next();
      if (step.done === true) return step.value;
      const text = `${what}: ${Math.floor(step.value * 100)} %`;
      if (!stderr.isTTY || text === shown || Date.now() - start < patience) continue;
      stderr.write(`${clearLine}${text}`);
      shown = text;
    }
  } finally {
    if (shown !== '') stderr.write(clearLine);
  }
}
