import { equal, isTrue, pause, refusal } from "../../js-common/check.mjs";

const FOR_GOOD_MS = 300_000;
const OUTAGE_MS = 1500;
const IDLE_MS = 40_000;

export const ends = {
  async "end-abort-by-hub"(scene) {
    const peer = await scene.connect({ reconnects: scene.can("auto-reconnect") });
    await peer.sendAll("AbortMe", [[]]);
    await peer.closed();
    equal(0, peer.reconnecting, "the number of reconnects");
    await scene.app.event(peer.id, "disconnected");
  },

  async "end-abort-from-outside"(scene) {
    const [peer, witness] = await scene.several(2);
    const old = peer.id;
    await scene.app.abort(old);
    await peer.closed();
    await scene.app.event(old, "disconnected");
    equal("here", await witness.invoke("Echo", "here"));
    await peer.connect();
    isTrue(peer.id !== old, "the new connection has the old id");
  },

  async "end-stop-seen-once"(scene) {
    const user = scene.name("user");
    const peer = await scene.connect({ query: `user=${user}` });
    await peer.invoke("Note", "hello");
    await peer.stop();
    const end = await scene.endedOnce(peer.id);
    equal(null, end.detail, "the error given to OnDisconnectedAsync");
    const events = await scene.app.events(peer.id, () => true, "");
    equal(["connected", "note", "disconnected"], events.map((e) => e.event), "the events");
    isTrue(events.every((e) => e.user === user), "an event has another user");
  },

  async "end-link-lost"(scene) {
    const relays = await scene.relays();
    const peer = await scene.connect({ relays });
    await relays.cut(FOR_GOOD_MS);
    const error = await peer.closed();
    // Without a socket the server waits for the next poll.
    await scene.app.event(peer.id, "disconnected", scene.is("LongPolling") ? 45 : 15);
    isTrue(error instanceof Error, "the client reports no error");
  },

  async "reconnect-after-cut"(scene) {
    const relays = await scene.relays();
    const all = [await scene.connect(), await scene.connect({ relays, reconnects: true })];
    const [witness, peer] = all;
    const [group, old] = [scene.name("group"), peer.id];
    await peer.invoke("Join", group);
    await cut(scene, relays);
    const id = await peer.reconnected();
    isTrue(id === peer.id && id === peer.connection.connectionId && id !== old, `the id is ${id}, was ${old}, and the hub says ${peer.id}`);
    equal(1, peer.reconnecting, "the number of reconnects");
    equal(0, peer.closes, "the number of closes");
    await scene.reaches(all, [], (text) => witness.invoke("ToGroup", group, text), "the group joined before");
    await scene.reaches(all, [peer], (text) => witness.invoke("ToClient", peer.id, text), "Client(new id)");
    await scene.reaches(all, [], (text) => witness.invoke("ToClient", old, text), "Client(old id)");
    await scene.app.event(old, "disconnected", scene.is("LongPolling") ? 45 : 15);
  },

  async "reconnect-after-outage"(scene) {
    const relays = await scene.relays();
    const peer = await scene.connect({ relays, reconnects: true });
    for (let round = 0; round < 2; round++) {
      const lost = refusal(peer.invoke("Slow", 20_000), "a call of the lost connection");
      await relays.cut(OUTAGE_MS);
      await peer.reconnected();
      await lost;
      equal("back", await peer.invoke("Echo", "back"));
    }
    equal(2, peer.reconnecting, "the number of reconnects");
  },

  async "reconnect-new-token"(scene) {
    const relays = await scene.relays();
    const user = scene.name("user");
    let asked = 0;
    const peer = await scene.connect({ relays, reconnects: true, token: () => `user=${user}-${++asked}` });
    const before = asked;
    isTrue(before > 0, "the token was never asked for");
    const number = async () => Number((await peer.invoke("UserId")).replace(`${user}-`, ""));
    isTrue((await number()) <= before, "the user is not from the token");
    await cut(scene, relays);
    await peer.reconnected();
    const after = await number();
    isTrue(after > before && after <= asked, `the user is from token ${after}, ${before} were asked for before the cut and ${asked} in all`);
  },

  async "many-at-once"(scene) {
    const count = 200;
    const all = await scene.several(count);
    equal(count, new Set(all.map((p) => p.id)).size, "the number of ids");
    const group = scene.name("group");
    const sums = await Promise.all(all.map((peer, i) => peer.invoke("Add", i, 1)));
    sums.forEach((sum, i) => equal(i + 1, sum, `the answer to client ${i}`));
    await Promise.all(all.map((peer) => peer.invoke("Join", group)));
    await scene.reaches(all, all, (text) => all[0].invoke("ToGroup", group, text), "a group of all");
    await scene.reaches(all, all, (text) => all[count - 1].invoke("ToAll", text), "All");
    await Promise.all(all.map((peer) => peer.stop()));
    for (const peer of all) await scene.app.event(peer.id, "disconnected");
  },

  async "idle-stays-up"(scene) {
    const all = await scene.several(2);
    const ids = all.map((p) => p.id);
    await pause(IDLE_MS);
    equal([0, 0], all.map((p) => p.closes), "the numbers of closes");
    equal(ids, await Promise.all(all.map((p) => p.invoke("GetCallerConnectionId"))), "the ids");
    await scene.reaches(all, all, (text) => all[1].invoke("ToAll", text), "after the silence");
  },
};

/** Cuts all links so that the client notices: a browser by itself repeats a poll whose link was reset. */
function cut(scene, relays) {
  return relays.cut(scene.is("LongPolling") ? OUTAGE_MS : 0);
}
