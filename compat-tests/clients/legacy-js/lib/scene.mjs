import { Failed, equal, isTrue, pause } from "../../js-common/check.mjs";
import { Peer } from "./peer.mjs";

const LOOK_AGAIN_MS = 100;
let scenes = 0;

/** One run of one scenario: its clients, which end with it, and names that no other run uses. */
export class Scene {
  #host;
  #peers = [];
  #relays = [];
  #names = 0;
  #witness = null;

  /**
   * `host` gives `Connection`, `options`, `features`, `page(base)`, `openRelays()`, `openPage()`, `request(…)` and `close()`,
   * all for this scene.
   */
  constructor(host) {
    this.#host = host;
    this.options = host.options;
    this.tag = `t${Math.random().toString(36).slice(2, 10)}${scenes++}.`;
  }

  is(transport) {
    return this.options.transport === transport;
  }

  can(feature) {
    return this.#host.features.has(feature);
  }

  /** A text, group or user name that nobody else uses. */
  name(what = "") {
    return `${this.tag}${what}${++this.#names}`;
  }

  /** The query or bearer text of a user with roles. */
  saying(user, ...roles) {
    return new URLSearchParams([[this.options.testhub ? "user" : "as", user], ...roles.map((role) => ["role", role])]).toString();
  }

  /** What a client wishes who is a user, with roles. */
  as(user, ...roles) {
    const said = this.saying(user, ...roles);
    return this.can("query") || !this.can("bearer") ? { query: said } : { headers: { Authorization: `Bearer ${said}` } };
  }

  /** A relay before the server and before whatever it redirects to. */
  async relays() {
    const relays = await this.#host.openRelays();
    this.#relays.push(relays);
    return relays;
  }

  /** Another page with a connection of its own: `{ id, leave() }`. */
  openPage() {
    return this.#host.openPage();
  }

  /** A client that is not started. */
  async make(wish = {}) {
    const base = wish.relays?.url ?? this.options.url;
    const page = await this.#host.page(base);
    let { transport } = this.options;
    // A frame reaches its page only if both have the same origin; whoever is not of it just watches.
    if (transport === "foreverFrame" && page.origin !== new URL(base).origin) transport = "longPolling";
    const chosen = transport === "auto" ? undefined : transport;
    const peer = new Peer(this.#host.Connection, page, { url: base + this.options.path, transport: chosen, testhub: this.options.testhub }, wish, this.tag);
    this.#peers.push(peer);
    return peer;
  }

  /** A client that is connected. */
  async connect(wish = {}) {
    return (await this.make(wish)).connect();
  }

  several(count, wish = {}) {
    return Promise.all(Array.from({ length: count }, () => this.connect(wish)));
  }

  /** Sends a text and looks who gets it: each receiver once, the others not before a marker sent after it. */
  async reaches(all, receivers, send, what) {
    const text = this.name("text");
    await send(text);
    for (const peer of receivers) equal(text, await peer.next(), `${what}: the message at receiver ${all.indexOf(peer)}`);
    const marker = this.name("marker");
    const witness = await this.#watch();
    for (const peer of all) {
      await witness.invoke("SendConnection", peer.id, marker);
      const more = await peer.before(marker);
      isTrue(more.length === 0, `${what}: client ${all.indexOf(peer)} got ${more.join(", ")} ${receivers.includes(peer) ? "in addition" : "though it should not"}`);
    }
  }

  /** Sends a text to clients of a hub from outside: to `all`, `group`, `user` or `connection`. */
  async sendFromOutside(to, name, text, hub = "conformance") {
    const query = new URLSearchParams({ hub, to, name, text });
    const { status } = await this.#host.request("POST", `/send?${query}`);
    equal(200, status, "the status of /send");
  }

  /** The events of a connection, as a client that is not part of anything else is told. */
  async log(id) {
    return (await this.#watch()).invoke("Log", id);
  }

  /** Waits until the events of a connection are these, where the hub keeps a log. */
  async logged(id, events, seconds) {
    if (this.options.testhub) return;
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const log = await this.log(id);
      if (JSON.stringify(log) === JSON.stringify(events)) return;
      if (Date.now() > end) throw new Failed(`the events of the connection are ${log.join(", ") || "none"}, not ${events.join(", ")}, after ${seconds} s`);
      await pause(LOOK_AGAIN_MS);
    }
  }

  async close() {
    for (const peer of this.#peers) peer.stop();
    await Promise.allSettled(this.#relays.map((relays) => relays.close()));
    await this.#host.close();
  }

  #watch() {
    this.#witness ??= this.connect();
    return this.#witness;
  }
}
