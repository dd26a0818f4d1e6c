// A server that signs its answers as the client wants them, over plain node:https. Tests that attack the
// client change what it signs, or what it sends after that.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import {
  type KeySigner,
  type RequestMessage,
  type ResponseMessage,
  contentDigest,
  parseAcceptSignature,
  signMessage,
} from 'countersign/signature';
import { componentsOf } from '../../src/http/message-signatures/components.ts';
import { lookupIn } from '../../src/http/message-signatures/message.ts';
import { readSignatures } from '../../src/http/message-signatures/signature-fields.ts';
import { requestTag, responseCoverage, responseTag } from '../../src/methods/signature/coverage.ts';

type Lines = Record<string, string | readonly string[]>;

export interface Answer {
  readonly status: number;
  readonly headers: Lines;
  readonly content: readonly (Buffer | string)[];
}

/** What is about to be signed. */
export interface Signing {
  signer: KeySigner;
  request: RequestMessage;
  components: readonly string[];
  parameters: Record<string, string | number>;
  label: string;
}

export interface SigningServer {
  readonly signer: KeySigner;
  readonly keyId?: string;
  readonly answer?: (req: IncomingMessage, content: Buffer) => Partial<Answer>;
  /** Whether the content is signed in trailers. */
  readonly streams?: boolean;
  /** Changes what is signed, in the head and in the trailers. */
  readonly signing?: (signing: Signing, section: 'headers' | 'trailers') => void;
  /** Changes the signed answer. */
  readonly sending?: (answer: Answer, trailers: Lines) => Partial<Answer> | void;
  /** Sends in place of this server. */
  readonly send?: (res: ServerResponse, answer: Answer, trailers: Lines) => void;
}

export function signingServer(server: SigningServer): RequestListener {
  return (req, res) => {
    void buffer(req).then((content) => {
      const given = server.answer?.(req, content) ?? { content: ['hello'] };
      const plain = { status: 200, headers: {}, content: [], ...given };
      const { answer, trailers } = signAnswer(server, req, plain);
      const changed = { ...answer, ...server.sending?.(answer, trailers) };
      (server.send ?? sendAnswer)(res, changed, trailers);
    });
  };
}

export function sendAnswer(
  res: ServerResponse,
  { status, headers, content }: Answer,
  trailers: Lines,
): void {
  res.writeHead(status, headers as Record<string, string>);
  for (const chunk of content) res.write(chunk);
  res.addTrailers(trailers as Record<string, string>);
  res.end();
}

/** The answer with the fields that prove it. */
export function signAnswer(
  { signer, keyId = 'api-1', streams = false, signing = () => undefined }: SigningServer,
  req: IncomingMessage,
  plain: Answer,
): { readonly answer: Answer; readonly trailers: Lines } {
  const request = requestOf(req);
  const hasContent = req.method !== 'HEAD' && ![101, 204, 304].includes(plain.status);
  const digest = contentDigest(Buffer.concat(plain.content.map((chunk) => Buffer.from(chunk))));
  const [wish] = parseAcceptSignature(req.headersDistinct['accept-signature'] ?? []);

  const sign = (
    message: ResponseMessage,
    components: readonly string[],
    trailing = false,
  ): Lines => {
    const section = trailing ? 'trailers' : 'headers';
    const own: Signing = {
      signer,
      request,
      components,
      label: wish?.label ?? 'cs',
      parameters: {
        created: Math.floor(Date.now() / 1000),
        nonce: wish?.nonce ?? '',
        keyid: keyId,
        tag: responseTag,
      },
    };
    signing(own, section);
    const { request: answered, ...options } = own;
    return { ...signMessage({ ...message, request: answered }, { ...options, section }) };
  };

  const headers: Lines = {
    ...plain.headers,
    ...(hasContent ? (streams ? { trailer: 'content-digest' } : { 'content-digest': digest }) : {}),
  };
  const covered = (hasDigest: boolean): readonly string[] =>
    responseCoverage(
      { has: (name) => name in headers },
      hasDigest,
      { has: (name) => req.headers[name] !== undefined },
      ownSignature(request),
    );
  const head = { status: plain.status, headers };
  const proof = sign(head, covered(hasContent && !streams));
  const answer = { ...plain, headers: { ...headers, ...proof } };
  if (!streams || !hasContent) return { answer, trailers: {} };
  const trailers = { 'content-digest': digest };
  const components = [...covered(false), 'content-digest;tr'];
  return { answer, trailers: { ...trailers, ...sign({ ...head, trailers }, components, true) } };
}

function requestOf(req: IncomingMessage): RequestMessage {
  return {
    method: req.method!,
    url: `https://${req.headers.host}${req.url}`,
    headers: req.headersDistinct as Record<string, string[]>,
  };
}

function ownSignature({ headers }: RequestMessage) {
  const own = readSignatures(lookupIn(headers)).find(
    ({ input }) => input.parameters.get('tag') === requestTag,
  );
  return own && { label: own.label, components: [...componentsOf(own.input.items).ids] };
}
