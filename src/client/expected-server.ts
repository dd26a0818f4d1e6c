import { isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { isHostName } from '../x509/dns-name.ts';
import { canonicalIp } from '../x509/ip-address.ts';
import { parseSpiffeId } from '../x509/spiffe.ts';
import { AnchorSets } from '../trust/anchor-sets.ts';
import { PathTrust } from '../trust/path-trust.ts';
import { RevocationChecker, type RevocationOptions } from '../trust/revocation.ts';
import type { RevocationMode } from '../x509/path/revocation.ts';
import { type ProofKeys, type ServerProofOptions, readProofOptions } from './expected-proof.ts';
import { type Origins, readOrigins } from './origins.ts';
import { type TrustAnchors, readTrustAnchors } from './trust-anchors.ts';

/** What is believed about the server. */
export interface ServerOptions {
  /** The https origins to speak to. Nothing is opened, and no credential goes, to any other. */
  readonly origins: readonly string[];
  /** The CAs that vouch for the server. `'system'` means the ones that Node comes with. */
  readonly ca: TrustAnchors;
  /**
   * The DNS name or IP address that the server's certificate must carry (RFC 9525). A reference
   * identifier only: the address, SNI and Host remain the URL's.
   *
   * @defaultValue the host of the URL, unless `spiffeId` is given
   */
  readonly name?: string;
  /**
   * The SPIFFE ID that the server's certificate must carry; any one of several. `/*` at the end stands
   * for one or more whole segments. It takes the place of the host of the URL, not of `name`.
   */
  readonly spiffeId?: string | readonly string[];
  /**
   * SHA-256 of the subject public key info of the server's certificate, base64, base64url or
   * `sha256//...`; any one of several. Checked in addition to everything else, on every connection.
   */
  readonly pins?: string | readonly string[];
  /**
   * Whether the server's certificates are checked for revocation: by the OCSP response that the server
   * staples, by CRLs, and by asking. `require` refuses what is not known to be good.
   *
   * @defaultValue `'off'`
   */
  readonly revocation?: RevocationMode | RevocationOptions;
  /**
   * The keys that every response must be signed with, bound to its request. For servers behind proxies
   * that end TLS, and for methods that prove this client by a signature.
   */
  readonly proof?: ServerProofOptions;
}

/** `ServerOptions`, read. */
export interface ExpectedServer {
  readonly origins: Origins;
  readonly ca: readonly string[];
  readonly name: string | undefined;
  readonly spiffeIds: readonly string[] | undefined;
  /** base64url */
  readonly pins: readonly string[] | undefined;
  /** Finds the path of the server's certificate and asks about revocation; undefined where nobody asks. */
  readonly paths: PathTrust | undefined;
  /** The keys of signed responses; undefined where they need not be signed. */
  readonly proof: ProofKeys | undefined;
}

/** @throws ConfigError for what is missing, unknown, or cannot mean anything */
export function readServerOptions(options: ServerOptions): ExpectedServer {
  const known = ['origins', 'ca', 'name', 'spiffeId', 'pins', 'revocation', 'proof'];
  const own = checkOptions('server', options, known);
  const { origins, name, spiffeId, pins, revocation = 'off', proof } = own;
  const ca = readTrustAnchors('server.ca', own.ca);
  return {
    origins: readOrigins('server.origins', origins),
    ca,
    name: name === undefined ? undefined : readName(name),
    spiffeIds: readEach('server.spiffeId', spiffeId, readSpiffeId),
    pins: readEach('server.pins', pins, readPin),
    paths: readRevocation(ca, revocation),
    proof: proof === undefined ? undefined : readProofOptions(proof),
  };
}

function readRevocation(
  ca: readonly string[],
  given: RevocationMode | RevocationOptions,
): PathTrust | undefined {
  const revocation = RevocationChecker.from('server.revocation', given);
  if (revocation === undefined) return undefined;
  return new PathTrust(new AnchorSets('server.ca', ca), undefined, revocation, 'serverAuth');
}

/** A reference identifier in the spelling of certificates; undefined for what is none. */
export function referenceIdentifier(text: string): string | undefined {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0) return canonicalIp(host);
  const name = host.toLowerCase().replace(/\.$/, '');
  return isHostName(name) ? name : undefined;
}

function readName(name: unknown): string {
  const reference = typeof name === 'string' ? referenceIdentifier(name) : undefined;
  if (reference === undefined) {
    throw new ConfigError('server.name', 'must be one DNS name, without a wildcard, or IP address');
  }
  return reference;
}

function readEach(
  path: string,
  given: unknown,
  read: (path: string, text: string) => string,
): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const list: unknown[] = Array.isArray(given) ? given : [given];
  // An empty list would be a check that is asked for and never made.
  if (list.length === 0) throw new ConfigError(path, 'is empty; leave it out or name at least one');
  return list.map((item, index) => {
    const where = list === given ? `${path}[${index}]` : path;
    if (typeof item !== 'string') throw new ConfigError(where, 'must be a string');
    return read(where, item);
  });
}

function readSpiffeId(path: string, text: string): string {
  const id = parseSpiffeId(text.replace(/\/\*$/, ''));
  if (id === undefined || (id.path === '' && !text.endsWith('/*'))) {
    throw new ConfigError(path, "must be a SPIFFE ID with a path, as 'spiffe://bank.example/api'");
  }
  return text;
}

function readPin(path: string, text: string): string {
  const pin = Buffer.from(text.replace(/^sha256\/\//, ''), 'base64');
  // Node's decoder skips what it does not understand, so the way back tells whether it did.
  const given = text.replace(/^sha256\/\//, '').replace(/=$/, '');
  const same = pin.toString('base64url') === given.replaceAll('+', '-').replaceAll('/', '_');
  if (pin.length !== 32 || !same) {
    throw new ConfigError(path, 'must be the SHA-256 (32 bytes) of a public key in base64');
  }
  return pin.toString('base64url');
}
