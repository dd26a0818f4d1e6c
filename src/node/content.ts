// Content seen as it passes, without holding it. Node's parser hands every chunk to `push`, and `null` at
// the end; standing there, a sink sees the bytes before any parser, and can turn the end into an error.
import { AuthError } from '../errors.ts';
import type { Content, ContentSink } from '../exchange.ts';
import type { NodeRequest } from './exchange.ts';

/** The content of a request. */
export class NodeContent implements Content {
  readonly #request: NodeRequest;
  readonly #sinks: ContentSink[] = [];
  #isOver = false;
  #hasFailed = false;

  constructor(request: NodeRequest) {
    this.#request = request;
  }

  // RFC 9112 section 6.3; in HTTP/2 the head itself may end the stream.
  get isEmpty(): boolean {
    const { headers } = this.#request;
    if (headers['transfer-encoding'] !== undefined) return false;
    const length = headers['content-length'];
    if (length !== undefined || !('stream' in this.#request)) return (length ?? '0') === '0';
    return this.#request.stream.endAfterHeaders;
  }

  tap(sink: ContentSink): void {
    const request = this.#request;
    if (this.#sinks.length === 0) {
      if (request.readableDidRead || request.readableLength > 0 || request.complete) {
        throw new AuthError(
          'ERR_BODY_CONSUMED',
          'the content has passed before anything could look at it; put prepare(verifier) first',
        );
      }
      // HTTP/1.1 tells only those who listen. In HTTP/2 an error that nobody listens for ends the process.
      if ('stream' in request) request.on('error', ignore);
      const push = request.push.bind(request);
      request.push = (chunk: Uint8Array | null): boolean => this.#pass(chunk, push);
    }
    this.#sinks.push(sink);
  }

  #pass(chunk: Uint8Array | null, push: (chunk: Uint8Array | null) => boolean): boolean {
    // HTTP/2 says the end twice, and once more where nobody has read.
    if (this.#isOver) return this.#hasFailed ? false : push(chunk);
    this.#isOver = chunk === null;
    try {
      for (const sink of this.#sinks) {
        if (chunk === null) sink.end();
        else sink.chunk(chunk);
      }
    } catch (error) {
      this.#isOver = this.#hasFailed = true;
      // The handler must not take what came so far for the whole.
      this.#request.destroy(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
    return push(chunk);
  }
}

function ignore(): void {}
