/**
 * Things by the second in which their time is over. To put one in and to get it out takes the same time
 * however many there are.
 */
export class ExpiryQueue<T> {
  readonly #bySecond = new Map<number, T[]>();
  /** Nothing is left of this second and those before. */
  #reached = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns its place among those of the same second */
  add(second: number, thing: T): number {
    let list = this.#bySecond.get(second);
    if (list === undefined) {
      list = [];
      this.#bySecond.set(second, list);
    }
    this.#size++;
    // A clock that was set back.
    if (second <= this.#reached) this.#reached = second - 1;
    return list.push(thing) - 1;
  }

  /**
   * Takes out what has not been handed out yet.
   *
   * @returns what stands in its place now
   */
  remove(second: number, place: number): T | undefined {
    const list = this.#bySecond.get(second)!;
    const last = list.pop()!;
    this.#size--;
    if (place === list.length) return undefined;
    list[place] = last;
    return last;
  }

  /** Hands out everything whose time is over. */
  expire(now: number, each: (thing: T) => void): void {
    if (now <= this.#reached) return;
    // After a quiet time there are more seconds than lists.
    if (now - this.#reached > this.#bySecond.size) {
      for (const second of this.#bySecond.keys()) if (second <= now) this.#end(second, each);
    } else {
      for (let second = this.#reached + 1; second <= now; second++) this.#end(second, each);
    }
    this.#reached = now;
  }

  #end(second: number, each: (thing: T) => void): void {
    const list = this.#bySecond.get(second);
    if (list === undefined) return;
    this.#bySecond.delete(second);
    this.#size -= list.length;
    for (const thing of list) each(thing);
  }
}
