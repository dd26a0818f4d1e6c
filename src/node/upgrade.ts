// Requests that leave HTTP, as a WebSocket's does. No middleware sees them, and no response answers them.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Decision, type Refused, refused } from '../decision.ts';
import { AuthError } from '../errors.ts';
import { publish } from '../events.ts';
import type { Exchange } from '../exchange.ts';
import type { Identity } from '../identity.ts';
import { endOf } from '../outcome.ts';
import type { Policy } from '../policy.ts';
import type { Verifier } from '../verifier.ts';
import { exchangeOf } from './exchange.ts';
import { refineBy, respond } from './guard.ts';
import { hookFor } from './response-hook.ts';

/**
 * Decides a request of the `upgrade` event.
 *
 * Accepted, nothing has been written, and whoever speaks the new protocol takes the socket over; it is
 * destroyed at the moment when the first piece of evidence that the identity rests on ends. In every other
 * outcome the peer has its answer already, and the connection ends.
 *
 * What proves the service in the response has none here. So peers of a method that does are refused (500),
 * and with a `proof` all peers are, unless the policy says `proof: 'off'`.
 *
 * @param policy replaces the verifier's in the members it names; checked on first sight
 * @throws ConfigError (as a rejection) for such a policy, and for one that is there and undefined
 */
export async function guardUpgrade(
  verifier: Verifier,
  request: IncomingMessage,
  socket: Duplex,
  ...policy: readonly [policy?: Policy]
): Promise<Decision> {
  const exchange = exchangeOf(request);
  const deciding = refineBy(verifier, policy);
  // Nobody else listens to the socket yet, and a peer that hangs up must not end the process.
  const hangUp = (): void => void socket.destroy();
  socket.on('error', hangUp);
  verifier.prepare(exchange);
  let decision = await deciding.decide(exchange);
  if (decision.outcome === 'accepted') {
    decision = unproven(deciding, verifier.seen(exchange), decision.identity) ?? decision;
  }
  if (decision.outcome !== 'accepted') {
    try {
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(request.socket);
      hookFor(deciding, response, verifier.seen(exchange), false);
      response.once('finish', () => socket.end(hangUp));
      respond(request, response, decision.response);
    } catch {
      // The answer to an earlier request is under way on this socket, and this one has no place behind it.
      socket.destroy();
    }
    return decision;
  }
  socket.off('error', hangUp);
  const end = Math.min(
    ...Object.values(decision.identity?.evidence ?? {}).map((one) => endOf(one!)),
  );
  if (end !== Infinity && !socket.destroyed) destroyAfter(end, socket);
  return decision;
}

function unproven(
  { methods, proof }: Verifier,
  exchange: Exchange,
  identity: Identity | undefined,
): Refused | undefined {
  const evidence = identity?.evidence ?? {};
  const prover =
    proof === undefined || proof === 'off'
      ? methods.find(({ name, prove }) => prove !== undefined && name in evidence)
      : proof;
  if (prover === undefined) return undefined;
  const cause = new AuthError('ERR_INTERNAL', 'a response that leaves HTTP carries no proof');
  publish('proof', exchange, () => ({ method: prover.name, cause }));
  return refused(cause, {});
}

const longestTimeout = 2 ** 31 - 1;

function destroyAfter(end: number, socket: Duplex): void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const left = end + 1 - Date.now();
    if (left <= 0) return void socket.destroy();
    timer = setTimeout(wait, Math.min(left, longestTimeout)).unref();
  };
  wait();
  socket.once('close', () => clearTimeout(timer));
}
