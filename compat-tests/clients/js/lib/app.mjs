import { Failed, equal } from "../../js-common/check.mjs";

const WAIT_MS = 2000;

/** The app's control endpoints. `request(method, path, body)` returns `{ status, text }`. */
export class App {
  #request;
  #byConnection = new Map();
  #reading = null;

  /** `facts` are those that `look` found. */
  constructor(request, facts) {
    this.#request = request;
    this.facts = facts;
  }

  /** What drivers must know of the app before they begin. */
  static async look(request) {
    const info = JSON.parse((await request("GET", "/info")).text);
    const answer = JSON.parse((await request("POST", "/testhub/negotiate?negotiateVersion=1")).text);
    const events = JSON.parse((await request("GET", "/events?after=0")).text);
    return {
      mode: info.mode,
      detailed: ["1", "true"].includes(info.options?.detailed),
      redirects: typeof answer.url === "string",
      lastEvent: events.at(-1)?.seq ?? 0,
    };
  }

  /** An error text, with what the app adds to it when it gives details. */
  detailed(text, detail) {
    return this.facts.detailed ? `${text} ${detail}` : text;
  }

  /** Waits until the events of a connection are as wanted, and returns them. */
  async events(id, enough, what, seconds = 15) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const mine = this.#byConnection.get(id) ?? [];
      if (enough(mine)) return mine;
      if (Date.now() > end) throw new Failed(`the app does not report ${what} within ${seconds} s; it reports: ${mine.map((e) => e.event).join(", ") || "nothing"}`);
      // One request serves all who wait.
      this.#reading ??= this.#read().finally(() => {
        this.#reading = null;
      });
      await this.#reading;
    }
  }

  /** Waits until a connection has an event of this name, and returns it. */
  async event(id, name, seconds) {
    const list = await this.events(id, (all) => all.some((e) => e.event === name), name, seconds);
    return list.find((e) => e.event === name);
  }

  async send(to, ids, except, text) {
    await this.#done("POST", "/send", { to, ids, except, args: [text] });
  }

  /** Asks a client; returns status and text. */
  ask(id, question, milliseconds) {
    return this.#request("GET", `/ask?id=${encodeURIComponent(id)}&q=${encodeURIComponent(question)}&ms=${milliseconds}`);
  }

  abort(id) {
    return this.#done("POST", `/abort?id=${encodeURIComponent(id)}`);
  }

  join(group, id) {
    return this.#done("PUT", `/groups/${encodeURIComponent(group)}/${encodeURIComponent(id)}`);
  }

  leave(group, id) {
    return this.#done("DELETE", `/groups/${encodeURIComponent(group)}/${encodeURIComponent(id)}`);
  }

  async #done(method, path, body) {
    const { status, text } = await this.#request(method, path, body);
    equal(200, status, `the status of ${method} ${path.split("?")[0]} (${text})`);
  }

  async #read() {
    const { text } = await this.#request("GET", `/events?after=${this.facts.lastEvent}&wait=${WAIT_MS}`);
    for (const event of JSON.parse(text)) {
      this.facts.lastEvent = Math.max(this.facts.lastEvent, event.seq);
      const list = this.#byConnection.get(event.connectionId);
      if (list) list.push(event);
      else this.#byConnection.set(event.connectionId, [event]);
    }
  }
}
