import { within } from "./check.mjs";

/** What arrived and nobody took yet, in order. */
export class Queue {
  #items = [];
  #waiting = [];

  get length() {
    return this.#items.length;
  }

  push(item) {
    const taker = this.#waiting.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  async next(what, seconds = 10) {
    if (this.#items.length > 0) return this.#items.shift();
    let taker;
    const item = new Promise((resolve) => {
      taker = resolve;
      this.#waiting.push(resolve);
    });
    try {
      return await within(item, seconds, `no ${what}`);
    } catch (error) {
      this.#waiting = this.#waiting.filter((w) => w !== taker);
      throw error;
    }
  }
}
