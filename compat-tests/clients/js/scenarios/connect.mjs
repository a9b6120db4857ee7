import { equal, isTrue, refusal, within } from "../../js-common/check.mjs";
import { negotiate, redirection } from "../lib/negotiate.mjs";

// What the transports must offer.
const TRANSPORTS = { WebSockets: ["Text", "Binary"], ServerSentEvents: ["Text"], LongPolling: ["Text", "Binary"] };

export const connect = {
  async "connect-and-stop"(scene) {
    const peer = scene.make();
    await peer.start();
    equal("hello", await peer.invoke("Echo", "hello"));
    if (scene.can("state")) isTrue(isConnected(peer), "the state is not Connected");
    await peer.stop();
    equal(undefined, await peer.closed(), "the error of a stop");
    equal(1, peer.closes, "the number of closes");
    if (scene.can("state")) isTrue(!isConnected(peer), "the state is still Connected");
    await refusal(peer.invoke("Echo", "x"), "a call after the stop");
  },

  async "connect-start-again"(scene) {
    const peer = await scene.connect();
    const first = peer.id;
    await peer.stop();
    await peer.closed();
    await peer.connect();
    isTrue(peer.id !== first, "the second start has the first one's id");
    await scene.app.event(first, "disconnected");
  },

  async "connect-id-visible"(scene) {
    const peer = await scene.connect();
    equal(peer.id, peer.connection.connectionId, "the id the client shows");
  },

  async "connect-picks-transport"(scene) {
    const peer = await scene.connect({ anyTransport: true });
    equal("picked", await peer.invoke("Echo", "picked"));
  },

  async "connect-two-hubs"(scene) {
    const [test, other] = await scene.several(2);
    const bench = scene.make({ hub: "bench" });
    const heard = [];
    const mine = scene.name("bench");
    const came = new Promise((resolve) => {
      bench.on("m", (text) => {
        if (text.startsWith(scene.tag)) heard.push(text);
        if (text === mine) resolve();
      });
    });
    await bench.connect();
    await scene.reaches([test, other], [test, other], (text) => test.invoke("ToAll", text), "All of one hub");
    await bench.invoke("Broadcast", mine);
    await within(came, 10, "no broadcast of the second hub");
    equal([mine], heard, "what the second hub's client heard");
    equal(0, bench.pending, "the messages of the first hub at the second");
  },

  async "connect-hub-throws"(scene) {
    const peer = scene.make({ query: "onconnect=throw" });
    // A close that comes right behind the handshake may already fail the start.
    const early = await peer.start().catch((error) => error);
    // Where the client posts, a post behind the handshake may find no connection any more.
    if (!scene.is("WebSockets") && early?.message.includes("404")) return;
    const error = early ?? (await peer.closed());
    const text = scene.app.detailed("Connection closed with an error.", "InvalidOperationException: refused by onconnect=throw");
    equal(`Server returned an error on close: ${text}`, error?.message, "the error");
  },

  async "connect-hub-aborts"(scene) {
    const peer = scene.make({ query: "onconnect=abort" });
    let started = true;
    await peer.start().catch(() => {
      started = false;
    });
    if (started) await peer.closed();
    await refusal(peer.invoke("Echo", "x"), "a call after the abort");
  },

  async "negotiate-version-0"(scene) {
    const answer = await negotiate(scene);
    isTrue((answer.negotiateVersion ?? 0) === 0, `the version is ${answer.negotiateVersion}`);
    isTrue(typeof answer.connectionId === "string" && answer.connectionId.length > 0, "there is no connection id");
    equal(undefined, answer.connectionToken, "the connection token");
  },

  async "negotiate-version-1"(scene) {
    const answer = await negotiate(scene, "negotiateVersion=1");
    equal(1, answer.negotiateVersion, "the version");
    isTrue(typeof answer.connectionId === "string" && answer.connectionId.length > 0, "there is no connection id");
    isTrue(typeof answer.connectionToken === "string" && answer.connectionToken.length > 0, "there is no connection token");
    isTrue(answer.connectionToken !== answer.connectionId, "the token is the id");
    const other = await negotiate(scene, "negotiateVersion=1");
    isTrue(other.connectionId !== answer.connectionId && other.connectionToken !== answer.connectionToken, "two negotiates have the same answer");
  },

  async "negotiate-transports"(scene) {
    const answer = await negotiate(scene, "negotiateVersion=1");
    const offered = Object.fromEntries(answer.availableTransports.map((t) => [t.transport, t.transferFormats]));
    equal(TRANSPORTS, offered, "the transports");
  },

  async "negotiate-skipped"(scene) {
    // Where the app redirects, a client may still be told the address and the token in another way.
    const place = scene.app.facts.redirects ? await redirection(scene) : {};
    const peer = await scene.connect({ ...place, skipNegotiation: true });
    equal("direct", await peer.invoke("Echo", "direct"));
    isTrue(peer.id.length > 0, "the hub knows no id");
  },
};

// 1.1 has numbers for states, later ones have texts.
function isConnected(peer) {
  return [1, "Connected"].includes(peer.connection.state);
}
