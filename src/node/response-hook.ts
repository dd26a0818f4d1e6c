// Where a service proves itself: `writeHead` is the one place that every response passes, whoever writes
// it and however, at the moment when its head is final.
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.ts';
import { publish } from '../events.ts';
import type { Identity } from '../identity.ts';
import type { ResponseHead, ServerMethod } from '../method.ts';
import { exchangeOf } from './exchange.ts';

type Prover = (head: ResponseHead) => void;

const hooked = new WeakMap<ServerResponse, Map<ServerMethod, Prover>>();

/** Sees to it that every method that the identity rests on adds its proof to the response. */
export function proveOn(
  request: IncomingMessage,
  response: ServerResponse,
  methods: readonly ServerMethod[],
  identity: Identity,
): void {
  const exchange = exchangeOf(request);
  for (const method of methods) {
    const evidence = identity.evidence[method.name];
    if (method.prove === undefined || evidence === undefined) continue;
    const provers = hooked.get(response) ?? hook(response, exchange);
    provers.set(method, (head) => method.prove?.(exchange, evidence, head));
  }
}

function hook(response: ServerResponse, exchange: Exchange): Map<ServerMethod, Prover> {
  const provers = new Map<ServerMethod, Prover>();
  hooked.set(response, provers);
  const writeHead = response.writeHead;
  response.writeHead = function (status: number, ...rest: unknown[]): ServerResponse {
    response.writeHead = writeHead;
    const message = typeof rest[0] === 'string' ? rest.shift() : undefined;
    response.statusCode = status;
    if (typeof message === 'string') response.statusMessage = message;
    setFields(response, rest[0]);
    for (const [method, prove] of provers) {
      try {
        prove(headOf(response));
      } catch (cause) {
        publish('proof', exchange, () => ({ method: method.name, cause }));
        // Half of a response is worth less than none: the peer must not read an unproven answer.
        response.destroy();
        return response;
      }
    }
    return writeHead.call(response, status);
  };
  return provers;
}

// Fields given to writeHead itself are invisible to getHeader until they are set.
function setFields(response: ServerResponse, given: unknown): void {
  const pairs: readonly (readonly [string, OutgoingHttpHeader])[] = Array.isArray(given)
    ? typeof given[0] === 'string'
      ? given.flatMap((name: string, i) => (i % 2 === 0 ? [[name, given[i + 1]] as const] : []))
      : given
    : Object.entries((given ?? {}) as Record<string, OutgoingHttpHeader>);
  const seen = new Set<string>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (seen.has(key)) response.appendHeader(name, value as string);
    else response.setHeader(name, value);
    seen.add(key);
  }
}

function headOf(response: ServerResponse): ResponseHead {
  return {
    status: response.statusCode,
    field(name) {
      const value = response.getHeader(name);
      return value === undefined ? undefined : [value].flat().join(', ');
    },
    setField(name, value) {
      response.setHeader(name, value);
    },
  };
}
