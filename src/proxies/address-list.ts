import { ConfigError } from '../errors.ts';
import { canonicalIp, ipBytes, ipText } from '../x509/ip-address.ts';

/** What `Peer.address` says of a connection to a Unix socket. */
export const unixSocket = 'unix';

/** Wider networks than these are a part of the Internet, and nobody's own; fc00::/7 and fe80::/10 apart. */
const shortestPrefix: Readonly<Record<number, number>> = { 4: 8, 16: 32 };
const maxKnown = 1_000;

interface Network {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** Addresses of proxies: single ones, networks, Unix sockets. */
export class AddressList {
  readonly #networks: readonly Network[];
  readonly #unix: boolean;
  /** Proxies are few, and come again with every request. */
  readonly #known = new Map<string, boolean>();

  /** @throws ConfigError for what is no address, and for a network that trusts half of the world */
  constructor(path: string, addresses: unknown) {
    if (!Array.isArray(addresses) || addresses.length === 0) {
      throw new ConfigError(path, 'must be a list of addresses, such as ["10.0.3.7"]');
    }
    // Holes included, which other ways to go through a list pass over.
    const list: readonly unknown[] = Array.from(addresses as readonly unknown[]);
    this.#unix = list.includes(unixSocket);
    this.#networks = list.flatMap((one, i) =>
      one === unixSocket ? [] : [networkOf(`${path}[${i}]`, one)],
    );
  }

  has(address: string): boolean {
    let known = this.#known.get(address);
    if (known === undefined) {
      known = address === unixSocket ? this.#unix : this.#contains(address);
      if (this.#known.size >= maxKnown) this.#known.clear();
      this.#known.set(address, known);
    }
    return known;
  }

  #contains(address: string): boolean {
    const canonical = canonicalIp(address);
    if (canonical === undefined) return false;
    const bytes = unmapped(ipBytes(canonical));
    return this.#networks.some((network) => isWithin(bytes, network));
  }
}

/** The one spelling of an address; an IPv4-mapped one is that IPv4 address. undefined for what is none */
export function plainAddress(text: string): string | undefined {
  const canonical = canonicalIp(text);
  return canonical === undefined ? undefined : ipText(unmapped(ipBytes(canonical)));
}

function networkOf(path: string, given: unknown): Network {
  const [, address = '', length] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(String(given)) ?? [];
  const canonical = typeof given === 'string' ? canonicalIp(address) : undefined;
  if (canonical === undefined) {
    throw new ConfigError(
      path,
      `${typeof given === 'string' ? `"${given}"` : String(given)} is no address; write 10.0.3.7, 10.0.3.0/24, 2001:db8::7 or unix`,
    );
  }
  const given16 = ipBytes(canonical);
  const bytes = unmapped(given16);
  const prefix =
    length === undefined ? bytes.length * 8 : Number(length) - (given16.length - bytes.length) * 8;
  if (prefix > bytes.length * 8 || prefix < 0) {
    throw new ConfigError(path, `"${String(given)}" has no such prefix`);
  }
  if (prefix < shortestPrefixOf(bytes)) {
    throw new ConfigError(
      path,
      `"${String(given)}" trusts everybody; name the address of your proxy`,
    );
  }
  const network = { bytes: bytes.map((byte, i) => byte & maskByte(prefix, i)), prefix };
  if (Buffer.compare(network.bytes, bytes) !== 0) {
    throw new ConfigError(
      path,
      `"${String(given)}" is an address inside a network; write ${ipText(network.bytes)}/${prefix}, or the address alone`,
    );
  }
  return network;
}

function shortestPrefixOf(bytes: Uint8Array): number {
  if (bytes.length === 16 && (bytes[0]! & 0xfe) === 0xfc) return 7;
  if (bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80) return 10;
  return shortestPrefix[bytes.length]!;
}

function isWithin(bytes: Uint8Array, network: Network): boolean {
  return (
    bytes.length === network.bytes.length &&
    network.bytes.every((byte, i) => byte === (bytes[i]! & maskByte(network.prefix, i)))
  );
}

/** The bits of the byte at `index` that a prefix covers. */
function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - index * 8));
  return (0xff00 >> bits) & 0xff;
}

// A socket that listens for both kinds shows IPv4 as ::ffff:10.0.3.7 (RFC 4291 section 2.5.5.2).
function unmapped(bytes: Uint8Array): Uint8Array {
  const mapped =
    bytes.length === 16 &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff &&
    bytes.subarray(0, 10).every((byte) => byte === 0);
  return mapped ? bytes.subarray(12) : bytes;
}
