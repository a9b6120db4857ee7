import { once } from "node:events";
import http from "node:http";
import net from "node:net";

const LOOPBACK = "127.0.0.1";

// How a request begins, and how an answer does.
const REQUEST = /^[A-Z]{3,7} (\/\S*)/;
const ANSWER = /^HTTP\/1\./;

/** A TCP relay to one address. Links can be cut, at once or after a number of bytes, or stalled, and new ones turned away for a while. */
class Relay {
  #links = new Set();
  #set;

  constructor(set, target) {
    this.#set = set;
    this.target = target;
    this.server = net.createServer((near) => this.#join(near));
  }

  async open() {
    this.server.listen(0, LOOPBACK);
    await once(this.server, "listening");
    this.url = `http://${LOOPBACK}:${this.server.address().port}`;
    return this;
  }

  cut() {
    for (const link of this.#links) link.cut();
  }

  stall() {
    for (const link of this.#links) link.stall();
  }

  resume() {
    for (const link of this.#links) link.resume();
  }

  close() {
    this.cut();
    this.server.close();
  }

  #join(near) {
    near.on("error", () => {});
    if (Date.now() < this.#set.downUntil) {
      near.resetAndDestroy();
      return;
    }
    const far = net.connect({ host: this.target.hostname, port: Number(this.target.port || 80), noDelay: true });
    near.setNoDelay(true);
    const link = new Link(this.#set, near, far);
    if (this.#set.isStalled) link.stall();
    this.#links.add(link);
    link.gone.then(() => this.#links.delete(link));
  }
}

/** One connection through a relay. */
class Link {
  #set;
  #near;
  #far;
  #upgrading = false;
  #isSocket = false;
  // Whether the latest request opened a channel for what the server sends.
  #isChannel = false;
  #isStalled = false;

  constructor(set, near, far) {
    this.#set = set;
    this.#near = near;
    this.#far = far;
    this.gone = Promise.all([once(near, "close"), once(far, "close")]);
    far.on("error", () => near.resetAndDestroy());
    near.on("error", () => far.resetAndDestroy());
    this.#copy(near, far, "up");
    this.#copy(far, near, "down");
  }

  /** Both sides see a reset; what is on its way is lost. */
  cut() {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  /** Reads no more of what the server sends. */
  stall() {
    this.#isStalled = true;
    this.#far.pause();
  }

  resume() {
    this.#isStalled = false;
    this.#far.resume();
  }

  #copy(from, to, direction) {
    from.on("data", (chunk) => {
      if (this.#isCutBy(direction, chunk)) {
        // The receiver gets exactly the bytes up to the cut, so no reset for it.
        const part = chunk.subarray(0, this.#set.bytesBeforeCut());
        from.resetAndDestroy();
        to.end(part, () => to.destroy());
        this.#set.cutIsDone();
        return;
      }
      this.#watch(direction, chunk);
      if (!to.write(chunk)) {
        from.pause();
        to.once("drain", () => {
          if (from !== this.#far || !this.#isStalled) from.resume();
        });
      }
    });
    from.on("end", () => to.end());
    from.on("close", () => to.destroy());
  }

  // A client of HTTP may repeat a request by itself as long as no answer begins, so those are cut behind their head.
  #isCutBy(direction, chunk) {
    if (this.#isSocket) return this.#set.takes(direction, chunk.length);
    if (!this.#isChannel) return false;
    if (ANSWER.test(chunk.toString("latin1", 0, 8))) {
      this.#set.spare(direction, chunk.length);
      return false;
    }
    return this.#set.takes(direction, chunk.length);
  }

  // Only links that became WebSockets are counted. They and channels are cut inside messages.
  #watch(direction, chunk) {
    if (this.#isSocket) return;
    if (direction === "up") {
      const text = chunk.toString("latin1");
      this.#upgrading ||= /\r\nupgrade: websocket\r\n/i.test(text);
      const target = REQUEST.exec(text)?.[1];
      if (target) this.#isChannel = this.#set.requested(target);
    }
    else if (this.#upgrading && chunk.toString("latin1", 0, 12) === "HTTP/1.1 101") {
      this.#isSocket = true;
      this.#set.socketOpened();
    }
  }
}

/** A relay for every address that is used, so that links can be cut below HTTP wherever a redirect leads. */
export class RelaySet {
  #relays = new Map();
  #front = null;
  #armed = null;
  #lastArmed = null;
  #sockets = 0;
  #waiting = [];
  #longest = 0;
  #channels;
  #redirectField;
  downUntil = 0;
  isStalled = false;

  /**
   * `redirects` tells whether the app sends clients elsewhere; then their way there is relayed, not the one to the app.
   * `redirectField` is what says so in its answer to a negotiate. `channels` matches targets of requests, WebSockets apart,
   * whose answers are cut by `armCut`.
   */
  static async open(appUrl, redirects, { redirectField = "url", channels = null } = {}) {
    const set = new RelaySet();
    set.#redirectField = redirectField;
    set.#channels = channels;
    set.url = redirects ? await set.#openFront(appUrl) : (await set.#relay(appUrl)).url;
    return set;
  }

  /** Resets all links and turns new ones away for some time. */
  async cut(milliseconds = 0) {
    this.downUntil = Date.now() + milliseconds;
    for (const relay of await Promise.all(this.#relays.values())) relay.cut();
  }

  /** Reads no more of what the server sends, as a receiver does that is too slow. */
  async stall() {
    this.isStalled = true;
    for (const relay of await Promise.all(this.#relays.values())) relay.stall();
  }

  async resume() {
    this.isStalled = false;
    for (const relay of await Promise.all(this.#relays.values())) relay.resume();
  }

  /** The length of the longest request target so far. */
  async longestTarget() {
    return this.#longest;
  }

  /** Makes the relays cut a WebSocket or channel after that many further bytes in one direction. */
  async armCut(direction, bytes) {
    this.#lastArmed = new Promise((resolve) => {
      this.#armed = { direction, bytes, resolve };
    });
  }

  /** Waits until the cut that was armed last is done. */
  armedCut() {
    return this.#lastArmed;
  }

  /** How many WebSockets were opened so far. */
  async sockets() {
    return this.#sockets;
  }

  /** Waits until that many WebSockets were opened. */
  nextSocket(count) {
    if (this.#sockets >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  async close() {
    this.#front?.close();
    this.#front?.closeAllConnections();
    for (const relay of await Promise.all(this.#relays.values())) relay.close();
  }

  /** Notes the target of a request, and tells whether its answer is a channel. */
  requested(target) {
    this.#longest = Math.max(this.#longest, target.length);
    return this.#channels?.test(target) ?? false;
  }

  socketOpened() {
    this.#sockets++;
    for (const { count, resolve } of this.#waiting) if (this.#sockets >= count) resolve();
  }

  /** Whether an armed cut falls into a chunk of this length; if not, the chunk is counted. */
  takes(direction, length) {
    if (this.#armed?.direction !== direction) return false;
    if (length >= this.#armed.bytes) return true;
    this.#armed.bytes -= length;
    return false;
  }

  /** Counts bytes that are not cut. An armed cut that would fall into them waits for what follows. */
  spare(direction, length) {
    if (this.#armed?.direction === direction) this.#armed.bytes = Math.max(1, this.#armed.bytes - length);
  }

  bytesBeforeCut() {
    return this.#armed.bytes;
  }

  cutIsDone() {
    const { resolve } = this.#armed;
    this.#armed = null;
    resolve();
  }

  // Holds promises, so that two who ask for one address at a time get one relay.
  #relay(url) {
    const target = new URL(url);
    if (!this.#relays.has(target.origin)) this.#relays.set(target.origin, new Relay(this, target).open());
    return this.#relays.get(target.origin);
  }

  /** Passes requests on to the app and leads its redirects through relays. */
  async #openFront(appUrl) {
    this.#front = http.createServer(async (request, response) => {
      try {
        await this.#forward(appUrl, request, response);
      } catch (error) {
        response.writeHead(502).end(String(error));
      }
    });
    this.#front.listen(0, LOOPBACK);
    await once(this.#front, "listening");
    return `http://${LOOPBACK}:${this.#front.address().port}`;
  }

  async #forward(appUrl, request, response) {
    const body = [];
    for await (const chunk of request) body.push(chunk);
    const headers = { ...request.headers };
    for (const name of ["host", "connection", "content-length", "accept-encoding"]) delete headers[name];
    const hasBody = !["GET", "HEAD"].includes(request.method);
    const answer = await ask(appUrl + request.url, { method: request.method, headers }, hasBody ? Buffer.concat(body) : null);
    let { text } = answer;
    if (answer.status === 200 && text.startsWith("{")) {
      const json = JSON.parse(text);
      const location = json[this.#redirectField];
      if (location) {
        const target = new URL(location);
        target.host = new URL((await this.#relay(target.origin)).url).host;
        text = JSON.stringify({ ...json, [this.#redirectField]: target.href });
      }
    }
    const { "transfer-encoding": _, connection: __, ...kept } = answer.headers;
    response.writeHead(answer.status, { ...kept, "content-length": Buffer.byteLength(text) }).end(text);
  }
}

// Not fetch: it would not pass on the origin header.
function ask(url, options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, async (response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() });
    });
    request.on("error", reject);
    request.end(body ?? undefined);
  });
}
