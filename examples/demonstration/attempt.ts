import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent, request } from 'node:https';
import type { Events } from 'countersign';
import { type Client, mtlsClient } from 'countersign/client';
import type { Genuine, KeyAndCertificate, Parts, Service } from './parties.ts';

/** A request, and who makes it. */
export interface Attempt {
  /** What the client shows; undefined for nothing. */
  readonly shows: KeyAndCertificate | undefined;
  readonly method?: 'GET' | 'POST';
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The public key that the server must have, where the client knows it. */
  readonly pins?: string;
  /** The only origin the client may talk to. @defaultValue the server's */
  readonly origin?: string;
}

/** How an exchange ended. */
export interface Ending {
  /** Undefined where both sides were content. */
  readonly refusedBy: 'server' | 'client' | undefined;
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** Whether the request reached a handler. */
  readonly handled: boolean;
}

/** Makes the request, and tells how it ended. */
export async function attempt(
  { connect }: Parts,
  { ca }: Genuine,
  { running, handled }: Service,
  { shows, method = 'GET', path = '/', headers = {}, pins, origin = running.origin }: Attempt,
): Promise<Ending> {
  const before = handled();
  let code: string | undefined;
  const listen = (event: unknown): void => {
    code = (event as Events['refused']).code;
  };
  subscribe('countersign:refused', listen);
  const client =
    shows === undefined
      ? emptyHanded(ca.cert)
      : connect({
          methods: [mtlsClient(shows)],
          server: { origins: [origin], ca: ca.cert, ...(pins === undefined ? {} : { pins }) },
        });
  try {
    const status = await ask(client, `${running.origin}${path}`, method, headers);
    const refusedBy = status < 400 ? undefined : 'server';
    return { refusedBy, status, code, handled: handled() > before };
  } catch (error) {
    const { code: reason } = error as { code?: string };
    return { refusedBy: 'client', status: undefined, code: reason, handled: handled() > before };
  } finally {
    unsubscribe('countersign:refused', listen);
    await client.close();
  }
}

// Our own client always presents something, so this one is Node's.
function emptyHanded(ca: string): Pick<Client, 'agent' | 'close'> {
  const agent = new Agent({ ca });
  return { agent, close: () => Promise.resolve(agent.destroy()) };
}

function ask(
  { agent }: Pick<Client, 'agent'>,
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.on('error', reject).end();
  });
}
