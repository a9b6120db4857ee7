import { Failed, equal, isTrue, within } from "../../js-common/check.mjs";
import { Queue } from "../../js-common/queue.mjs";

const START_SECONDS = 25;

/** A connection of the client under test and what happened to it. */
export class Peer {
  #connection;
  #transport;
  #received = new Map();
  #many = new Queue();
  #reconnected = new Queue();
  #disconnected = new Queue();
  #errors = new Queue();
  #testhub;

  /**
   * What a scenario may wish beyond the command line: `hubs` (those it listens to), `query`, `headers`, `cookie`, `relays`,
   * `anyTransport`, `hears` (which texts count), `hearsMany` (whether it listens to `many` too). `Connection` is a class like `JQueryConnection`.
   */
  constructor(Connection, page, { url, transport, testhub }, wish, tag) {
    this.#testhub = testhub;
    this.hubs = wish.hubs ?? ["conformance"];
    this.reconnecting = 0;
    this.reconnects = 0;
    this.disconnects = 0;
    this.slow = 0;
    this.states = [];
    this.#transport = wish.anyTransport ? undefined : transport;
    const hears = wish.hears ?? ((text) => text.includes(tag));
    const events = {
      received: (hub, text) => {
        if (hears(text)) this.#texts(hub).push(text);
      },
      many: (args) => this.#many.push(args),
      changed: (state) => this.states.push(state),
      disconnected: () => {
        this.disconnects++;
        this.#disconnected.push(true);
      },
      reconnecting: () => this.reconnecting++,
      reconnected: () => {
        this.reconnects++;
        this.#reconnected.push(true);
      },
      slow: () => this.slow++,
      failed: (error) => this.#errors.push(error),
    };
    this.#connection = new Connection(page, { url, transport: this.#transport, ...wish, hubs: this.hubs }, events);
  }

  /** The id that the client shows. */
  get shownId() {
    return this.#connection.id;
  }

  get transportName() {
    return this.#connection.transportName;
  }

  start() {
    return within(this.#connection.start(), START_SECONDS, "neither started nor failed");
  }

  /** Starts, and takes note of the id, which a client forgets when it stops. */
  async connect() {
    await this.start();
    if (this.#transport) equal(this.#transport, this.transportName, "the transport");
    // An app that serves TestHub itself has ids of its own.
    this.id = this.#testhub && this.hubs.includes("conformance") ? await this.invoke("ConnectionId") : this.shownId;
    isTrue(typeof this.id === "string" && this.id.length > 0, "the client has no id");
    return this;
  }

  stop() {
    this.#connection.stop();
  }

  /** Calls a method of the first hub. */
  invoke(method, ...args) {
    return this.#connection.invoke(this.hubs[0] ?? "conformance", method, args);
  }

  /** Calls a method of a hub. */
  invokeAt(hub, method, ...args) {
    return this.#connection.invoke(hub, method, args);
  }

  /** Calls a method of the first hub, and gives its result and what it reported. */
  async progress(method, ...args) {
    const reports = [];
    const result = await this.#connection.invoke(this.hubs[0], method, args, (report) => reports.push(report));
    return { result, reports };
  }

  /** The state that the first hub and the program share. */
  get state() {
    return this.#connection.state(this.hubs[0]);
  }

  /** The text of a hidden error of a method. */
  hiddenError(method) {
    return `There was an error invoking Hub method '${this.#connection.nameOf(this.hubs[0])}.${method}'.`;
  }

  /** The next text that a hub sent. */
  next(hub = this.hubs[0], seconds = 10) {
    return this.#texts(hub).next(`message of ${hub}`, seconds);
  }

  /** The given number of texts. */
  async take(count, seconds = 10) {
    const texts = [];
    while (texts.length < count) texts.push(await this.next(undefined, seconds));
    return texts;
  }

  /** Texts of the first hub, or another one, received and not taken. */
  pending(hub = this.hubs[0]) {
    return this.#texts(hub).length;
  }

  /** The texts before the given one, which is taken too. */
  async before(mark, seconds = 10) {
    const texts = [];
    for (;;) {
      const text = await this.next(undefined, seconds);
      if (text === mark) return texts;
      texts.push(text);
    }
  }

  /** The arguments of the next call of `many`. */
  many() {
    return this.#many.next("call of many");
  }

  /** Waits until the client says that it came back. */
  reconnected(seconds = 45) {
    return this.#reconnected.next("reconnect", seconds).catch((error) => {
      throw new Failed(`${error.message}; the client was ${this.states.join(", ")}`);
    });
  }

  /** Waits until the client says that it is disconnected. */
  disconnected(seconds = 10) {
    return this.#disconnected.next("end of the connection", seconds);
  }

  /** Waits for an error that the client reports beside its calls. */
  reported(seconds = 10) {
    return this.#errors.next("error", seconds);
  }

  #texts(hub) {
    if (!this.#received.has(hub)) this.#received.set(hub, new Queue());
    return this.#received.get(hub);
  }
}
