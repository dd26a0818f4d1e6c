// How revocation data is fetched. Where from, certificates say, and those are written by others: the address
// may lead anywhere, and the answer may be anything.
import { lookup as lookupDns } from 'node:dns/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type LookupFunction, isIP } from 'node:net';
import { quote } from '../errors.ts';
import { isPublicAddress } from './public-address.ts';

/** What is asked of a server of revocation data. */
export interface FetchOptions {
  /** Sent with POST; without it the request is a GET. */
  readonly body?: Uint8Array;
  readonly contentType?: string;
  readonly accept: string;
  /** A longer answer is a failure. */
  readonly maxBytes: number;
}

/** Fetches one answer whole, within limits of size and time, or rejects. */
export type FetchBytes = (url: string, options: FetchOptions) => Promise<Uint8Array>;

export interface FetcherOptions {
  /** How long a fetch may take from the call to the last byte. @defaultValue 5000 */
  readonly timeoutMs?: number;
  /**
   * How many fetches go on at a time, and of them four from one host; the others wait, and their time runs.
   *
   * @defaultValue 16
   */
  readonly maxConcurrent?: number;
  /**
   * Whether hosts on loopback, private and other special addresses are asked as well. Then whoever gets a
   * certificate with an address of their choice from a trusted CA can have this process ask inside.
   *
   * @defaultValue false
   */
  readonly insecureAllowPrivateAddresses?: boolean;
  /** The CAs, PEM, that vouch for https servers of revocation data. @defaultValue Node's own */
  readonly ca?: string;
  /** All addresses of a host name. @defaultValue what the system says */
  readonly lookup?: Lookup;
}

export type Lookup = (hostname: string) => Promise<readonly Address[]>;

interface Address {
  readonly address: string;
  readonly family: number;
}

/**
 * Fetches over http and https from public addresses: a single exchange on a connection of its own. Nothing
 * but a 200 is an answer; redirects are not followed, and nothing is decompressed. A host that gave no answer
 * in time is not asked for ten seconds.
 *
 * The rejections are plain Errors whose messages may be logged.
 */
export function createFetcher({
  timeoutMs = 5000,
  maxConcurrent = 16,
  insecureAllowPrivateAddresses = false,
  ca,
  lookup = lookupAll,
}: FetcherOptions = {}): FetchBytes {
  const line = new Line(maxConcurrent);
  const hosts = new Hosts();

  // A place is kept until a name that is slow to resolve is resolved, however late that is: Node looks names
  // up on the few threads that the whole process shares.
  const fetchNow = async (
    url: URL,
    options: FetchOptions,
    signal: AbortSignal,
  ): Promise<Uint8Array> => {
    const addresses = await addressesOf(url, lookup);
    const anywhere = insecureAllowPrivateAddresses;
    if (!anywhere && !addresses.every(({ address }) => isPublicAddress(address))) {
      throw new Error(`${quote(url.hostname)} has an address that is not public`);
    }
    return await exchange(url, options, { addresses, signal, ca });
  };

  return async (text, options) => {
    const url = readUrl(text);
    const host = hostOf(url);
    hosts.refuseSilent(host);
    const late = new AbortController();
    let asked = Infinity;
    const timer = setTimeout(() => {
      // Who spent most of the time in line has not heard out the host.
      if (performance.now() - asked > timeoutMs / 2) hosts.addSilent(host);
      late.abort();
    }, timeoutMs);
    const fetchInTurn = async () =>
      hosts.inLine(host, async () =>
        line.pass(async () => {
          late.signal.throwIfAborted();
          hosts.refuseSilent(host);
          asked = performance.now();
          return fetchNow(url, options, late.signal);
        }),
      );
    try {
      return await Promise.race([
        fetchInTurn(),
        aborted(late.signal, `no answer after ${timeoutMs} ms`),
      ]);
    } catch (error) {
      throw plainError(error);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Fetches from one host at a time, so that one that is slow leaves places to others. */
const maxPerHost = 4;
const silenceMs = 10_000;
const maxSilent = 1000;

/** What is known of hosts: who waits for them, and which of them let a time pass without an answer. */
class Hosts {
  readonly #lines = new Map<string, Line>();
  /** Until when nobody asks them, the oldest first. */
  readonly #silent = new Map<string, number>();

  /** Does something when it is its turn among all that concern this host. */
  async inLine<T>(host: string, task: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(host) ?? new Line(maxPerHost);
    this.#lines.set(host, line);
    try {
      return await line.pass(task);
    } finally {
      if (line.isEmpty) this.#lines.delete(host);
    }
  }

  addSilent(host: string): void {
    this.#silent.delete(host);
    this.#silent.set(host, performance.now() + silenceMs);
    if (this.#silent.size > maxSilent) this.#silent.delete(this.#silent.keys().next().value!);
  }

  /** @throws Error where the host was silent a moment ago */
  refuseSilent(host: string): void {
    if (performance.now() < (this.#silent.get(host) ?? 0)) {
      throw new Error('its host was silent a moment ago');
    }
  }
}

/** Lets so many in at a time, in the order in which they came. */
class Line {
  readonly #places: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#places = places;
    this.#free = places;
  }

  get isEmpty(): boolean {
    return this.#free === this.#places;
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function hostOf({ protocol, hostname, port }: URL): string {
  const standard = protocol === 'https:' ? '443' : '80';
  return `${hostname}:${port === '' ? standard : port}`;
}

function readUrl(text: string): URL {
  if (text.length > 2048 || !URL.canParse(text)) throw new Error('its address is no URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error('its address is neither http nor https');
  }
  if (url.username !== '' || url.password !== '') throw new Error('its address holds credentials');
  return url;
}

async function lookupAll(hostname: string): Promise<readonly Address[]> {
  return lookupDns(hostname, { all: true });
}

async function addressesOf({ hostname }: URL, lookup: Lookup): Promise<readonly Address[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  const addresses = family === 0 ? await lookup(host) : [{ address: host, family }];
  if (addresses.length === 0) throw new Error(`${quote(host)} has no address`);
  return addresses;
}

interface Route {
  readonly addresses: readonly Address[];
  readonly signal: AbortSignal;
  readonly ca: string | undefined;
}

function exchange(url: URL, options: FetchOptions, route: Route): Promise<Uint8Array> {
  const { body, contentType, accept, maxBytes } = options;
  const { addresses, signal, ca } = route;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept,
        'accept-encoding': 'identity',
        ...(body === undefined ? {} : { 'content-length': body.length }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      },
      // A connection that is kept would belong to nobody.
      agent: false,
      // Asked once more, a name might have another address than the one that was checked.
      lookup: answering(addresses),
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      readBody(response, maxBytes)
        .then(resolve, reject)
        .finally(() => request.destroy());
    });
    request.end(body);
  });
}

function answering(addresses: readonly Address[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first!.address, first!.family);
  };
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const { statusCode = 0, headers } = response;
  if (statusCode >= 300 && statusCode < 400) {
    throw new Error(`it answered ${statusCode}, and redirects are not followed`);
  }
  if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    throw new Error(`it answered in the coding ${quote(coding)}`);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`it answered more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function aborted(signal: AbortSignal, message: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error(message)), { once: true });
  });
}

// Node's own errors carry what the peer sent, and addresses; of those the code is enough.
function plainError(error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? (error as Error) : new Error(`the connection failed (${code})`);
}
