import type { Dispatcher } from 'undici';
import { AuthError } from '../errors.ts';
import type { Continue, IncomingHead } from '../method.ts';
import { headOf } from './confirming-handler.ts';

/** What an answer to a round may carry beside its head. Nobody reads it. */
const maxContent = 65_536;

/**
 * Sends a method's fields to the target of `options`, without the caller's fields and content, and
 * resolves to the head of the answer once all of it has arrived, so that the connection is free again.
 */
export function askService(
  dispatch: Dispatcher.Dispatch,
  { origin, path, method, headersTimeout, bodyTimeout }: Dispatcher.DispatchOptions,
  { fields }: Continue,
): Promise<IncomingHead> {
  return new Promise((resolve, reject) => {
    let head: IncomingHead | undefined;
    let content = 0;
    dispatch(
      {
        origin: origin!,
        path,
        method,
        headersTimeout: headersTimeout ?? null,
        bodyTimeout: bodyTimeout ?? null,
        headers: fields as Record<string, string | string[]>,
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          if (status >= 200) head = headOf(status, headers);
        },
        onResponseData(controller, chunk) {
          content += chunk.length;
          if (content > maxContent) {
            controller.abort(
              new AuthError('ERR_SERVER_UNPROVEN', `a challenge with over ${maxContent} bytes`),
            );
          }
        },
        // undici frees a connection one turn after the end; sooner, the next round would open another.
        onResponseEnd: () => setImmediate(() => setImmediate(resolve, head!)),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}
