import { equal, isTrue, refusal } from "../../js-common/check.mjs";

const TRANSPORTS = ["webSockets", "serverSentEvents", "foreverFrame", "longPolling"];

export const connect = {
  async "connect-and-stop"(scene) {
    const peer = await scene.connect();
    equal("hello", await peer.invoke("Echo", "hello"));
    equal("connected", peer.states.at(-1), "the state");
    peer.stop();
    await peer.disconnected();
    equal(1, peer.disconnects, "the number of ends");
    equal("disconnected", peer.states.at(-1), "the state");
  },

  async "connect-start-again"(scene) {
    const peer = await scene.connect();
    const first = peer.id;
    peer.stop();
    await peer.disconnected();
    await peer.connect();
    isTrue(peer.id !== first, "the second start has the first one's id");
    equal(peer.id, await peer.invoke("ConnectionId"), "the id the hub sees");
    equal("again", await peer.invoke("Echo", "again"));
    await scene.logged(peer.id, ["connected"], 5);
  },

  async "connect-id-visible"(scene) {
    const peer = await scene.connect();
    equal(peer.shownId, await peer.invoke("ConnectionId"), "the id the hub sees");
  },

  async "connect-picks-transport"(scene) {
    const peer = await scene.connect({ anyTransport: true });
    isTrue(TRANSPORTS.includes(peer.transportName), `the transport is ${peer.transportName}`);
    equal("picked", await peer.invoke("Echo", "picked"));
  },

  async "connect-two-hubs"(scene) {
    const peer = await scene.connect({ hubs: ["conformance", "second"] });
    const text = scene.name("text");
    equal(text, await peer.invokeAt("conformance", "Echo", text));
    equal(`second:${text}`, await peer.invokeAt("second", "Echo", text));
    await peer.invokeAt("second", "Callback", text);
    await peer.invokeAt("conformance", "Callback", text);
    equal(text, await peer.next("conformance"));
    equal(`second:${text}`, await peer.next("second"));
    equal([0, 0], [peer.pending("conformance"), peer.pending("second")], "the numbers of further messages");
    const log = await scene.log(peer.id);
    equal(["connected", "second-connected"], [...log].sort(), "the events");
  },

  async "connect-three-hubs"(scene) {
    const peer = await scene.connect({ hubs: ["second", "greeter", "conformance"], hears: () => true });
    equal("hello", await peer.next("greeter"), "the greeting");
    equal("second:a", await peer.invokeAt("second", "Echo", "a"));
    equal("b", await peer.invokeAt("greeter", "Echo", "b"));
    equal("c", await peer.invokeAt("conformance", "Echo", "c"));
    equal(0, peer.pending("greeter"), "the number of further greetings");
    equal(["connected", "second-connected"], [...(await scene.log(peer.id))].sort(), "the events");
  },

  async "connect-no-hub"(scene) {
    const peer = await scene.connect({ hubs: [] });
    equal("alone", await peer.invokeAt("conformance", "Echo", "alone"));
    equal(peer.id, await peer.invokeAt("conformance", "ConnectionId"), "the id the hub sees");
  },

  async "connect-greeting"(scene) {
    const peer = await scene.connect({ hubs: ["greeter"], hears: () => true });
    equal("hello", await peer.next(), "the greeting");
    equal("echo", await peer.invoke("Echo", "echo"));
    equal(0, peer.pending(), "the number of further greetings");
  },

  async "connect-hub-fails"(scene) {
    const peer = await scene.make({ hubs: ["failing"] });
    await refusal(peer.start(), "the start");
    isTrue(!peer.states.includes("connected"), "the client says that it is connected");
  },

  async "connect-many"(scene) {
    const ids = new Set();
    for (let round = 0; round < 3; round++) {
      const all = await scene.several(4);
      all.forEach((peer) => ids.add(peer.id));
      const sums = await Promise.all(all.map((peer, i) => peer.invoke("Add", i, round)));
      equal(all.map((_, i) => i + round), sums, "the sums");
      all.forEach((peer) => peer.stop());
      await Promise.all(all.map((peer) => peer.disconnected()));
    }
    equal(12, ids.size, "the number of ids");
  },
};
