import type { Socket } from 'node:net';
import { AuthError } from '../errors.ts';
import type { Identity } from '../identity.ts';

/** Who stands behind a connection or a response. */
export type Identities = WeakMap<object, Identity>;

interface Received {
  readonly socket?: Socket | null;
  readonly req?: { readonly socket?: Socket | null };
}

/**
 * The server that `answer` came from, or that a request of `node:https` was sent to.
 *
 * @throws AuthError `ERR_IDENTITY_MISSING` for an answer of another client, a copy of a response, or a
 * request that has no connection yet
 */
export function identityBehind(identities: Identities, answer: object): Identity {
  const { req, socket } = answer as Received;
  // Node takes the socket away from a response that has ended, but not from its request.
  const connection = socket ?? req?.socket;
  const identity = identities.get(answer) ?? (connection ? identities.get(connection) : undefined);
  if (identity === undefined) {
    throw new AuthError('ERR_IDENTITY_MISSING', 'nothing that this client received or sent');
  }
  return identity;
}
