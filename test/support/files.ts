import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Events } from '../../src/events.ts';

/** A directory that ends with the test. */
export function directoryFor(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A clock for `performance.now` that goes on by a minute whenever it is told to. */
export function minutes({ mock }: TestContext): { pass(): void } {
  let now = performance.now();
  mock.method(performance, 'now', () => now);
  return { pass: () => void (now += 60_000) };
}

/** What is said to be wrong with changed files of one option, from now on. */
export function rotationErrors(context: TestContext, option: string): readonly Error[] {
  const errors: Error[] = [];
  const listen = (message: unknown): void => {
    const { option: whose, error } = message as Events['rotation'];
    if (whose === option && error !== undefined) errors.push(error);
  };
  subscribe('countersign:rotation', listen);
  context.after(() => unsubscribe('countersign:rotation', listen));
  return errors;
}

/** Waits until something holds that work in the background brings about. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never came about');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
