import { BROWSER, FLAGS } from "./browser.mjs";
import { within } from "./check.mjs";

// A page ends its scenario itself; this is for one that no longer can.
const PATIENCE_SECONDS = 20;
// A browser takes more of a machine than the client under test does.
const SLOWER = 3;

/**
 * Pages of a browser in which scenarios run. A browser shares six connections to a host among the pages of
 * one profile, so scenarios that run side by side have a profile each. A page is used again once its
 * scenario has cleaned up.
 */
export class Seats {
  #browser;
  #answer;
  #idle = [];

  /** `answer(seat, what, ...args)` does what a page cannot do itself; `chromium` is Playwright's. */
  static async open(chromium, answer) {
    const seats = new Seats();
    seats.#browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
    seats.#answer = answer;
    return seats;
  }

  /** Runs a scenario in the page at an address, which has a function `runInPage` for it. `prepare(seat)` gives both. */
  async run(scenario, prepare) {
    const seat = this.#idle.pop() ?? (await this.#open());
    try {
      const { address, given } = await prepare(seat);
      await seat.page.goto(address);
      const limit = scenario.limit * SLOWER;
      const work = seat.page.evaluate((all) => globalThis.runInPage(all), { ...given, scenario: { ...scenario, limit } });
      const result = await within(work, limit + PATIENCE_SECONDS, "the page does not answer");
      for (const page of seat.others.splice(0)) await page.close();
      await seat.page.context().clearCookies();
      this.#idle.push(seat);
      return result;
    } catch (error) {
      await seat.page.context().close();
      return { outcome: "fail", why: error.message, milliseconds: 0 };
    } finally {
      for (const relays of seat.relays.splice(0)) await relays.close();
    }
  }

  close() {
    return this.#browser.close();
  }

  /** A page, the relays that its scenario opened, and further pages. */
  async #open() {
    const page = await (await this.#browser.newContext()).newPage();
    const seat = { page, relays: [], others: [] };
    await page.exposeFunction("askDriver", (what, ...args) => this.#answer(seat, what, ...args));
    return seat;
  }
}
