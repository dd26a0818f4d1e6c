import { ConfigError } from './errors.ts';
import type { ServerMethod } from './method.ts';

/** @throws ConfigError for a list that holds anything but methods, each with a name of its own */
export function checkMethods(methods: readonly ServerMethod[]): void {
  if (!Array.isArray(methods) || methods.length === 0) {
    throw new ConfigError('methods', 'must be a list with at least one method, such as [mtls()]');
  }
  const names = new Set<string>();
  methods.forEach((method: Partial<ServerMethod> | undefined, i) => {
    if (
      typeof method?.name !== 'string' ||
      method.name === '' ||
      typeof method.verify !== 'function'
    ) {
      throw new ConfigError(`methods[${i}]`, 'is no method; call its factory, as in mtls()');
    }
    if (names.has(method.name)) {
      throw new ConfigError(
        `methods[${i}]`,
        `a second method is named "${method.name}"; name it otherwise`,
      );
    }
    names.add(method.name);
  });
}

/** @throws ConfigError where a method needs to know where the service lives, and nobody has said it */
export function checkPlace(methods: readonly ServerMethod[], authorities: unknown): void {
  const method = methods.find(({ needsAuthorities }) => needsAuthorities === true);
  if (method === undefined || authorities !== undefined) return;
  throw new ConfigError(
    'authorities',
    `${method.name} needs to know where this service lives, as ["https://api.bank.example"]: what was signed for another must not count here`,
  );
}
