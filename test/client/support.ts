import type { RequestListener } from 'node:http';
import { request } from 'node:https';
import { request as undiciRequest } from 'undici';
import {
  type Client,
  type ServerOptions,
  createClient,
  mtlsClient,
} from '../../src/client/index.ts';
import {
  type IssueOptions,
  type TestServer,
  type TestServerOptions,
  testAuthority,
  testServer,
} from '../../src/pki/testing.ts';

/** The authority behind the good servers and the good client of these tests. */
export const authority = testAuthority();
export const credentials = authority.issue({
  dnsNames: ['client.example'],
  usage: 'clientAuth',
});

export interface Site extends TestServer {
  /** How many connections were opened, TLS or not. */
  readonly connections: () => number;
  /** The requests that reached the handler, as `METHOD target`. */
  readonly requests: readonly string[];
}

/** A server whose certificate is issued as `issue` says; it answers `hello`. */
export async function site(
  issue: IssueOptions = {},
  options: Partial<TestServerOptions> = {},
  handler: RequestListener = (_req, res) => void res.end('hello'),
): Promise<Site> {
  const requests: string[] = [];
  let connections = 0;
  const server = await testServer(
    (req, res) => {
      requests.push(`${req.method} ${req.url}`);
      handler(req, res);
    },
    { ...authority.issue(issue), ca: authority.cert, ...options },
  );
  server.server.on('connection', () => connections++);
  return Object.assign(server, { connections: () => connections, requests });
}

/** A client that shows `credentials` and trusts `authority`, unless `server` says otherwise. */
export function clientOf(origin: string, server: Partial<ServerOptions> = {}): Client {
  return createClient({
    methods: [mtlsClient({ cert: credentials.cert, key: credentials.key })],
    server: { origins: [origin], ca: authority.cert, ...server },
  });
}

/** The three ways to send a request, each as a function that answers the body. */
export const doors: Readonly<Record<string, (client: Client, url: string) => Promise<string>>> = {
  async fetch(client, url) {
    return (await client.fetch(url)).text();
  },
  async dispatcher(client, url) {
    const { body } = await undiciRequest(url, { dispatcher: client.dispatcher });
    return body.text();
  },
  agent: (client, url) => viaAgent(client, url),
};

/** A request of `node:https` through the client's agent, with any options beside. */
export function viaAgent(client: Client, url: string, options: object = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ...options, agent: client.agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}
