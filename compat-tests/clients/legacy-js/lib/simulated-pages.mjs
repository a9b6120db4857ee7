import http from "node:http";
import { EventSource } from "eventsource";
import { JSDOM, VirtualConsole } from "jsdom";
import { clientOf } from "./page-client.mjs";

// Where nothing listens; the page is never asked for.
const NOWHERE_PORT = 1;

noticeBrokenAnswers();

/** The pages of one scenario in jsdom: one of another origin than the server's, or one of each server's own. */
export class SimulatedPages {
  #scripts;
  #options;
  #open = new Map();

  constructor(scripts, options) {
    this.#scripts = scripts;
    this.#options = options;
  }

  /** The page for connections to this address. */
  at(base) {
    const url = new URL(base);
    if (!this.#options.sameOrigin) url.port = NOWHERE_PORT;
    if (!this.#open.has(url.origin)) this.#open.set(url.origin, open(url.href, this.#scripts));
    return clientOf(this.#open.get(url.origin));
  }

  close() {
    for (const window of this.#open.values()) window.close();
  }
}

function open(url, scripts) {
  // What a page says of requests that fail, links are cut on purpose here, would hide the report.
  const dom = new JSDOM("<!doctype html><title>SignalR</title>", { url, runScripts: "outside-only", virtualConsole: new VirtualConsole() });
  const { window } = dom;
  window.EventSource = eventSourceOf(dom);
  for (const script of scripts) window.eval(script);
  return window;
}

/** jsdom has no event sources. This gives it one that sends what those of a browser send. */
function eventSourceOf({ window, cookieJar }) {
  return class extends EventSource {
    constructor(url, { withCredentials = false } = {}) {
      const isForeign = new URL(url, window.location.href).origin !== window.location.origin;
      const cookie = isForeign && !withCredentials ? "" : cookieJar.getCookieStringSync(url);
      const given = { ...(isForeign && { Origin: window.location.origin }), ...(cookie && { Cookie: cookie }) };
      super(url, { withCredentials, fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, ...given } }) });
    }
  };
}

/** jsdom takes an answer that broke off for one that its program gave up, so that the program waits for the rest forever. */
function noticeBrokenAnswers() {
  const { _destroy: destroy } = http.IncomingMessage.prototype;
  http.IncomingMessage.prototype._destroy = function (error, done) {
    const isBroken = error?.message === "aborted" && !this._dumped && !this.socket._hadError;
    return destroy.call(this, isBroken ? new Error("the answer broke off") : error, done);
  };
}
