import type { Evidence } from '../../src/identity.ts';
import type { ServerMethod } from '../../src/method.ts';

export interface FakeMethod extends ServerMethod {
  /** How often `verify` was called. */
  calls: number;
}

/**
 * A method that gives every request the same answer: whatever it is told, an error to throw, or the
 * result of a function. `key:<name>` is the subject of its evidence where nothing is given.
 */
export function fakeMethod(
  name: string,
  answer: unknown = evidence(`key:${name}`),
  members: Partial<ServerMethod> = {},
): FakeMethod {
  return {
    name,
    calls: 0,
    verify() {
      this.calls++;
      if (answer instanceof Error) throw answer;
      return (typeof answer === 'function' ? (answer as () => unknown)() : answer) as Evidence;
    },
    ...members,
  };
}

export function evidence(subject: string, members: object = {}): Evidence {
  return { subject, ...members };
}
