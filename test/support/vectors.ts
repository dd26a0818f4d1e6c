import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'node:test';

/**
 * A suite over public test vectors, which are read where they lie. Without COUNTERSIGN_VECTORS, or
 * without this folder in it, there is no such suite; `test/run.ts` says so once for all.
 */
export function describeVectors(
  name: string,
  folder: string,
  suite: (folder: string) => void,
): void {
  const root = process.env['COUNTERSIGN_VECTORS'];
  if (root === undefined || root === '') return;
  const path = join(root, folder);
  if (existsSync(path)) describe(name, () => suite(path));
}
