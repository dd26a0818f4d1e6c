// What is known at once is used at once. Each promise on the way of a request costs a turn of the event
// loop's queue and garbage, and the usual request needs none.

/** A value now or later. */
export type MaybePromise<T> = T | Promise<T>;

/** Goes on with a value as soon as it is there: in this very step where it is there already. */
export function andThen<T, U>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Whether a value comes later. Another realm's promise, or another library's, does so too. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
