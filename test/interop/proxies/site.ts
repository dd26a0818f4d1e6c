// A service in Express behind a real server, with clients of several CAs in front of it.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { type Identity, type TrustedProxy, createVerifier, mtls } from 'countersign';
import { mutualAuth } from 'countersign/express';
import { recordEvents } from '../../support/events.ts';
import { authority } from '../../support/pki.ts';
import { freePort } from './running.ts';
import { type ServerName, readmeSnippets, servers, startServer } from './servers.ts';

export interface SiteOptions {
  /** Changes README's configuration, in which the ports are right already. */
  readonly configure?: (configuration: string) => string;
  /** What the service says of the proxy beside what README says, or else. */
  readonly statement?: Partial<TrustedProxy>;
  /** @defaultValue none: they come with the request, or the path ends */
  readonly intermediates?: string;
  /** Leaves the verdict of the proxy, which README has the service ask for, unread. */
  readonly withoutVerdict?: boolean;
  readonly allowAnonymous?: boolean;
  /** What the service listens on. @defaultValue a server of its own, on 127.0.0.1 */
  readonly backend?: Backend;
}

export interface Backend {
  readonly server: Server | TlsServer;
  /** Makes it listen, with its files in this directory. */
  listen(directory: string): Promise<void>;
}

export interface Site extends AsyncDisposable {
  /** Of the proxy. */
  readonly port: number;
  /** Of the service itself. */
  readonly backendPort: number;
  readonly directory: string;
  readonly events: ReturnType<typeof recordEvents>;
  /** How many connections the service has seen. */
  readonly connections: number;
  /** What the proxy itself had to say. */
  readonly output: string;
}

/** What the service answers to a request that it accepts. */
export interface Answer {
  readonly identity: Identity | null;
  /** The names of the fields that its handler sees, wherever it looks. */
  readonly fields: readonly string[];
}

export async function siteBehind(name: ServerName, options: SiteOptions = {}): Promise<Site> {
  const { statement, configure = (text) => text, intermediates } = options;
  const { allowAnonymous = false, withoutVerdict = false } = options;
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  writeCertificates(directory);
  const events = recordEvents();
  const { verdict, ...without } = servers[name].statement;
  const asInReadme = verdict === undefined || withoutVerdict ? without : { ...without, verdict };
  const believed = { ...asInReadme, ...statement };
  const verifier = createVerifier({
    methods: [
      mtls({
        trustAnchors: authority.cert,
        ...(intermediates === undefined ? {} : { intermediates }),
      }),
    ],
    trustedProxies: [
      believed.peer === undefined ? { addresses: ['127.0.0.1'], ...believed } : believed,
    ],
    policy: { require: 'mtls', allowAnonymous },
  });
  const app = express();
  app.use(mutualAuth(verifier));
  app.use((request, response) => {
    const { headers, headersDistinct, rawHeaders } = request;
    const raw = rawHeaders.filter((_, i) => i % 2 === 0);
    const fields = [...raw, ...Object.keys(headers), ...Object.keys(headersDistinct)];
    response.json({ identity: request.identity ?? null, fields } satisfies Answer);
  });

  const backend = options.backend ?? overTcp();
  let connections = 0;
  backend.server.on('request', app).on('connection', () => connections++);
  await backend.listen(directory);
  const address = backend.server.address();
  const backendPort = typeof address === 'object' ? (address as AddressInfo).port : 0;
  const port = await freePort();
  const close = async (): Promise<void> => {
    backend.server.close();
    backend.server.closeAllConnections();
    events[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  };
  try {
    const configuration = configure(
      readmeSnippets(name)
        .configuration.replaceAll('8443', String(port))
        .replaceAll('3000', String(backendPort)),
    );
    const proxy = await startServer(name, { directory, configuration, port });
    return {
      port,
      backendPort,
      directory,
      events,
      get connections() {
        return connections;
      },
      get output() {
        return proxy.output;
      },
      async [Symbol.asyncDispose]() {
        await proxy[Symbol.asyncDispose]();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function overTcp(): Backend {
  const server = createServer();
  return {
    server,
    async listen() {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}

/** The files that README's configurations name. */
export function writeCertificates(directory: string): void {
  const { cert, key } = authority.issue({ dnsNames: ['localhost'], usage: 'serverAuth' });
  const files = {
    'server.pem': cert,
    'server.key': key,
    'server-and-key.pem': cert + key,
    'clients-ca.pem': authority.cert,
  };
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(directory, file), text, { mode: 0o600 });
  }
}

/** Replaces a part of a configuration, which must be there, as `String.replace` does. */
export function changed(configuration: string, from: string | RegExp, to: string): string {
  const text = configuration.replace(from, to);
  if (text === configuration) throw new Error(`README's configuration has no ${String(from)}`);
  return text;
}
