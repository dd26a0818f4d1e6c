import { randomBytes } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { wantDigest } from '../http/content-digest.ts';
import { serialiseAcceptSignature } from '../http/message-signatures/accept-signature.ts';
import { andThen } from '../maybe-promise.ts';
import { responseTag } from '../methods/signature/coverage.ts';
import { confirmHead, trailedDigest } from './confirm-response.ts';
import type { ProofKeys } from './expected-proof.ts';
import { HoldingHandler } from './holding-handler.ts';
import { type DispatchedOptions, dispatched } from './pool.ts';
import { fieldsOf } from './request-fields.ts';

/**
 * A `dispatch` that asks for a signature over each response, with a nonce of its own, and hands on only
 * what bears one. Redirects and retries dispatch anew, so each is asked and confirmed by itself.
 */
export function provenDispatch(
  dispatch: Dispatcher.Dispatch,
  keys: ProofKeys,
): Dispatcher.Dispatch {
  return (options: DispatchedOptions, handler) => {
    const nonce = randomBytes(16).toString('base64url');
    const headers = {
      ...fieldsOf(options.headers),
      'accept-signature': serialiseAcceptSignature([
        { label: 'cs', components: [], created: true, nonce, tag: responseTag },
      ]),
      te: 'trailers',
      'want-content-digest': wantDigest(trailedDigest),
    };
    const { method, origin, path, [dispatched]: exchange } = options;
    const asked = { message: { method, url: `${String(origin)}${path}`, headers }, nonce };
    const confirming = new HoldingHandler(handler, (head) => {
      // Now, because the connection may be another one when the response is handed on.
      const server = exchange?.server?.();
      return andThen(confirmHead(asked, head, keys, new Date()), (confirmed) => {
        if (exchange !== undefined) {
          Object.assign(exchange, { server: () => server, proof: confirmed.evidence });
        }
        return confirmed;
      });
    });
    return dispatch({ ...options, headers }, confirming);
  };
}
