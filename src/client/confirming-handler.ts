import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { IncomingHead } from '../method.ts';
import { badGateway } from './bad-gateway.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/**
 * Stands between undici and the caller's handler: `confirm` sees the head of the response first, and
 * what it throws is all that the caller gets.
 *
 * Not undici's DecoratorHandler, which takes an interim response (103) for the response.
 */
export class ConfirmingHandler implements Handler {
  readonly #next: Handler;
  readonly #confirm: (head: IncomingHead) => void;
  readonly #interim: boolean;

  /** @param interim whether the caller may see interim responses, which nobody can confirm */
  constructor(next: Handler, confirm: (head: IncomingHead) => void, interim: boolean) {
    this.#next = next;
    this.#confirm = confirm;
    this.#interim = interim;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#next.onRequestStart?.(controller, context);
  }

  // Old handlers take the time of the first byte from it.
  onResponseStarted(): void {
    // oxlint-disable-next-line typescript/no-deprecated
    this.#next.onResponseStarted?.();
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: Headers,
    message?: string,
  ): void {
    if (status < 200) {
      if (this.#interim) this.#next.onResponseStart?.(controller, status, headers, message);
      return;
    }
    // undici takes what is thrown here, ends the connection, and hands the error to onResponseError.
    this.#confirm(headOf(status, headers));
    this.#next.onResponseStart?.(controller, status, headers, message);
  }

  onRequestUpgrade(controller: Controller, status: number, headers: Headers, socket: Duplex): void {
    try {
      this.#confirm(headOf(status, headers));
    } catch (error) {
      // At this point undici has let go of the request already and would tell nobody.
      socket.on('error', () => undefined).destroy();
      this.onResponseError(controller, error as Error);
      return;
    }
    this.#next.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#next.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: Headers): void {
    this.#next.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#next.onResponseError?.(controller, badGateway(error));
  }
}

/** The head of a response as methods see it. */
export function headOf(status: number, headers: Headers): IncomingHead {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) fields[name.toLowerCase()] = [value].flat().join(', ');
  }
  return { status, fields };
}
