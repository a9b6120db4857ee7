import { equal, isTrue, pause } from "../../js-common/check.mjs";

const IDLE_MS = 45_000;
// What a browser or a slow machine adds to a second.
const SECOND_MS = 1000;
const FOR_GOOD_MS = 300_000;
const ENDED = ["connected", "disconnected:true"];

export const stop = {
  async "stop-reported-once"(scene) {
    const peer = await scene.connect();
    equal(["connected"], await scene.log(peer.id), "the events before the stop");
    peer.stop();
    await peer.disconnected();
    await scene.logged(peer.id, ENDED, 5);
    // Nothing more comes of it, also when others come and go.
    const other = await scene.connect();
    other.stop();
    await scene.logged(other.id, ENDED, 5);
    await pause(500);
    equal(ENDED, await scene.log(peer.id), "the events after a while");
    equal(1, peer.disconnects, "the number of ends");
  },

  async "stop-quick"(scene) {
    const peer = await scene.connect();
    // The witness must not have to connect first.
    equal(["connected"], await scene.log(peer.id), "the events before the stop");
    const begin = Date.now();
    peer.stop();
    await peer.disconnected();
    const client = Date.now() - begin;
    await scene.logged(peer.id, ENDED, 5);
    const hub = Date.now() - begin;
    isTrue(client < SECOND_MS && hub < SECOND_MS, `the stop took the client ${client} ms, and the hub knew of it after ${hub} ms`);
  },

  async "stop-under-way"(scene) {
    const peer = await scene.connect();
    const id = peer.id;
    const call = peer.invoke("Slow", 20_000).catch(() => {});
    await peer.invoke("PushLater", 0, 500, scene.tag);
    peer.stop();
    await peer.disconnected();
    await Promise.race([call, pause(2000)]);
    if (scene.can("stop-told")) await scene.logged(id, ENDED, 5);
    // One that is stopped before it is connected stays so.
    const early = await scene.make();
    const start = early.start().catch(() => {});
    early.stop();
    await Promise.race([start, pause(2000)]);
    isTrue(!early.states.includes("connected"), "a client that was stopped while it started is connected");
    equal("others", await (await scene.connect()).invoke("Echo", "others"));
  },

  async "stop-lost"(scene) {
    const relays = await scene.relays();
    const peer = await scene.connect({ relays });
    const id = peer.id;
    equal(["connected"], await scene.log(id), "the events before the loss");
    await relays.cut(FOR_GOOD_MS);
    const client = peer.disconnected(75);
    await scene.logged(id, ["connected", "disconnected:false"], 60);
    await client;
    equal(1, peer.disconnects, "the number of ends");
    equal(0, peer.reconnects, "the number of reconnects");
    equal(["connected", "disconnected:false"], await scene.log(id), "the events in the end");
  },

  async "unload-told"(scene) {
    const page = await scene.openPage();
    equal(["connected"], await scene.log(page.id), "the events before");
    await page.leave();
    await scene.logged(page.id, ENDED, 5);
  },

  async "unload-untold"(scene) {
    const page = await scene.openPage();
    equal(["connected"], await scene.log(page.id), "the events before");
    await page.leave();
    await pause(2000);
    equal(["connected"], await scene.log(page.id), "the events soon after");
    await scene.logged(page.id, ["connected", "disconnected:false"], 60);
  },

  async "idle-stays-up"(scene) {
    const all = await scene.several(2);
    const ids = all.map((peer) => peer.id);
    await pause(IDLE_MS);
    for (const peer of all) {
      equal([0, 0, 0], [peer.slow, peer.reconnecting, peer.disconnects], "the numbers of slow lines, reconnects and ends");
      equal("connected", peer.states.at(-1), "the state");
    }
    equal(ids, await Promise.all(all.map((peer) => peer.invoke("ConnectionId"))), "the ids");
    await scene.reaches(all, all, (text) => all[1].invoke("Broadcast", text), "after the silence");
    for (const id of ids) equal(["connected"], await scene.log(id), "the events");
  },
};
