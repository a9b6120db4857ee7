/**
 * A hub connection of the clients written for pages, which all have the interface of `jquery.signalR.js`.
 *
 * `page` is where the library was loaded: `hubConnection` and `ajaxDefaults` of it, and `setCookie(text)`. `events` is told
 * what happens: `received(hub, text)`, `many(args)`, `changed(state)`, `disconnected()`, `reconnecting()`, `reconnected()`,
 * `slow()`, `failed(error)`.
 */
export class JQueryConnection {
  #connection;
  #transport;

  constructor(page, { url, transport, hubs, hearsMany, query, headers, cookie }, events) {
    // These two count for the whole page.
    if (headers) page.ajaxDefaults.headers = headers;
    if (cookie) page.setCookie(cookie);
    this.#transport = transport;
    this.#connection = page.hubConnection(url, { useDefaultPath: false, qs: query });
    for (const hub of hubs) this.#connection.createHubProxy(hub).on("received", (text) => events.received(hub, text));
    if (hearsMany) this.#connection.createHubProxy(hubs[0]).on("many", (...args) => events.many(args));
    const names = Object.entries({ connecting: 0, connected: 1, reconnecting: 2, disconnected: 4 });
    this.#connection.stateChanged(({ newState }) => events.changed(names.find(([, number]) => number === newState)[0]));
    for (const name of ["disconnected", "reconnecting", "reconnected"]) this.#connection[name](() => events[name]());
    this.#connection.connectionSlow(() => events.slow());
    this.#connection.error((error) => events.failed(plain(error)));
  }

  get id() {
    return this.#connection.id;
  }

  get transportName() {
    return this.#connection.transport?.name;
  }

  start() {
    return new Promise((resolve, reject) => {
      const chosen = this.#transport ? { transport: this.#transport } : {};
      this.#connection.start(chosen).done(() => resolve()).fail((error) => reject(plain(error)));
    });
  }

  stop() {
    this.#connection.stop();
  }

  /** Calls a method. `report` gets the progress of it, if it has any. */
  invoke(hub, method, args, report = () => {}) {
    return new Promise((resolve, reject) => {
      const call = this.#connection.createHubProxy(hub).invoke(method, ...args);
      call.progress(report).done(resolve).fail((error) => reject(plain(error)));
    });
  }

  /** The state that a hub and the program share. */
  state(hub) {
    return this.#connection.createHubProxy(hub).state;
  }

  /** As the library writes the name of a hub. */
  nameOf(hub) {
    return hub.toLowerCase();
  }
}

// What libraries raise in a simulated page is not of this one's kind of error.
function plain(error) {
  return Object.assign(new Error(error?.message ?? String(error)), { data: error?.data, source: error?.source });
}
