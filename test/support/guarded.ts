// A service behind `guard` over real TLS, which remembers what was decided and what was handled.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import assert from 'node:assert/strict';
import {
  type Decision,
  type Identity,
  type Policy,
  type Verifier,
  createVerifier,
  mtls,
} from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { type TestServer, type TestServerOptions, testServer } from '../../src/pki/testing.ts';
import type { Received } from './connection.ts';
import { recordEvents } from './events.ts';
import { authority } from './pki.ts';

export interface GuardedOptions {
  /** @defaultValue one whose only method is `mtls()` */
  readonly verifier?: Verifier;
  /** The policy of a request, which may look at its target. */
  readonly policy?: (request: IncomingMessage) => Policy | undefined;
  /** What the TLS server gets beside a good certificate and `ca`. */
  readonly tls?: Partial<TestServerOptions>;
  /** What an accepted request runs. @defaultValue answers the identity as JSON */
  readonly handler?: Handler;
}

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  identity: Identity | undefined,
) => void;

export interface Guarded extends TestServer {
  readonly decisions: readonly Decision[];
  readonly events: ReturnType<typeof recordEvents>;
  /** The identity of each request that reached the handler. */
  readonly handled: readonly (Identity | undefined)[];
}

export const serverCertificate = authority.issue({ usage: 'serverAuth' });

export async function guarded(options: GuardedOptions = {}): Promise<Guarded> {
  const { verifier = createVerifier({ methods: [mtls()] }), handler = answerIdentity } = options;
  const decisions: Decision[] = [];
  const handled: (Identity | undefined)[] = [];
  const events = recordEvents();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const policy = options.policy?.(request);
    const decision = await (policy === undefined
      ? guard(verifier, request, response)
      : guard(verifier, request, response, policy));
    decisions.push(decision);
    if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
    handled.push(decision.identity);
    handler(request, response, decision.identity);
  }

  const { cert, key } = serverCertificate;
  const server = await testServer((request, response) => void serve(request, response), {
    cert,
    key,
    ca: authority.cert,
    ...options.tls,
  });
  async function close(): Promise<void> {
    events[Symbol.dispose]();
    await server.close();
  }
  return { ...server, decisions, events, handled, close, [Symbol.asyncDispose]: close };
}

function answerIdentity(
  _request: IncomingMessage,
  response: ServerResponse,
  identity?: Identity,
): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(identity ?? null));
}

/** Checks that the handler answered, for this subject. */
export function assertAccepted(site: Guarded, answer: Received, subject: string): void {
  assert.equal(answer.status, 200, site.events.refused.at(-1)?.reason);
  assert.equal(JSON.parse(answer.body).subject, subject);
  assert.equal(site.decisions.at(-1)?.outcome, 'accepted');
  assert.equal(site.handled.at(-1)?.subject, subject);
  assert.equal(site.events.accepted.at(-1)?.subject, subject);
}

const allowedFields = [
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
];

/**
 * Checks that the last request was refused: the peer got the problem document and nothing else, and
 * those who listen learned the reason.
 *
 * `handled` is how many requests had reached the handler by then.
 */
export function assertRefused(
  site: Guarded,
  answer: Received,
  expected: { readonly code: string; readonly status?: number; readonly handled?: number },
): void {
  const { code, status = 403, handled = 0 } = expected;
  const decision = site.decisions.at(-1);
  assert.equal(decision?.outcome, 'refused');
  assert.ok(decision?.outcome === 'refused');
  assert.equal(decision.error.code, code, decision.error.message);
  const event = site.events.refused.at(-1);
  assert.deepEqual([event?.code, event?.status], [code, status]);
  assert.equal(site.handled.length, handled, 'the handler must not run');
  assertProblem(answer, status);
}

/** Checks that an answer is exactly the problem document of this status. */
export function assertProblem(answer: Received, status: number): void {
  assert.equal(answer.status, status);
  assert.equal(answer.body, JSON.stringify({ status, title: STATUS_CODES[status] }));
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.deepEqual(
    Object.keys(answer.headers).filter((name) => !allowedFields.includes(name)),
    [],
  );
}
