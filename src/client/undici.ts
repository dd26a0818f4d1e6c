import { createRequire } from 'node:module';
import { ConfigError } from '../errors.ts';

type Undici = typeof import('undici');

let undici: Undici | undefined;

/**
 * The user's own undici, loaded when it is first needed: it is an optional dependency, and the Agent
 * does without.
 *
 * @throws ConfigError where it is missing, too old, or does not run on this Node
 */
export function loadUndici(): Undici {
  undici ??= load();
  return undici;
}

function load(): Undici {
  const require = createRequire(import.meta.url);
  let loaded: Undici;
  let version: string;
  try {
    ({ version } = require('undici/package.json') as { version: string });
    loaded = require('undici') as Undici;
  } catch {
    throw new ConfigError('undici', '`fetch` and `dispatcher` need it; npm install undici@7');
  }
  // The handlers of version 6 have other members.
  if (Number.parseInt(version, 10) < 7) {
    throw new ConfigError('undici', `${version} is too old; npm install undici@7`);
  }
  return loaded;
}
