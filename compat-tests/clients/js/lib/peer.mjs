import { within } from "../../js-common/check.mjs";
import { Queue } from "../../js-common/queue.mjs";

// Enough attempts for every outage of the scenarios, close together.
const RECONNECT_DELAYS = Array(60).fill(250);

/** A hub connection of the client under test and what happened to it. */
export class Peer {
  #texts = new Queue();
  #closed = new Queue();
  #reconnected = new Queue();

  /**
   * What a scenario may wish beyond the command line: `hub`, `query`, `address` (in place of those two and the app's), `token`
   * (a function), `headers`, `relays`, `reconnects`, `stateful`, `anyTransport`, `skipNegotiation`, `hears` (which texts of Message count).
   */
  constructor(client, options, wish, tag) {
    const { signalR } = client;
    this.hub = wish.hub ?? "testhub";
    this.reconnecting = 0;
    this.closes = 0;
    this.id = null;
    this.orderedSends = options.transport === "WebSockets" || client.features.has("send-queue");

    const http = {};
    if (!wish.anyTransport) http.transport = signalR.HttpTransportType[options.transport];
    if (wish.token) http.accessTokenFactory = wish.token;
    if (wish.headers) http.headers = wish.headers;
    if (wish.skipNegotiation) http.skipNegotiation = true;
    const base = wish.relays ? wish.relays.url : options.url;
    const url = wish.address ?? `${base}/${this.hub}${wish.query ? `?${wish.query}` : ""}`;
    // The client's own log would hide the report.
    let builder = new signalR.HubConnectionBuilder().configureLogging({ log() {} }).withUrl(url, http);
    if (options.protocol === "messagepack") builder = builder.withHubProtocol(new client.MessagePackHubProtocol());
    if (wish.reconnects) builder = builder.withAutomaticReconnect(RECONNECT_DELAYS);
    if (wish.stateful) builder = builder.withStatefulReconnect();
    this.connection = builder.build();

    const hears = wish.hears ?? ((text) => text.startsWith(tag));
    this.connection.on("Message", (text) => {
      if (hears(text)) this.#texts.push(text);
    });
    this.connection.onclose((error) => {
      this.closes++;
      this.#closed.push(error);
    });
    this.connection.onreconnecting?.(() => this.reconnecting++);
    this.connection.onreconnected?.((id) => this.#reconnected.push(id));
  }

  async start() {
    await this.connection.start();
  }

  /**
   * Starts and makes one call. A client knows that it is connected before the hub does; after a call
   * both do, and this works for clients that do not show their id.
   */
  async connect() {
    await this.start();
    if (this.hub === "testhub") this.id = await this.invoke("GetCallerConnectionId");
    else if (this.hub === "bench") await this.invoke("Echo", "");
    else {
      const who = await this.invoke("WhoAmI");
      this.id = who.connectionId ?? who.ConnectionId;
    }
    return this;
  }

  stop() {
    return this.connection.stop();
  }

  invoke(method, ...args) {
    return this.connection.invoke(method, ...args);
  }

  send(method, ...args) {
    return this.connection.send(method, ...args);
  }

  /** Sends a call for each list of arguments so that the hub gets them in order. */
  async sendAll(method, lists) {
    // Clients without a queue post each call by itself and leave the order to the program.
    if (this.orderedSends) await Promise.all(lists.map((args) => this.send(method, ...args)));
    else for (const args of lists) await this.send(method, ...args);
  }

  /** Subscribes to a stream; calls `each` for items and settles with its end. */
  stream(method, args = [], each = () => {}) {
    let subscription;
    const end = new Promise((resolve, reject) => {
      subscription = this.connection.stream(method, ...args).subscribe({ next: each, complete: resolve, error: reject });
    });
    // Who cancels or leaves is not interested in how it ends.
    end.catch(() => {});
    return { end, cancel: () => subscription.dispose() };
  }

  /** All items of a stream. */
  async items(method, ...args) {
    const items = [];
    await this.stream(method, args, (item) => items.push(item)).end;
    return items;
  }

  on(name, handler) {
    this.connection.on(name, handler);
  }

  /** The next text that was received. */
  next(seconds) {
    return this.#texts.next("message", seconds);
  }

  /** Texts received and not taken. */
  get pending() {
    return this.#texts.length;
  }

  /** The texts before the given one, which is taken too. */
  async before(mark) {
    const texts = [];
    for (;;) {
      const text = await this.next();
      if (text === mark) return texts;
      texts.push(text);
    }
  }

  /** Waits for the end of the connection and returns its error. */
  closed(seconds = 15) {
    return this.#closed.next("end of the connection", seconds);
  }

  /** Waits for an automatic reconnect and returns the new id. */
  async reconnected(seconds = 20) {
    const id = await this.#reconnected.next("reconnect", seconds);
    this.id = await this.invoke("GetCallerConnectionId");
    return id;
  }

  /** Stops, but does not wait forever for links that answer no more. */
  async dispose() {
    await within(Promise.resolve(this.connection.stop()), 5, "no stop");
  }
}
