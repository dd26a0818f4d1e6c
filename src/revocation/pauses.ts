import { setImmediate } from 'node:timers/promises';

/** Takes the steps of long work one by one, and lets everything else have its turn in between. */
export async function withPauses<T>(steps: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}
