// The server's half of proof: every response signed (RFC 9421), and bound to the request that it answers.
import { AuthError, ConfigError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { contentDigest, digestContent } from '../../http/content-digest.ts';
import { type Base, baseOf } from '../../http/message-signatures/base.ts';
import { signatureOf, withOthers } from '../../http/message-signatures/sign.ts';
import { MessageView } from '../../http/message-signatures/view.ts';
import { serialiseBytes } from '../../http/structured-fields/serialise.ts';
import type { BareItem } from '../../http/structured-fields/values.ts';
import type { Identity } from '../../identity.ts';
import { type MaybePromise, andThen } from '../../maybe-promise.ts';
import { remembered } from '../../memory.ts';
import type { ProofFields, ProvableResponse, ResponseProof } from '../../proof.ts';
import { type AnsweredRequest, answeredRequest } from './answered-request.ts';
import { type AskedProof, askedProof, unasked } from './asked-proof.ts';
import { type RequestSignature, responseTag } from './coverage.ts';
import { coveredComponents } from './covered-components.ts';
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
    digest: contentDigest,
    digesting: digestContent,
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
  #request: { readonly known: AnsweredRequest | undefined } | undefined;

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

  get request(): AnsweredRequest | undefined {
    return (this.#request ??= { known: answeredRequest(this.#exchange) }).known;
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
  request: AnsweredRequest,
  response: ProvableResponse,
): MaybePromise<ProofFields> | undefined {
  const parameters = new Map<string, BareItem>([
    ['created', Math.floor(Date.now() / 1000)],
    ['keyid', keyId],
    ['tag', responseTag],
  ]);
  if (nonce !== undefined) parameters.set('nonce', nonce);
  const base =
    boundBase(request, request.signature, response, parameters) ??
    // A signature over what is not there holds for nobody, and whoever made it misses it in the response.
    (request.signature && boundBase(request, undefined, response, parameters));
  if (base === undefined) return undefined;
  const fields = response.digest === 'trailers' ? response.trailerLines : response.lines;
  return andThen(signatureOf(signer, base.text), (signature): ProofFields => ({
    ...withOthers(fields, label, base.input, serialiseBytes(signature)),
  }));
}

/** What is signed; undefined where the request is not as its own signature says, or cannot be read. */
function boundBase(
  request: AnsweredRequest,
  signature: RequestSignature | undefined,
  response: ProvableResponse,
  parameters: ReadonlyMap<string, BareItem>,
): Base | undefined {
  const { status, lines, trailerLines } = response;
  const components = coveredComponents(request, signature, response);
  const view = new MessageView({ status, headers: lines, trailers: trailerLines, request });
  try {
    return baseOf(view, components, parameters, undefined);
  } catch (error) {
    if (error instanceof AuthError && !request.holds(components)) return undefined;
    throw error;
  }
}
