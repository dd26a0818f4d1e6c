// A TLS client that does exactly what it is told, one connection at a time.
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from 'node:tls';
import { authority } from './pki.ts';

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type ConnectOptions = ConnectionOptions;

/** One connection, and the requests that go over it one after the other. */
export class Connection {
  readonly socket: TLSSocket;
  readonly #agent: Agent;
  readonly #sessions: Buffer[] = [];
  readonly #port: number;

  constructor(socket: TLSSocket, port: number) {
    this.socket = socket;
    this.#port = port;
    socket.on('session', (session) => this.#sessions.push(session));
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    Object.assign(this.#agent, { createConnection: () => socket });
  }

  /** The newest session. TLS 1.3 hands them out after the handshake, so send a request first. */
  get session(): Buffer {
    const session = this.#sessions.at(-1);
    if (session === undefined) throw new Error('the server has given no session');
    return session;
  }

  get resumed(): boolean {
    return this.socket.isSessionReused();
  }

  /** Sends one request and reads the whole answer. @throws where the connection ends before it */
  async send({ headers = {}, body, ...sent }: Sent = {}): Promise<Received> {
    const outgoing = request({
      agent: this.#agent,
      host: 'localhost',
      port: this.#port,
      headers: body === undefined ? headers : { 'content-length': body.length, ...headers },
      ...sent,
    });
    outgoing.end(body);
    const [incoming] = await once(outgoing, 'response');
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
    return { status: incoming.statusCode, headers: incoming.headers, body: text };
  }

  /** Writes bytes as they are and answers everything that comes until the server hangs up. */
  async write(bytes: string | Uint8Array): Promise<string> {
    let text = '';
    this.socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    // A reset is an answer as well (Node 24 and later tell of the one behind a 431), at which `once` would
    // reject.
    this.socket.on('error', () => {});
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.write(bytes);
    await closed;
    return text;
  }

  /** Resolves when the server has hung up. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    this.socket.destroy();
  }
}

/** Shakes hands with a server on this machine that `authority` vouches for. @throws where that fails */
export async function connect(port: number, options: ConnectOptions = {}): Promise<Connection> {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ca: authority.cert,
    servername: 'localhost',
    ...options,
  });
  const connection = new Connection(socket, port);
  await once(socket, 'secureConnect');
  return connection;
}

/** One request over a connection of its own. */
export async function sendOnce(
  port: number,
  options: ConnectOptions = {},
  sent: Sent = {},
): Promise<Received> {
  using connection = await connect(port, options);
  return await connection.send(sent);
}
