import { equal, isTrue } from "../../js-common/check.mjs";
import { Peer } from "./peer.mjs";

let scenes = 0;

/** One run of one scenario: its clients, which end with it, and names that no other run uses. */
export class Scene {
  #peers = [];
  #relays = [];
  #names = 0;

  /** `host` gives `client`, `options`, `app` and `openRelays()`. */
  constructor(host) {
    this.client = host.client;
    this.options = host.options;
    this.app = host.app;
    this.host = host;
    this.tag = `t${Math.random().toString(36).slice(2, 10)}${scenes++}.`;
  }

  is(transport) {
    return this.options.transport === transport;
  }

  can(feature) {
    return this.client.features.has(feature);
  }

  get binary() {
    return this.options.protocol === "messagepack";
  }

  /** A text, group or user name that nobody else uses. */
  name(what = "") {
    return `${this.tag}${what}${++this.#names}`;
  }

  /** A relay before the app and before whatever it redirects to. */
  async relays() {
    const relays = await this.host.openRelays();
    this.#relays.push(relays);
    return relays;
  }

  /** A client that is not started. */
  make(wish = {}) {
    const peer = new Peer(this.client, this.options, wish, this.tag);
    this.#peers.push(peer);
    return peer;
  }

  /** A client that is connected, and known to be so by the hub. */
  connect(wish = {}) {
    return this.make(wish).connect();
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
    await all[0].invoke("ToClients", all.map((p) => p.id), marker);
    for (const peer of all) {
      const more = await peer.before(marker);
      isTrue(more.length === 0, `${what}: client ${all.indexOf(peer)} got ${more.join(", ")} ${receivers.includes(peer) ? "in addition" : "though it should not"}`);
    }
  }

  /** The hub has seen the connection end, once, also after another connection came and went. */
  async endedOnce(id, seconds) {
    const end = await this.app.event(id, "disconnected", seconds);
    const later = await this.connect();
    await later.stop();
    await this.app.event(later.id, "disconnected");
    const ends = (await this.app.events(id, () => true, "")).filter((e) => e.event === "disconnected");
    equal(1, ends.length, "the number of disconnected events");
    return end;
  }

  async close() {
    await Promise.allSettled(this.#peers.map((p) => p.dispose()));
    await Promise.allSettled(this.#relays.map((r) => r.close()));
  }
}
