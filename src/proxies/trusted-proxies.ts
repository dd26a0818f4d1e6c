import { AuthError, ConfigError, quote } from '../errors.ts';
import { publish } from '../events.ts';
import type { Exchange, FieldLine } from '../exchange.ts';
import { type MaybePromise, andThen } from '../maybe-promise.ts';
import type { ServerMethod } from '../method.ts';
import type { ForwardedPeer } from '../peer/forwarded-peer.ts';
import { CertificateCache } from './certificate-cache.ts';
import { type Claim, forwardedPeer, isOf } from './forwarded-fields.ts';
import { isCertificateField, sameName } from './known-fields.ts';
import type { Store } from '../stores/store.ts';
import { type Statement, checkStatement } from './statement.ts';

/** What a trusted proxy says of a request, and under which statement it is trusted. */
export interface Heard {
  readonly statement: Statement;
  readonly forwarded: ForwardedPeer;
}

/** Names of fields that were looked at already. Anybody can invent more. */
const maxNames = 1_000;
const maxNameLength = 64;

/** The proxies that are believed, and in what. */
export class TrustedProxies {
  readonly #statements: readonly Statement[];
  readonly #caches: ReadonlyMap<Statement, CertificateCache>;
  /** Who may write a field, by its name in the spelling of `sameName`. */
  readonly #writers = new Map<string, Statement[]>();
  readonly #verifyConnection: NonNullable<ServerMethod['verifyConnection']>;
  readonly #method: string;
  readonly #asksMore: boolean;
  readonly #store: Store;
  readonly #spellings = new Map<string, string>();
  readonly #isClaimed = (name: string): boolean => this.#spellingOf(name) !== '';

  /** @throws ConfigError */
  constructor(path: string, given: unknown, methods: readonly ServerMethod[], store: Store) {
    this.#store = store;
    if (!Array.isArray(given) || given.length === 0) {
      throw new ConfigError(path, 'must be a list of proxies; leave it out where there is none');
    }
    const judge = methods.find(({ verifyConnection }) => verifyConnection !== undefined);
    if (judge?.verifyConnection === undefined) {
      throw new ConfigError(
        path,
        'needs mtls({ trustAnchors }): what a proxy hands over is validated here, whatever it says',
      );
    }
    this.#method = judge.name;
    this.#verifyConnection = judge.verifyConnection.bind(judge);
    this.#statements = given.map((one, i) => checkStatement(`${path}[${i}]`, one));
    this.#asksMore = this.#statements.some(({ addresses }) => addresses === undefined);
    this.#caches = new Map(this.#statements.map((one) => [one, new CertificateCache()]));
    for (const statement of this.#statements) {
      for (const { spelling } of statement.fields) {
        this.#writers.set(spelling, [...(this.#writers.get(spelling) ?? []), statement]);
      }
    }
  }

  /**
   * What a trusted proxy says of the peer that it speaks for; undefined where none sent this request, and the
   * peer of the connection is the peer.
   *
   * @param lines what `take` has taken
   * @throws AuthError for a field that its sender may not write, and for one that no proxy of ours writes
   */
  hear(exchange: Exchange, lines: readonly FieldLine[]): MaybePromise<Heard | undefined> {
    this.#checkConnectionField(exchange);
    return andThen(this.#trusting(exchange, lines), (trusting) =>
      this.#heard(exchange, lines, trusting),
    );
  }

  /**
   * Takes every field about client certificates out of the request, whoever sent it.
   *
   * @throws AuthError where some may be missing
   */
  take(exchange: Exchange): readonly FieldLine[] {
    return exchange.takeFields(this.#isClaimed);
  }

  // A field named in Connection is for the next hop only, and a proxy in between takes it out as told.
  #checkConnectionField(exchange: Exchange): void {
    const options = exchange.field('connection');
    if (options === undefined || options === 'keep-alive' || options === 'close') return;
    for (const option of options.split(',')) {
      if (!this.#isClaimed(option.trim())) continue;
      throw new AuthError('ERR_REQUEST_MALFORMED', `Connection names ${quote(option.trim())}`);
    }
  }

  /** The spelling of a name that is about client certificates; of any other, nothing. */
  #spellingOf(name: string): string {
    let spelling = this.#spellings.get(name);
    if (spelling === undefined) {
      spelling = sameName(name);
      const isLong = name.length > maxNameLength;
      if (!this.#writers.has(spelling) && !isCertificateField(spelling)) spelling = '';
      if (isLong) return spelling;
      if (this.#spellings.size >= maxNames) this.#spellings.clear();
      this.#spellings.set(name, spelling);
    }
    return spelling;
  }

  /** The statements that believe this sender. */
  #trusting(exchange: Exchange, lines: readonly FieldLine[]): MaybePromise<readonly Statement[]> {
    const { address } = exchange.peer;
    const here = this.#statements.filter(
      ({ addresses }) => address !== undefined && addresses?.has(address) === true,
    );
    if (!this.#asksMore) return here;
    return andThen(this.#withPeer(exchange), (known) =>
      andThen(this.#withSignature(exchange, lines), (signed) => [...here, ...known, ...signed]),
    );
  }

  /** Those that believe the proxy whose certificate the connection has. */
  #withPeer(exchange: Exchange): MaybePromise<readonly Statement[]> {
    const asking = this.#statements.filter(({ peer }) => peer !== undefined);
    if (asking.length === 0 || exchange.peer.tls?.certificate === undefined) return [];
    return andThen(this.#verifyConnection(exchange), (evidence) =>
      evidence === null
        ? []
        : asking.filter(({ peer }) => peer?.({ [this.#method]: evidence }) === true),
    );
  }

  /** Those that believe the proxy which has signed the request. One after the other: each spends a nonce. */
  #withSignature(
    exchange: Exchange,
    lines: readonly FieldLine[],
  ): MaybePromise<readonly Statement[]> {
    return this.#statements.reduce<MaybePromise<readonly Statement[]>>(
      (before, statement) =>
        andThen(before, (found) => {
          const { signature } = statement;
          if (signature === undefined) return found;
          const names = ownFields(statement, lines);
          return andThen(signature.hasSigned(exchange, lines, names, this.#store), (hasSigned) =>
            hasSigned ? [...found, statement] : found,
          );
        }),
      [],
    );
  }

  #heard(
    exchange: Exchange,
    lines: readonly FieldLine[],
    trusting: readonly Statement[],
  ): Heard | undefined {
    const claims = this.#claims(exchange, lines, trusting);
    const [first] = trusting;
    if (first === undefined) return undefined;
    // Where one sender may speak in several ways, the one in which it does.
    const statement =
      trusting.length === 1
        ? first
        : (trusting.find(({ header }) => claims.some((claim) => isOf(header, claim))) ?? first);
    for (const claim of claims) {
      if (statement.fields.some((field) => isOf(field, claim))) continue;
      throw new AuthError(
        'ERR_REQUEST_MALFORMED',
        `a trusted proxy sends ${quote(claim.name)} beside ${statement.header.name}`,
      );
    }
    return { statement, forwarded: forwardedPeer(statement, claims, this.#caches.get(statement)!) };
  }

  /** The lines that only certain senders may write, of whom this must be one. The others are strays. */
  #claims(
    exchange: Exchange,
    lines: readonly FieldLine[],
    trusting: readonly Statement[],
  ): readonly Claim[] {
    const claims: Claim[] = [];
    const strays = new Set<string>();
    for (const [name, value] of lines) {
      const spelling = this.#spellingOf(name);
      const writers = this.#writers.get(spelling);
      if (writers === undefined) {
        strays.add(name.toLowerCase());
        continue;
      }
      if (!writers.some((writer) => trusting.includes(writer))) {
        throw new AuthError(
          'ERR_PROXY_UNTRUSTED',
          `${quote(name)} comes from ${exchange.peer.address ?? 'a closed connection'}, which no statement of trustedProxies believes`,
        );
      }
      claims.push({ name, spelling, value });
    }
    for (const field of strays) publish('field-removed', exchange, () => ({ field }));
    return claims;
  }
}

/** The fields of a statement that are there: what its proxy must have signed. */
function ownFields({ fields }: Statement, lines: readonly FieldLine[]): readonly string[] {
  return fields
    .filter(({ spelling }) => lines.some(([name]) => sameName(name) === spelling))
    .map(({ name }) => name);
}
