import { STATUS_CODES } from 'node:http';
import type { AuthError, ResponseFields } from './errors.ts';
import type { Identity } from './identity.ts';
import type { Continue } from './method.ts';

/** What a verifier makes of a request. A frontend has nothing to do but to switch over `outcome`. */
export type Decision =
  | { readonly outcome: 'accepted'; readonly identity?: Identity }
  | { readonly outcome: 'continue'; readonly response: Answer }
  | Refused;

export interface Refused {
  readonly outcome: 'refused';
  readonly error: AuthError;
  readonly response: Answer;
}

/** A whole response, ready to be written. */
export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ResponseFields;
  readonly body: string;
}

export function accepted(identity?: Identity): Decision {
  return identity === undefined ? { outcome: 'accepted' } : { outcome: 'accepted', identity };
}

export function continued(step: Continue): Decision {
  return { outcome: 'continue', response: answer(step.status, step.fields) };
}

/** A refusal. The peer learns its status and no more (RFC 9457). */
export function refused(error: AuthError, challenges: ResponseFields): Refused {
  const headers = mergeFields(challenges, error.headers);
  // A 401 must say what would help (RFC 9110 section 15.5.2).
  const status = error.status === 401 && !('www-authenticate' in headers) ? 403 : error.status;
  return { outcome: 'refused', error, response: answer(status, headers) };
}

/** Both sets of fields; those that both have get the lines of both. */
export function mergeFields(a: ResponseFields, b: ResponseFields): ResponseFields {
  const merged: Record<string, string | readonly string[]> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const there = merged[name];
    merged[name] = there === undefined ? value : [there, value].flat();
  }
  return merged;
}

function answer(status: number, headers: ResponseFields): Answer {
  const body = JSON.stringify({ status, title: STATUS_CODES[status] ?? 'Refused' });
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
    },
    body,
  };
}
