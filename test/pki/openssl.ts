import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export interface Answer {
  readonly ok: boolean;
  /** Standard output and standard error together: openssl is not strict about which it uses. */
  readonly text: string;
}

/** Asks the openssl program, the second opinion of these tests. */
export function openssl(args: readonly string[], input?: string | Uint8Array): Answer {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  if (error !== undefined) throw error;
  return { ok: status === 0, text: stdout + stderr };
}

/** `openssl x509 -text` of a PEM certificate. */
export function certificateText(pem: string): string {
  return openssl(['x509', '-noout', '-text', '-nameopt', 'utf8,esc_ctrl,sep_comma_plus'], pem).text;
}

/** A directory that is gone after the tests of this file. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'countersign-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** `openssl verify` over a chain of PEM certificates. */
export function verifyChain(
  { leaf, root, intermediates }: { leaf: string; root: string; intermediates?: string },
  ...options: readonly string[]
): Answer {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  try {
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    return openssl([
      'verify',
      '-CAfile',
      file('root.pem', root),
      ...(intermediates === undefined
        ? []
        : ['-untrusted', file('intermediates.pem', intermediates)]),
      ...options,
      file('leaf.pem', leaf),
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
