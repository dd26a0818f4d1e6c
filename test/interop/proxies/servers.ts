// The four servers, each as README configures it: its snippet stands in a frame that keeps it to one directory.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustedProxy } from '../../../src/index.ts';
import { root } from '../../suite.ts';
import { type Running, start } from './running.ts';

export type ServerName = 'nginx' | 'haproxy' | 'apache' | 'caddy';

interface Server {
  /** The file around README's snippet, which lies here. */
  readonly frame: string;
  readonly command: string;
  args(directory: string): readonly string[];
  /** What README has the service believe. */
  readonly statement: Omit<TrustedProxy, 'addresses' | 'peer'>;
}

const header = 'x-ssl-client-cert';
const verdict = 'x-ssl-client-verify';

export const servers: Readonly<Record<ServerName, Server>> = {
  nginx: {
    frame: 'nginx.conf',
    command: 'nginx',
    args: (directory) => {
      // Its workers would else be those of a user who may not look into the directory.
      const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : [];
      return ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr', ...user];
    },
    statement: { preset: 'nginx', verdict },
  },
  haproxy: {
    frame: 'haproxy.cfg',
    command: 'haproxy',
    args: () => ['-db', '-f', 'haproxy.cfg', '-f', 'server.conf'],
    statement: { preset: 'haproxy', header, verdict },
  },
  apache: {
    frame: 'apache.conf',
    command: 'apache2',
    args: (directory) => ['-DFOREGROUND', '-d', directory, '-f', 'apache.conf'],
    statement: { preset: 'apache', header, verdict },
  },
  caddy: {
    frame: 'Caddyfile',
    command: 'caddy',
    args: () => ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    statement: { preset: 'caddy', header },
  },
};

export const serverNames = Object.keys(servers) as ServerName[];

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const [section = ''] = /^## Behind a proxy$[^]*?(?=^## )/m.exec(readme) ?? [];
const snippets = [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}));

/** The service of README.md that stands behind any of the servers. */
export const readmeService: string = snippetAt(snippets.findIndex(isIn('ts')), 'ts');

/** The configuration of a server in README.md, and what its service says to that. */
export function readmeSnippets(name: ServerName): {
  readonly configuration: string;
  readonly statement: string;
} {
  const language = name === 'caddy' ? 'caddyfile' : name;
  const at = snippets.findIndex(isIn(language));
  return { configuration: snippetAt(at, language), statement: snippetAt(at + 1, 'ts') };
}

/** The whole service behind a server, which answers with the identity. */
export function readmeProgram(name: ServerName): string {
  return `
    import express from 'express';
    import { createVerifier, mtls } from 'countersign';
    import { mutualAuth } from 'countersign/express';
    const app = express();
    ${readmeSnippets(name).statement}
    ${readmeService}
    app.get('/', (req, res) => void res.json(req.identity));`;
}

function isIn(language: string) {
  return (snippet: { readonly language: string }): boolean => snippet.language === language;
}

function snippetAt(i: number, language: string): string {
  const found = snippets[i];
  if (found?.language !== language) throw new Error(`README.md has no ${language} where it should`);
  return found.text;
}

/** Runs a server with a configuration, in a directory that holds the files this one names. */
export async function startServer(
  name: ServerName,
  { directory, configuration, port }: { directory: string; configuration: string; port: number },
): Promise<Running> {
  const { frame, command, args } = servers[name];
  copyFileSync(join(import.meta.dirname, frame), join(directory, frame));
  writeFileSync(join(directory, 'server.conf'), configuration);
  return await start({ command, args: args(directory), directory, port });
}
