// The server has one core to itself and whoever loads it the other, so that neither waits for its turn.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export type Core = 'server' | 'loader';

const numbers: Readonly<Record<Core, string>> = { server: '0', loader: '1' };

/** Keeps every thread of a process on one core. Answers false where the system cannot. */
export function pin(pid: number, core: Core): boolean {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-acp', numbers[core], String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
