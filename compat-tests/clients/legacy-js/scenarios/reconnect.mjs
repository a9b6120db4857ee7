import { equal, isTrue, pause, sequence, within } from "../../js-common/check.mjs";

// Long enough for every client to notice, and shorter than it waits before it tries again.
const CUT_MS = 1200;
const [OUTAGE_MS, OUTAGES] = [5000, 2];
const CALL_MS = 1500;
const GROUPS = 500;
// Servers and proxies take no more.
const LONGEST_TARGET = 4096 - " HTTP/1.1\r\n".length - "POST ".length;
const [MESSAGES, CUTS] = [1000, 5];
const PADDING = ".".repeat(1000);

export const reconnect = {
  async "reconnect-after-cut"(scene) {
    const { relays, peer } = await begin(scene);
    await cut(relays, peer);
    equal([1, 1, 0], [peer.reconnecting, peer.reconnects, peer.disconnects], "the numbers of reconnects begun and done, and of ends");
    equal([peer.id, peer.id], [peer.shownId, await peer.invoke("ConnectionId")], "the ids");
    await reaches(scene, peer, (text) => peer.invoke("Callback", text));
    await reaches(scene, peer, (text) => peer.invoke("SendConnection", peer.id, text));
    await returned(scene, peer, 1);
  },

  async "reconnect-replay"(scene) {
    const [user, group] = [scene.name("user"), scene.name("group")];
    const { relays, peer, witness } = await begin(scene, scene.as(user));
    await peer.invoke("JoinGroup", group);
    const later = scene.name("later");
    const texts = Array.from({ length: 5 }, (_, i) => `${later}${i}`);
    await peer.invoke("PushLater", 300, 5, later);
    await cut(relays, peer, async () => {
      await pause(600);
      const send = async (method, before, after = []) => {
        texts.push(scene.name(method));
        await witness.invoke(method, ...before, texts.at(-1), ...after);
      };
      for (let round = 0; round < 5; round++) {
        await send("SendConnection", [peer.id]);
        await send("SendUser", [user]);
        await send("SendGroup", [group]);
        await send("SendGroupExcept", [group], [[witness.id]]);
        await send("Broadcast", []);
        await send("BroadcastOthers", []);
        await send("BroadcastExcept", [], [[witness.id]]);
      }
      texts.push(scene.name("outside"));
      await scene.sendFromOutside("group", group, texts.at(-1));
      // Those are not for it.
      await witness.invoke("SendGroupExcept", group, scene.name("not"), [peer.id]);
      await witness.invoke("BroadcastExcept", scene.name("not"), [peer.id]);
    });
    mixed(scene, texts, await peer.take(texts.length), "what was sent meanwhile");
    await nothingMore(scene, peer);
  },

  async "reconnect-groups"(scene) {
    const { relays, peer, witness } = await begin(scene);
    const [kept, left, later] = [scene.name("kept"), scene.name("left"), scene.name("later")];
    for (const group of [kept, left]) await peer.invoke("JoinGroup", group);
    await peer.invoke("LeaveGroup", left);
    const to = (group) => (text) => witness.invoke("SendGroup", group, text);
    await cut(relays, peer);
    await reaches(scene, peer, to(kept));
    await to(left)(scene.name("not"));
    await peer.invoke("JoinGroup", later);
    await reaches(scene, peer, to(later));
    await peer.invoke("LeaveGroup", kept);
    await to(kept)(scene.name("not"));
    await nothingMore(scene, peer);
    // What changed after the first reconnect is kept by the second.
    await cut(relays, peer);
    await to(kept)(scene.name("not"));
    await reaches(scene, peer, to(later));
    await nothingMore(scene, peer);
  },

  async "reconnect-many-groups"(scene) {
    const { relays, peer, witness } = await begin(scene);
    const groups = Array.from({ length: GROUPS }, (_, i) => scene.name(`a group with a long name, number ${i}`));
    for (const group of groups) await peer.invoke("JoinGroup", group);
    await cut(relays, peer);
    for (let i = 0; i < GROUPS; i += 50) await reaches(scene, peer, (text) => witness.invoke("SendGroup", groups[i], text));
    await reaches(scene, peer, (text) => witness.invoke("SendGroup", groups.at(-1), text));
    await nothingMore(scene, peer);
    const longest = await relays.longestTarget();
    isTrue(longest > 0 && longest <= LONGEST_TARGET, `the longest request target has ${longest} characters`);
  },

  async "reconnect-two-hubs"(scene) {
    const { relays, peer } = await begin(scene, { hubs: ["conformance", "second"] });
    await cut(relays, peer);
    const text = scene.name("text");
    equal(`second:${text}`, await peer.invokeAt("second", "Echo", text));
    await peer.invokeAt("second", "Callback", text);
    equal(`second:${text}`, await peer.next("second"));
    await reaches(scene, peer, (mine) => peer.invoke("Callback", mine));
    const events = [...(await scene.log(peer.id))].sort();
    equal(["connected", ...(scene.can("replay") ? ["reconnected"] : []), "second-connected"], events, "the events");
  },

  async "reconnect-user"(scene) {
    const user = scene.name("user");
    const { relays, peer, witness } = await begin(scene, scene.as(user));
    await cut(relays, peer);
    equal(user, await peer.invoke("UserName"), "the user");
    equal(user, await peer.invoke("Secret"), "the user");
    await reaches(scene, peer, (text) => witness.invoke("SendUser", user, text));
  },

  async "reconnect-outage"(scene) {
    const { relays, peer, witness } = await begin(scene);
    const texts = [];
    for (let outage = 0; outage < OUTAGES; outage++) {
      await cut(relays, peer, async () => {
        for (let i = 0; i < 100; i++) {
          texts.push(scene.name(`outage ${outage} message`));
          await witness.invoke("SendConnection", peer.id, texts.at(-1));
        }
      }, OUTAGE_MS);
      equal("back", await peer.invoke("Echo", "back"));
    }
    sequence(texts, await peer.take(texts.length), "what was sent meanwhile");
    await nothingMore(scene, peer);
    equal(0, peer.disconnects, "the number of ends");
    await returned(scene, peer, OUTAGES);
  },

  async "reconnect-mid-frame"(scene) {
    const { relays, peer, witness } = await begin(scene);
    const texts = [];
    for (const bytes of [1, 7_777, 20_011]) {
      await relays.armCut("down", bytes);
      for (let i = 0; i < 30; i++) {
        texts.push(scene.name(PADDING));
        await witness.invoke("SendConnection", peer.id, texts.at(-1));
      }
      await untilCut(relays, async () => {
        texts.push(scene.name("more"));
        await witness.invoke("SendConnection", peer.id, texts.at(-1));
      });
      await peer.reconnected();
    }
    sequence(texts, await peer.take(texts.length), "the messages");
    await nothingMore(scene, peer);
    await returned(scene, peer, 3);
  },

  async "reconnect-mid-call"(scene) {
    const { relays, peer, witness } = await begin(scene);
    const ended = async (call) => {
      const end = call.then((result) => `result ${result}`, (error) => `error ${error.message}`);
      return within(end, 25, "the call did not end");
    };
    // While the hub works.
    const slow = ended(peer.invoke("Slow", CALL_MS));
    await pause(CALL_MS / 3);
    await cut(relays, peer);
    const end = await slow;
    isTrue(end === `result ${CALL_MS}` || end.startsWith("error "), `the call ended with ${end}`);
    // While what the call sends is on its way.
    await relays.armCut("down", 9_001);
    const burst = ended(peer.invoke("Burst", 500, `${scene.tag}${PADDING.slice(0, 100)}`));
    // What it does not listen to, for when the rest was too quick.
    await untilCut(relays, () => witness.invoke("SendConnection", peer.id, PADDING));
    await peer.reconnected();
    await burst;
    const texts = Array.from({ length: 500 }, (_, i) => `${scene.tag}${PADDING.slice(0, 100)}${i}`);
    sequence(texts, await peer.take(texts.length), "what the call sent");
    equal("after", await peer.invoke("Echo", "after"));
    await nothingMore(scene, peer);
  },

  async "reconnect-five-cuts"(scene) {
    const { relays, peer, witness } = await begin(scene);
    const group = scene.name("group");
    await peer.invoke("JoinGroup", group);
    const texts = Array.from({ length: MESSAGES }, (_, i) => `${scene.tag}${i}`);
    const send = [
      (text) => witness.invoke("SendConnection", peer.id, text),
      (text) => witness.invoke("SendGroup", group, text),
      (text) => witness.invoke("Broadcast", text),
    ];
    const sending = (async () => {
      for (const [i, text] of texts.entries()) {
        await send[i % send.length](text);
        // So that there are some left for every cut.
        if (i < MESSAGES / 2) await pause(5);
      }
    })();
    for (let round = 0; round < CUTS; round++) {
      if (round % 2 === 0) {
        await relays.armCut("down", 301 + round);
        // When all is sent already, there is this, which it does not listen to.
        await untilCut(relays, () => witness.invoke("SendConnection", peer.id, PADDING));
      } else {
        await relays.cut(CUT_MS);
      }
      await peer.reconnected();
    }
    await sending;
    mixed(scene, texts, await peer.take(MESSAGES, 30), "the messages");
    await nothingMore(scene, peer);
    equal([CUTS, 0], [peer.reconnects, peer.disconnects], "the numbers of reconnects and ends");
    await returned(scene, peer, CUTS);
  },

  async "reconnect-then-stop"(scene) {
    const { relays, peer } = await begin(scene);
    await cut(relays, peer);
    peer.stop();
    await peer.disconnected();
    await scene.logged(peer.id, ["connected", ...(scene.can("replay") ? ["reconnected"] : []), "disconnected:true"], 5);
    equal(1, peer.disconnects, "the number of ends");
  },
};

/** Messages of several kinds of send. App servers send them on several connections, between which there is no order. */
function mixed(scene, texts, got, what) {
  const ordered = (list) => (scene.can("classic") || scene.options.testhub ? list.toSorted() : list);
  sequence(ordered(texts), ordered(got), what);
}

/** A client whose link leads through relays, and one that is not cut off. */
async function begin(scene, wish = {}) {
  const relays = await scene.relays();
  const witness = await scene.connect();
  const peer = await scene.connect({ ...wish, relays });
  return { relays, peer, witness };
}

/** Cuts all links for a while, does something meanwhile, and waits until the client is back. */
async function cut(relays, peer, meanwhile = async () => {}, milliseconds = CUT_MS) {
  await relays.cut(milliseconds);
  await meanwhile();
  await peer.reconnected();
}

/** Sends something now and then until the armed cut is done. */
async function untilCut(relays, send) {
  let isCut = false;
  const cut = relays.armedCut().then(() => {
    isCut = true;
  });
  for (let i = 0; i < 100 && !isCut; i++) {
    await Promise.race([cut, pause(100)]);
    if (!isCut) await send();
  }
  await within(cut, 1, "the link was not cut");
}

async function reaches(scene, peer, send) {
  const text = scene.name("text");
  await send(text);
  equal(text, await peer.next(), "the message");
}

/** Nothing else is on its way to the client. */
async function nothingMore(scene, peer) {
  const marker = scene.name("marker");
  await peer.invoke("Callback", marker);
  equal([], await peer.before(marker), "further messages");
}

/** The hub saw the connection come back that often, if this client says that it does. */
async function returned(scene, peer, count) {
  const events = ["connected", ...Array(scene.can("replay") ? count : 0).fill("reconnected")];
  await scene.logged(peer.id, events, 5);
}
