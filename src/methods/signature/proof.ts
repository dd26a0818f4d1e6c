// The server's half of proof: every response signed (RFC 9421), and bound to the request that it answers.
import { ConfigError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { type CoveredLines, baseFrom, coveredLines } from '../../http/message-signatures/base.ts';
import { type Component, parseComponent } from '../../http/message-signatures/components.ts';
import { signatureOf, withOthers } from '../../http/message-signatures/sign.ts';
import { MessageView } from '../../http/message-signatures/view.ts';
import { serialiseBytes } from '../../http/structured-fields/serialise.ts';
import type { BareItem } from '../../http/structured-fields/values.ts';
import type { Identity } from '../../identity.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import { remembered } from '../../memory.ts';
import type { ProofFields, ProvableResponse, ResponseProof } from '../../proof.ts';
import { linesOfRequest } from './answered-request.ts';
import { type AskedProof, askedProof, unasked } from './asked-proof.ts';
import { responseCoverage, responseTag } from './coverage.ts';
import {
  type ResponseKey,
  type ResponseKeyLookup,
  type ResponseKeyOptions,
  commonKey,
  readResponseKey,
} from './response-key.ts';

/**
 * Signs every response, refusals as well, for the `proof` of a verifier: one private key for all peers, or
 * a function that says which key a peer is answered with.
 *
 * Each signature covers the response, its content and the request that it answers, and repeats the nonce
 * that the client asked for, so that no other response can take its place.
 *
 * @throws ConfigError for what is no key to sign with, and for a symmetric one that all peers would share
 */
export function signedResponses(keys: ResponseKeyOptions | ResponseKeyLookup): ResponseProof {
  const keyFor = typeof keys === 'function' ? lookup(keys) : always(commonKey(keys));
  const proof: ResponseProof = {
    name: 'signedResponses',
    read: (exchange) => void memoryOf(exchange, proof).asked,
    prove(exchange, identity, response) {
      const memory = memoryOf(exchange, proof);
      const { request } = memory;
      // What cannot be bound to its request would prove as much to the next one.
      if (request === undefined) return undefined;
      return andThen(keyFor(identity), (key) =>
        key === undefined ? undefined : sign(key, memory.asking, request, response),
      );
    },
  };
  return Object.freeze(proof);
}

/** What a request has to do with the signature of its response, each part read once. */
class Memory {
  readonly #exchange: Exchange;
  #asked: AskedProof | undefined;
  #request: { readonly lines: CoveredLines | undefined } | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** @throws AuthError */
  get asked(): AskedProof {
    return (this.#asked ??= askedProof(this.#exchange.fieldLines('accept-signature')));
  }

  /** The same, for the response to a request that asks for what cannot be read. */
  get asking(): AskedProof {
    try {
      return this.asked;
    } catch {
      return (this.#asked = unasked);
    }
  }

  get request(): CoveredLines | undefined {
    return (this.#request ??= { lines: linesOfRequest(this.#exchange) }).lines;
  }
}

function memoryOf(exchange: Exchange, proof: ResponseProof): Memory {
  return remembered(exchange, proof, () => new Memory(exchange));
}

type KeyFor = (identity: Identity | undefined) => MaybePromise<ResponseKey | undefined>;

function always(key: ResponseKey): KeyFor {
  return () => key;
}

function lookup(keys: ResponseKeyLookup): KeyFor {
  const known = new WeakMap<ResponseKeyOptions, ResponseKey>();
  return (identity) =>
    andThen(keys(identity), (options) => {
      if (options === undefined) return undefined;
      let key = known.get(options);
      if (key === undefined) known.set(options, (key = readResponseKey(options)));
      if (key.isSymmetric && identity === undefined) {
        throw new ConfigError(
          'signedResponses',
          'answered a secret for no peer in particular; answer undefined, or a private key',
        );
      }
      return key;
    });
}

function sign(
  { keyId, signer }: ResponseKey,
  { label, nonce }: AskedProof,
  request: CoveredLines,
  response: ProvableResponse,
): MaybePromise<ProofFields> {
  const { status, lines, trailerLines } = response;
  const view = new MessageView({ status, headers: lines, trailers: trailerLines });
  const own = coveredLines(view, coveredOf(response), undefined);
  const parameters = new Map<string, BareItem>([
    ['created', Math.floor(Date.now() / 1000)],
    ['keyid', keyId],
    ['tag', responseTag],
  ]);
  if (nonce !== undefined) parameters.set('nonce', nonce);
  const base = baseFrom(
    { text: own.text + request.text, list: `${own.list} ${request.list}` },
    parameters,
  );
  const fields = response.digest === 'trailers' ? trailerLines : lines;
  return andThen(signatureOf(signer, base.text), (signature) => ({
    ...withOthers(fields, label, base.input, serialiseBytes(signature)),
  }));
}

/** Of the response itself: `linesOfRequest` has the rest. */
function coveredOf({ hasContent, digest, lines }: ProvableResponse): readonly Component[] {
  const covered: Component[] = [];
  const fields = { has: (name: string) => lines(name).length > 0 };
  for (const id of responseCoverage(fields, hasContent, { has: () => false }, undefined)) {
    if (id === 'content-digest' && digest !== 'head') {
      if (digest === 'trailers') covered.push(parseComponent(`${id};tr`, 'components'));
      continue;
    }
    const component = parseComponent(id, 'components');
    if (!component.ofRequest) covered.push(component);
  }
  return covered;
}
