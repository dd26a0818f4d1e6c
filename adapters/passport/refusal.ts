// How Passport is told of a refusal: `fail`, behind which it tries the next strategy of a list, or `error`,
// which ends the list. The bodies are Passport's, or the framework's.
import { type IncomingMessage, STATUS_CODES, type ServerResponse } from 'node:http';
import type { Answer, Decision, ResponseFields } from '../../src/index.ts';
import { answerFields } from '../../src/node/answer-fields.ts';

/** The request as Express hands it to Passport. */
export interface PassportRequest extends IncomingMessage {
  readonly res?: ServerResponse | undefined;
}

/** What Passport puts on a strategy, for it to say how a request went. */
export interface Actions {
  success(user: unknown, info?: unknown): void;
  fail(challenge?: unknown, status?: number): void;
  error(error: unknown): void;
  pass(): void;
}

/** What a request is answered with that a verifier does not accept. */
export type NotAccepted = Exclude<Decision, { outcome: 'accepted' }>;

/** Refuses, and lets the next strategy try. */
export function failWith(
  { fail }: Actions,
  { res }: PassportRequest,
  { headers }: Answer,
  status?: number,
): void {
  // Should a later strategy let the request pass, then this would speak of another response.
  const { 'cache-control': _caching, ...fields } = withoutContent(headers);
  // Also the challenge that Passport would set: Nest's AuthGuard does not.
  putFields(res, fields);
  const { 'www-authenticate': challenge } = fields;
  fail(challenge === undefined ? undefined : [challenge].flat().join(', '), status);
}

/** Refuses for good: no later strategy is asked. */
export function errorWith(
  { error }: Actions,
  request: PassportRequest,
  { response }: Extract<Decision, { outcome: 'refused' }>,
): void {
  const fields = withoutContent(answerFields(request, response));
  // Express takes them from the error, Nest does not.
  putFields(request.res, fields);
  error(refusal(response.status, fields));
}

/** An error that says its status and no more, whoever prints it and wherever. */
export function refusal(status: number, headers: ResponseFields, options?: ErrorOptions): Error {
  const title = STATUS_CODES[status] ?? 'Refused';
  const error = new Error(title, options);
  // Outside production, Express prints the stack to the peer.
  error.stack = title;
  return Object.assign(error, { status, statusCode: status, headers, expose: false });
}

function withoutContent(headers: ResponseFields): ResponseFields {
  const { 'content-type': _type, 'content-length': _length, ...fields } = headers;
  return fields;
}

function putFields(response: ServerResponse | undefined, fields: ResponseFields): void {
  for (const [name, value] of Object.entries(fields)) response?.appendHeader(name, value);
}
