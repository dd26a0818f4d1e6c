// A service behind `guard` that signs its responses, on HTTP/1.1 or HTTP/2 without TLS.
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { type Policy, type ServerMethod, type Verifier, createVerifier } from '../../src/index.ts';
import { guard, prepare, respond } from '../../src/node/index.ts';
import type { ResponseProof } from '../../src/proof.ts';
import { signedResponses } from '../../src/methods/signature/proof.ts';
import { authority, signingPair } from './confirming.ts';

/** Lets everybody pass who does not say `x-refuse`. */
export const open: ServerMethod = {
  name: 'open',
  verify: (exchange) => (exchange.field('x-refuse') === undefined ? { subject: 'key:a' } : null),
};

export const signing: ResponseProof = signedResponses({
  keyId: 'api-2026',
  key: signingPair.privateKey,
});

export function signingVerifier(proof: ResponseProof = signing, policy: Policy = {}): Verifier {
  return createVerifier({ methods: [open], authorities: [`http://${authority}`], proof, policy });
}

export type SigningHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface SigningService extends AsyncDisposable {
  readonly port: number;
}

export interface SigningOptions {
  readonly verifier?: Verifier;
  readonly http2?: boolean;
  /** What stands before the guard, behind `prepare`. */
  readonly middleware?: (request: never, response: never, next: () => void) => unknown;
  /** Whether `prepare` stands before that. @defaultValue true */
  readonly prepared?: boolean;
}

export async function signingService(
  handler: SigningHandler,
  options: SigningOptions = {},
): Promise<SigningService> {
  const { verifier = signingVerifier(), http2 = false, middleware, prepared = true } = options;
  const guarded = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const decision = await guard(verifier, request, response);
    if (decision.outcome === 'accepted') await handler(request, response);
    else respond(request, response, decision.response);
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (prepared) prepare(verifier, request, response);
    if (middleware === undefined) void guarded(request, response);
    else middleware(request as never, response as never, () => void guarded(request, response));
  };
  return await listening(http2 ? createHttp2Server(serve as never) : createServer(serve));
}

/** The server, once it listens on a port of its own. */
export async function listening(server: Server): Promise<SigningService> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      (server as { closeAllConnections?: () => void }).closeAllConnections?.();
      server.close();
    },
  };
}
