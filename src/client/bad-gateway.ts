import { AuthError } from '../errors.ts';

/**
 * The error of a server that has not proven itself, with the status 502 and no header fields.
 *
 * A handler that lets it go answers its own peer with it: a bad gateway (RFC 9110 section 15.6.3), and not
 * as though that peer were not allowed. Every other error is what it was.
 */
export function badGateway(error: Error): Error {
  if (!(error instanceof AuthError) || error.status >= 500) return error;
  const { code, message, cause, stack = '' } = error;
  const options = { status: 502, ...(cause === undefined ? {} : { cause }) };
  return Object.defineProperty(new AuthError(code, message, options), 'stack', {
    value: stack,
    writable: true,
    configurable: true,
  });
}
