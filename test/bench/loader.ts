import { Agent, type Dispatcher } from 'undici';
import type { Credentials } from './material.ts';

/** A client that asks one server over a few connections and believes no answer unread. */
export class Loader {
  readonly #origin: string;
  readonly #expected: string;
  readonly #credentials: Credentials;
  readonly #agent: Dispatcher;

  constructor(port: number, credentials: Credentials, expected: string) {
    this.#origin = `https://localhost:${port}`;
    this.#expected = expected;
    this.#credentials = credentials;
    this.#agent = new Agent({ connections, connect: { ...credentials } });
  }

  /**
   * Sends `count` requests, as many at a time as there are connections.
   *
   * @throws Error for one wrong answer
   */
  async load(count: number): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await this.#ask();
    };
    await Promise.all(Array.from({ length: connections }, worker));
  }

  /** The status of a request on a new connection that presents no certificate. */
  async statusWithoutCertificate(): Promise<number> {
    const { ca } = this.#credentials;
    const agent = new Agent({ connect: { ca, maxCachedSessions: 0 } });
    try {
      const { statusCode, body } = await agent.request({ origin: this.#origin, ...request });
      await body.dump();
      return statusCode;
    } finally {
      await agent.destroy();
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(): Promise<void> {
    const { statusCode, body } = await this.#agent.request({ origin: this.#origin, ...request });
    const text = await body.text();
    if (statusCode !== 200 || text !== this.#expected) {
      throw new Error(`a wrong answer from ${this.#origin}: ${statusCode} ${text}`);
    }
  }
}

const connections = 8;
const request = { method: 'GET', path: '/accounts/7?currency=EUR' } as const;
