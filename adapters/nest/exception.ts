import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { refused } from '../../src/decision.ts';
import { type Answer, AuthError } from '../../src/index.ts';
import { answerFields } from '../../src/node/answer-fields.ts';
import type { NodeRequest } from '../../src/node/exchange.ts';
import { respond } from '../../src/node/guard.ts';
import type { NodeResponse } from '../../src/node/response-hook.ts';
import { answerToThrown } from '../../src/node/thrown.ts';
import { rawOf } from './routes.ts';

/**
 * A refusal, or a method's next step, on its way to the peer. The reason is in the events, and not in here.
 *
 * `getResponse()` is the problem document. A filter of your own that takes it from ours must also send
 * the fields of `answer`: a challenge is in them, and `cache-control`.
 */
export class MutualAuthException extends HttpException {
  readonly answer: Answer;

  constructor(answer: Answer) {
    const problem = JSON.parse(answer.body) as { readonly title: string };
    super(problem, answer.status);
    this.answer = answer;
    // GraphQL shows it to the peer.
    this.message = problem.title;
  }
}

/** As much of Fastify's reply as it takes to answer in its way, with its hooks. */
interface Reply {
  readonly raw: NodeResponse;
  status(status: number): this;
  headers(fields: Record<string, string | string[]>): this;
  send(body: Uint8Array): unknown;
}

/** Answers refusals, and the AuthErrors that handlers throw as if they were some. */
export class MutualAuthFilter implements ExceptionFilter<MutualAuthException | AuthError> {
  catch(exception: MutualAuthException | AuthError, host: ArgumentsHost): void {
    // Elsewhere an exception is what the transport makes an answer of.
    if (host.getType() !== 'http') {
      throw exception instanceof AuthError
        ? new MutualAuthException(refused(exception, {}).response)
        : exception;
    }
    const http = host.switchToHttp();
    const request = rawOf(http.getRequest()) as NodeRequest;
    const response = http.getResponse<NodeResponse | Reply>();
    const answer =
      exception instanceof AuthError
        ? answerToThrown(exception, request, rawOf(response) as NodeResponse)
        : exception.answer;
    if ('raw' in response && !response.raw.headersSent) {
      // Bytes: to a string, Fastify would add a charset, which this media type has none of.
      const body = Buffer.from(answer.body);
      response.status(answer.status).headers(answerFields(request, answer)).send(body);
    } else {
      respond(request, rawOf(response) as NodeResponse, answer);
    }
  }
}

Catch(MutualAuthException, AuthError)(MutualAuthFilter);
