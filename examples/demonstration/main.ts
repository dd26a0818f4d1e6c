// `npm start`: both sides prove themselves, impostors fail, and the service stays up for curl.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createVerifier, mtls } from 'countersign';
import { createClient } from 'countersign/client';
import { demonstrate } from './demonstration.ts';
import type { Parts } from './parties.ts';
import { genuinePki } from './pki.ts';
import { serve } from './serve.ts';

/**
 * Runs the demonstration, then serves until it is interrupted; with `--once` it ends instead.
 *
 * @param replaced parts to put in place of the genuine ones
 * @returns the exit code: 0 only if every exchange ended as it must
 */
export async function main(
  argv: readonly string[],
  replaced: Partial<Parts> = {},
): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { once: { type: 'boolean' }, port: { type: 'string', default: '8443' } },
  });
  const parts: Parts = {
    verifier: createVerifier({ methods: [mtls()] }),
    connect: createClient,
    ...replaced,
  };
  const directory = '.countersign/demonstration';
  const genuine = genuinePki(directory);
  const right = await demonstrate(parts, genuine, console.log);
  if (values.once !== true) await serve(parts, genuine, Number(values.port), directory);
  return right ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.slice(2));
}
