// What a client can send through a proxy, byte by byte, and how proxies write certificates.
import type { TestCertificate } from '../../../src/pki/testing.ts';
import { connect } from '../../support/connection.ts';
import type { ServerName } from './servers.ts';
import type { Answer, Site } from './site.ts';

export interface Visit {
  readonly status: number;
  /** What the service answered, where it let the request pass. */
  readonly answer: Answer | undefined;
  readonly head: string;
  readonly body: string;
}

/** What goes with a request. */
export interface VisitOptions {
  readonly body?: string;
  /** What the client says of this connection. @defaultValue `close` */
  readonly connection?: string;
  /** Where the client comes from, as the proxy sees it. */
  readonly localAddress?: string;
}

/** One request with these lines in its head, over a connection of its own. */
export async function visit(
  { port }: Pick<Site, 'port'>,
  who: TestCertificate | undefined,
  lines: readonly string[] = [],
  { body = '', connection: kind = 'close', ...from }: VisitOptions = {},
): Promise<Visit> {
  const credentials = who === undefined ? {} : { cert: who.cert, key: who.key };
  using connection = await connect(port, { ...credentials, ...from });
  const head = ['GET / HTTP/1.1', 'Host: localhost', ...lines, `Connection: ${kind}`, '', body];
  return parsed(await connection.write(head.join('\r\n')));
}

function parsed(bytes: string): Visit {
  const [, head = '', rest = ''] = /^([^]*?)\r\n\r\n([^]*)$/.exec(bytes) ?? [];
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const text = Buffer.from(rest, 'latin1').toString();
  const answer = status === 200 ? (JSON.parse(text) as Answer) : undefined;
  return { status, answer, head, body: text };
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
