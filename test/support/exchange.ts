import type { Exchange, FieldLine, Peer } from '../../src/exchange.ts';

/** The parts of a request that a test cares about; the rest is an ordinary GET without TLS. */
export interface FakeRequest {
  readonly method?: string;
  readonly target?: string;
  /** Null for a request that names none. */
  readonly authority?: string | null;
  readonly scheme?: 'http' | 'https';
  readonly upgrade?: boolean;
  readonly peer?: Partial<Peer>;
  readonly now?: Date;
  /** Header fields, by lower-case name. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What `takeFields` finds. */
  readonly taken?: readonly FieldLine[];
}

/** A request as the verifier sees it, without a socket. Its content passes nobody. */
export function fakeExchange(request: FakeRequest = {}): Exchange {
  const { authority = 'api.example', fields = {}, peer } = request;
  return Object.freeze({
    method: request.method ?? 'GET',
    target: request.target ?? '/',
    authority: authority ?? undefined,
    scheme: request.scheme ?? 'https',
    upgrade: request.upgrade ?? false,
    peer: { address: '192.0.2.7', tls: undefined, forwarded: undefined, ...peer },
    now: request.now ?? new Date('2030-01-01T00:00:00Z'),
    content: { isEmpty: true, tap() {} },
    memory: [],
    field: (name: string) => fields[name],
    fieldLines: (name: string) => (fields[name] === undefined ? [] : [fields[name]]),
    takeFields: (isWanted: (name: string) => boolean) =>
      (request.taken ?? []).filter(([name]) => isWanted(name)),
  });
}
