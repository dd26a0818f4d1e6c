// CRLs fetched from where certificates say they are published. Who calls has seen a valid path first: an
// address in a certificate that nobody vouches for is a stranger's.
import { isCrlSignedByInSteps } from '../x509/crl/signature.ts';
import { isOlder } from '../x509/crl/series.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Crl } from '../x509/crl/crl.ts';
import type { DistributionPoint } from '../x509/distribution-points.ts';
import type { FetchBytes } from './fetcher.ts';
import { withPauses } from './pauses.ts';
import { publishedAddress } from './published-address.ts';
import { readCrlsInSteps } from './read-crls.ts';

export interface CrlDownloadsOptions {
  readonly fetch: FetchBytes;
  /** The time in milliseconds. */
  readonly now: () => number;
  /** Told of an address that gave no CRL, or one that is not taken. */
  readonly onProblem: (address: string, error: Error) => void;
  /** The longest list, in bytes. */
  readonly maxBytes: number;
}

interface Download {
  /** The last good answer, also while it is fetched anew and after that fails. */
  readonly crls: readonly Crl[];
  readonly bytes: number;
  /** Whose signature it bears; undefined where nobody on the path has signed it. */
  readonly signer: Certificate | undefined;
  /** When it is fetched anew, at the earliest. */
  readonly until: number;
}

const nothing = { crls: [], bytes: 0, signer: undefined } as const;

const retryMs = 30_000;
/** For a list that nobody on the path has signed: another may have, or somebody forged it under way. */
const unverifiedMs = 300_000;
const maxUrls = 256;
const maxFailures = 1024;
/** How many of the longest lists may be kept at a time. */
const maxLists = 4;
/** Points of one certificate, and addresses of one point. */
const maxUrlsEach = 8;

export class CrlDownloads {
  #version = 0;
  readonly #options: CrlDownloadsOptions;
  /** The least recently used first. */
  readonly #downloads = new Map<string, Download>();
  /** Until when an address is not asked again, the oldest first: apart, so that they push out no list. */
  readonly #failures = new Map<string, number>();
  /** Whether there is a list now. */
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(options: CrlDownloadsOptions) {
    this.#options = options;
  }

  /** Changes whenever the lists do. */
  get version(): number {
    return this.#version;
  }

  crls(): readonly Crl[] {
    return [...this.#downloads.values()].flatMap(({ crls }) => crls);
  }

  /**
   * Fetches the lists for one certificate of a valid path, unless they are here. Who is on the path may have
   * signed them.
   *
   * @returns a promise that never rejects, or undefined where nothing is to be waited for
   */
  fetchFor(certificate: Certificate, path: readonly Certificate[]): Promise<void> | undefined {
    const places = [
      ...placesOf(certificate.crlDistributionPoints),
      ...placesOf(certificate.freshestCrl),
    ];
    // A list may say itself where the changes to it are.
    const fetchChanges = () =>
      this.#fetchAll(
        places.flatMap((urls) => this.#changesTo(urls)),
        path,
      );
    const fetching = this.#fetchAll(places, path);
    return fetching === undefined ? fetchChanges() : fetching.then(fetchChanges);
  }

  #fetchAll(
    places: readonly (readonly string[])[],
    path: readonly Certificate[],
  ): Promise<void> | undefined {
    const pending = places
      .map((alternatives) => this.#fetchOne(alternatives, path))
      .filter((one) => one !== undefined);
    return pending.length === 0 ? undefined : Promise.all(pending).then(() => undefined);
  }

  /** Only a list that is verified: one that was forged under way could send us anywhere. */
  #changesTo(urls: readonly string[]): readonly (readonly string[])[] {
    return urls
      .map((url) => this.#downloads.get(url))
      .flatMap((one) => (one?.signer === undefined ? [] : one.crls))
      .flatMap(({ freshestCrl }) => placesOf(freshestCrl));
  }

  /** The addresses of one point hold the same list: the next one is asked where one gives none. */
  #fetchOne(
    alternatives: readonly string[],
    path: readonly Certificate[],
  ): Promise<void> | undefined {
    const now = this.#options.now();
    for (const [i, url] of alternatives.entries()) {
      const known = this.#downloads.get(url);
      if (known !== undefined) this.#keep(url, known);
      if (now < (this.#failures.get(url) ?? 0)) continue;
      if (known !== undefined && now < known.until) return undefined;
      return this.#fetchShared(url, path).then((isThere) =>
        isThere ? undefined : this.#fetchOne(alternatives.slice(i + 1), path),
      );
    }
    return undefined;
  }

  #fetchShared(url: string, path: readonly Certificate[]): Promise<boolean> {
    let pending = this.#pending.get(url);
    if (pending === undefined) {
      pending = this.#fetch(url, path).finally(() => this.#pending.delete(url));
      this.#pending.set(url, pending);
    }
    return pending;
  }

  async #fetch(url: string, path: readonly Certificate[]): Promise<boolean> {
    const { fetch, maxBytes, now, onProblem } = this.#options;
    const before = this.#downloads.get(url) ?? nothing;
    try {
      const bytes = await fetch(url, { accept: 'application/pkix-crl', maxBytes });
      const read = await readCrlsInSteps(bytes);
      const crls = isSame(read, before.crls) ? before.crls : read;
      if (before.crls.some((one) => crls.some((crl) => isOlder(crl, one)))) {
        throw new Error('it is older than the CRL that it is to replace');
      }
      const signer = await signerOf(
        crls,
        before.signer === undefined ? path : [before.signer, ...path],
      );
      if (signer === undefined && before.signer !== undefined) {
        throw new Error('it is not signed as the CRL that it is to replace');
      }
      const end = Math.min(...crls.map(({ nextUpdate }) => nextUpdate?.getTime() ?? 0));
      const until = signer === undefined ? Math.min(end, now() + unverifiedMs) : end;
      this.#failures.delete(url);
      this.#put(url, {
        crls,
        bytes: bytes.length,
        signer,
        // A server that still has yesterday's list is not asked without pause.
        until: Math.max(until, now() + retryMs),
      });
      return true;
    } catch (error) {
      this.#failures.delete(url);
      this.#failures.set(url, now() + retryMs);
      if (this.#failures.size > maxFailures) {
        this.#failures.delete(this.#failures.keys().next().value!);
      }
      onProblem(publishedAddress(url), error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #put(url: string, download: Download): void {
    if ((this.#downloads.get(url) ?? nothing).crls !== download.crls) this.#version++;
    this.#keep(url, download);
    let bytes = [...this.#downloads.values()].reduce((sum, one) => sum + one.bytes, 0);
    for (const [oldest, one] of this.#downloads) {
      const fits = this.#downloads.size <= maxUrls && bytes <= maxLists * this.#options.maxBytes;
      if (fits || oldest === url) break;
      bytes -= one.bytes;
      this.#downloads.delete(oldest);
      this.#version++;
    }
  }

  #keep(url: string, download: Download): void {
    this.#downloads.delete(url);
    this.#downloads.set(url, download);
  }
}

function isSame(after: readonly Crl[], before: readonly Crl[]): boolean {
  return (
    after.length === before.length &&
    after.every(({ der }, i) => Buffer.compare(der, before[i]!.der) === 0)
  );
}

async function signerOf(
  crls: readonly Crl[],
  candidates: readonly Certificate[],
): Promise<Certificate | undefined> {
  for (const signer of candidates) {
    let signed = 0;
    for (const crl of crls) if (await withPauses(isCrlSignedByInSteps(crl, signer))) signed++;
    if (signed === crls.length) return signer;
  }
  return undefined;
}

/** The addresses of each point, over http. LDAP, the other scheme that is in use, is left alone. */
function placesOf(points: readonly DistributionPoint[] = []): readonly (readonly string[])[] {
  return points
    .map(({ name }) =>
      (name !== undefined && 'fullName' in name ? name.fullName : [])
        .flatMap((one) => (one.kind === 'uri' && /^https?:/i.test(one.value) ? [one.value] : []))
        .slice(0, maxUrlsEach),
    )
    .filter((urls) => urls.length > 0)
    .slice(0, maxUrlsEach);
}
