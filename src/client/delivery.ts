import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;

/**
 * What a caller's handler gets, in its order and at the caller's pace, though all of it may have come
 * already. It is the controller of that handler: undici's own moves on to the next request of the
 * connection once a response has come in, and must not be paused or resumed for this one any more.
 */
export class Delivery implements Controller {
  readonly #fail: (error: Error) => void;
  /** As undici's own has them, for handlers that read them there. */
  rawHeaders: NonNullable<Controller['rawHeaders']> | null = null;
  /** undici's own, while it is this exchange's. */
  #upstream: Controller | undefined;
  #steps: (() => void)[] = [];
  #paused = false;
  #reason: Error | null = null;
  #running = false;
  #over = false;

  /** @param fail tells the handler that there is no more to come; called at most once */
  constructor(fail: (error: Error) => void) {
    this.#fail = fail;
  }

  /** Passes on what the handler says to undici, until all has come in. */
  attach(upstream: Controller): void {
    this.#upstream = upstream;
  }

  /** From now on undici's controller is another request's. */
  detach(): void {
    this.#upstream = undefined;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  /** Calls the handler once it is its turn. What that throws ends the exchange, as in undici. */
  add(step: () => void): void {
    if (this.#over || this.#reason !== null) return;
    this.#steps.push(step);
    this.#run();
  }

  /** As `add`, and nothing after it. */
  addLast(step: () => void): void {
    this.add(() => {
      this.#over = true;
      try {
        step();
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  /** Tells the handler at once, whatever was still to come. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#steps = [];
    this.#fail(error);
  }

  abort(reason: Error): void {
    if (this.#over || this.#reason !== null) return;
    this.#reason = reason;
    this.#steps = [];
    if (this.#upstream === undefined) this.fail(reason);
    else this.#upstream.abort(reason);
  }

  pause(): void {
    this.#paused = true;
    this.#upstream?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#run();
    if (!this.paused) this.#upstream?.resume();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (!this.#paused && this.#steps.length > 0) this.#steps.shift()!();
    } catch (error) {
      this.abort(error as Error);
    } finally {
      this.#running = false;
    }
  }
}
