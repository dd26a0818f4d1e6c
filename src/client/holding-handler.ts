import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { AuthError } from '../errors.ts';
import type { ResponseMessage } from '../http/message-signatures/message.ts';
import { type MaybePromise, andThen, isPromise } from '../maybe-promise.ts';
import type { ConfirmedHead, FieldLines } from './confirm-response.ts';
import { Delivery } from './delivery.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** How much of a response is held back until all of it is confirmed. */
const maxHeld = 1_048_576;

/**
 * Stands between undici and the next handler, which sees no part of a response before it is confirmed:
 * of up to 1 MiB the whole, of a longer one its head, and then an error in place of the end unless the
 * content is confirmed too. Interim responses are dropped, and trailers that nobody signed.
 */
export class HoldingHandler implements Handler {
  readonly #next: Handler;
  readonly #confirm: (head: ResponseMessage) => MaybePromise<ConfirmedHead>;
  readonly #delivery = new Delivery((error) => this.#next.onResponseError?.(this.#delivery, error));
  #confirmed!: MaybePromise<ConfirmedHead>;
  /** Hands the head on. */
  #start!: () => void;
  #held: Buffer[] = [];
  #heldLength = 0;
  /** What checks content as it passes, once the head was handed on. */
  #passing: ConfirmedHead | undefined;

  constructor(next: Handler, confirm: (head: ResponseMessage) => MaybePromise<ConfirmedHead>) {
    this.#next = next;
    this.#confirm = confirm;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#delivery.attach(controller);
    this.#next.onRequestStart?.(this.#delivery, context);
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
    if (status < 200) return;
    this.#delivery.rawHeaders = controller.rawHeaders ?? null;
    this.#start = () => this.#next.onResponseStart?.(this.#delivery, status, headers, message);
    // undici takes what is thrown here, ends the connection, and hands the error to onResponseError.
    this.#confirmed = this.#confirm({ status, headers: fieldsOf(headers) });
    if (isPromise(this.#confirmed)) {
      this.#confirmed.then(
        (confirmed) => {
          this.#confirmed = confirmed;
        },
        (error: Error) => this.#delivery.abort(error),
      );
    }
  }

  onRequestUpgrade(
    _controller: Controller,
    status: number,
    headers: Headers,
    socket: Duplex,
  ): void {
    // At this point undici has let go of the request already and would tell nobody.
    this.#delivery.detach();
    const ignore = (): void => undefined;
    const refuse = (error: unknown): void => {
      socket.on('error', ignore).destroy();
      this.#delivery.fail(error as Error);
    };
    socket.on('error', ignore);
    try {
      const handedOver = andThen(this.#confirm({ status, headers: fieldsOf(headers) }), () => {
        socket.off('error', ignore);
        this.#delivery.addLast(() =>
          this.#next.onRequestUpgrade?.(this.#delivery, status, headers, socket),
        );
      });
      if (isPromise(handedOver)) handedOver.catch(refuse);
    } catch (error) {
      refuse(error);
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#passing !== undefined) return this.#pass(this.#passing, chunk);
    this.#held.push(chunk);
    this.#heldLength += chunk.length;
    if (this.#heldLength <= maxHeld) return;
    if (!isPromise(this.#confirmed)) return this.#release(this.#confirmed);
    controller.pause();
    this.#confirmed
      .then((confirmed) => {
        this.#release(confirmed);
        if (!this.#delivery.paused) controller.resume();
      })
      .catch((error: unknown) => this.#delivery.abort(error as Error));
  }

  onResponseEnd(_controller: Controller, trailers: Headers): void {
    this.#delivery.detach();
    const refuse = (error: unknown): void => this.#delivery.fail(error as Error);
    const finish = (confirmed: ConfirmedHead): void => {
      for (const chunk of this.#passing === undefined ? this.#held : []) confirmed.chunk(chunk);
      const shown = confirmed.end(fieldsOf(trailers), new Date()) as Headers;
      if (this.#passing === undefined) this.#handOver();
      this.#delivery.addLast(() => this.#next.onResponseEnd?.(this.#delivery, shown));
    };
    try {
      const finished = andThen(this.#confirmed, finish);
      if (isPromise(finished)) finished.catch(refuse);
    } catch (error) {
      // fetch hangs where the error comes in the step of the end.
      setImmediate(refuse, error);
    }
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#delivery.detach();
    this.#delivery.fail(this.#passing === undefined ? error : this.#brokenOff(error));
  }

  /**
   * What an error of the network says once content was handed on that nobody has confirmed: not that the
   * rest may be asked for, as a retrying caller would, and taken for the end of what came before.
   */
  #brokenOff(error: Error): Error {
    if (error instanceof AuthError || this.#delivery.aborted) return error;
    const reason = 'the response broke off before its content was confirmed';
    return new AuthError('ERR_SERVER_UNPROVEN', reason, { cause: error });
  }

  /** Hands on what is confirmed by its head alone, and what will come from now on. */
  #release(confirmed: ConfirmedHead): void {
    if (this.#passing !== undefined) return;
    for (const chunk of this.#held) confirmed.chunk(chunk);
    this.#passing = confirmed;
    this.#handOver();
  }

  #handOver(): void {
    this.#delivery.add(this.#start);
    for (const chunk of this.#held) this.#deliver(chunk);
    this.#held = [];
  }

  #pass(confirmed: ConfirmedHead, chunk: Buffer): void {
    confirmed.chunk(chunk);
    this.#deliver(chunk);
  }

  #deliver(chunk: Buffer): void {
    this.#delivery.add(() => this.#next.onResponseData?.(this.#delivery, chunk));
  }
}

function fieldsOf(headers: Headers): FieldLines {
  const fields = Object.create(null) as Record<string, string | readonly string[]>;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) fields[name.toLowerCase()] = value;
  }
  return fields;
}
