import { createRequire } from "node:module";

const RECONNECT_SECONDS = 1;
const CALL_MILLISECONDS = 60_000;
const require = createRequire(import.meta.url);
const { client: Client } = require("signalr-client");

// The library tells the console what nobody handles, and the driver has its lines there.
console.log = () => {};

/** A connection of `signalr-client`, which has WebSockets only; see `JQueryConnection` for what it is given. */
export class NodeConnection {
  #client;
  #outcome = { resolve() {}, reject() {} };

  constructor(_page, { url, hubs, hearsMany, headers, cookie }, events) {
    this.#client = new Client(url, hubs, RECONNECT_SECONDS, true);
    Object.assign(this.#client.headers, headers, cookie && { Cookie: cookie });
    for (const hub of hubs) this.#client.on(hub, "received", (text) => events.received(hub, text));
    if (hearsMany) this.#client.on(hubs[0], "many", (...args) => events.many(args));
    const fail = (error) => {
      events.failed(error);
      this.#outcome.reject(error);
    };
    Object.assign(this.#client.serviceHandlers, {
      bound: () => {},
      connected: () => {
        events.changed("connected");
        this.#outcome.resolve();
      },
      disconnected: () => {
        // It says so of every socket that closes, also when it goes on to reconnect.
        if (this.#client.state.desc !== "disconnected") return;
        events.changed("disconnected");
        events.disconnected();
        fail(new Error("disconnected"));
      },
      connectionLost: () => {
        events.changed("reconnecting");
        events.reconnecting();
      },
      reconnecting: () => false,
      reconnected: () => {
        events.changed("connected");
        events.reconnected();
      },
      connectFailed: fail,
      bindingError: fail,
      onerror: (...what) => fail(new Error(what.join(" "))),
      onUnauthorized: ({ statusCode }) => fail(new Error(`the status is ${statusCode}`)),
    });
  }

  get id() {
    return this.#client.connection.id;
  }

  get transportName() {
    return "webSockets";
  }

  start() {
    return new Promise((resolve, reject) => {
      this.#outcome = { resolve, reject };
      this.#client.start();
    });
  }

  stop() {
    this.#client.end();
  }

  invoke(hub, method, args) {
    return new Promise((resolve, reject) => {
      const done = (error, result) => (error ? reject(new Error(error)) : resolve(result));
      this.#client.call(hub, method, ...args).done(done, CALL_MILLISECONDS);
    });
  }

  nameOf(hub) {
    return hub.toLowerCase();
  }
}
