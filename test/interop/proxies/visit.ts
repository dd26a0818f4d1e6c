// What a client can send through a proxy, byte by byte, and how proxies write certificates.
import type { TestCertificate } from '../../../src/pki/testing.ts';
import { type ConnectOptions, connect } from '../../support/connection.ts';
import type { ServerName } from './servers.ts';
import type { Answer, Site } from './site.ts';

export interface Visit {
  readonly status: number;
  /** What the service answered, where it let the request pass. */
  readonly answer: Answer | undefined;
  readonly head: string;
}

/** One request with these lines in its head, over a connection of its own. */
export async function visit(
  { port }: Pick<Site, 'port'>,
  who: TestCertificate | undefined,
  lines: readonly string[] = [],
  options: ConnectOptions = {},
): Promise<Visit> {
  const credentials = who === undefined ? {} : { cert: who.cert, key: who.key };
  using connection = await connect(port, { ...credentials, ...options });
  return await exchange(connection, lines);
}

type Wire = Pick<Awaited<ReturnType<typeof connect>>, 'write'>;

async function exchange(connection: Wire, lines: readonly string[]): Promise<Visit> {
  const head = ['GET / HTTP/1.1', 'Host: localhost', ...lines, 'Connection: close', '', ''];
  return parsed(await connection.write(head.join('\r\n')));
}

export function parsed(text: string): Visit {
  const [, head = '', body = ''] = /^([^]*?)\r\n\r\n([^]*)$/.exec(text) ?? [];
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const json = Buffer.from(body, 'latin1').toString();
  const answer = status === 200 ? (JSON.parse(json) as Answer) : undefined;
  return { status, answer, head };
}

/** What the handler knows of the peer's certificate. */
export function thumbprintIn({ answer }: Visit): string | undefined {
  return answer?.identity?.evidence.mtls?.x5tS256;
}

/** A certificate as a server hands it over. */
export function written(name: ServerName, { leaf, der }: TestCertificate): string {
  if (name === 'nginx') return encodeURIComponent(leaf);
  if (name === 'apache') return leaf.trim().replaceAll('\n', ' ');
  return der.toString('base64');
}

/** How a server says that a certificate is good. */
export const good: Readonly<Record<ServerName, string>> = {
  nginx: 'SUCCESS',
  haproxy: '1 0',
  apache: 'SUCCESS',
  caddy: 'true',
};
