import { Skipped, equal, isTrue, pause, sequence } from "../../js-common/check.mjs";
import { negotiate } from "../lib/negotiate.mjs";
import { Queue } from "../../js-common/queue.mjs";

// The reference server keeps 100,000 unacknowledged bytes for a client, and a client acknowledges once a
// second. Whoever sends more is held up, and with as many calls held up as may run at a time the server
// reads no acknowledgement any more. So all that a scenario sends down stays below that.
const SMALL = { between: 120, filler: "", pauseMs: 6 };
// Long enough that nearly every cut after some bytes is inside a frame.
const LONG = { between: 25, filler: "é漢😀-".repeat(10), pauseMs: 24 };
// Beside the messages, for about as long as a scenario takes.
const ITEMS = 300;
const ITEM_PAUSE_MS = 10;
const BIG_NUMBERS = 4_000;
const CUTS = 5;
// In a frame's head, in its length, in a message, and some frames further.
const CUT_AFTER_BYTES = [1, 3, 60, 150, 1_500];
// In a big message. The reference server closes the connection when its hub has got a part of a message
// and the rest comes over another link; it gets parts of 4 KiB, so upwards the cut is before that.
const BIG_CUTS = [["up", 3_000], ["down", 9_000]];

export const stateful = {
  async "stateful-messages"(scene) {
    await nothingLost(scene, SMALL, CUTS, (relays) => relays.cut());
  },

  async "stateful-mid-frame"(scene) {
    const cuts = CUT_AFTER_BYTES.flatMap((bytes) => [["down", bytes], ["up", bytes]]);
    await nothingLost(scene, LONG, cuts.length, async (relays, i) => {
      await relays.armCut(...cuts[i]);
      await relays.armedCut();
    });
  },

  async "stateful-streams"(scene) {
    const { peer, relays } = await members(scene);
    const count = 200;
    const expected = Array.from({ length: count }, (_, i) => i);
    const [arrived, items] = [new Queue(), []];
    const down = peer.stream("Counter", [count, 8], (item) => arrived.push(item));
    const subject = new scene.client.signalR.Subject();
    const sum = peer.invoke("Sum", subject);
    const feeding = (async () => {
      for (const i of expected) {
        subject.next(i);
        await pause(8);
      }
      subject.complete();
    })();
    for (let cut = 1; items.length < count; ) {
      items.push(await arrived.next("item"));
      if (cut <= 3 && items.length === cut * 45) {
        await relays.cut();
        await relays.nextSocket(++cut);
      }
    }
    await down.end;
    await feeding;
    sequence(expected, items, "the stream");
    equal((count * (count - 1)) / 2, await sum, "the sum");
    await stillTheSame(scene, peer, relays, 3);
    equal(0, arrived.length, "the number of further items");
  },

  async "stateful-results"(scene) {
    const relays = await granted(scene);
    const peer = scene.make({ relays, stateful: true });
    let cuts = 0;
    const cut = async () => {
      await relays.cut();
      await relays.nextSocket(++cuts + 1);
    };
    peer.on("Ask", async (question) => {
      await cut();
      return `<${question}>`;
    });
    await peer.connect();
    const slow = peer.invoke("Slow", 1200);
    equal("begun", await peer.invoke("Echo", "begun"));
    await cut();
    equal("done", await slow, "the slow answer");
    const big = Array.from({ length: BIG_NUMBERS }, (_, i) => i).join("");
    for (const [direction, bytes] of BIG_CUTS) {
      await relays.armCut(direction, bytes);
      const echo = peer.invoke("Echo", big);
      await relays.armedCut();
      await relays.nextSocket(++cuts + 1);
      isTrue((await echo) === big, "a big answer came back changed");
    }
    equal("<who?>", await peer.invoke("AskMe", "who?"), "the client's result");
    const calls = Array.from({ length: 100 }, (_, i) => peer.invoke("Add", i, i));
    await cut();
    equal(Array.from({ length: 100 }, (_, i) => 2 * i), await Promise.all(calls), "the answers to calls at once");
    await stillTheSame(scene, peer, relays, cuts);
  },

  async "stateful-then-stop"(scene) {
    const { peer, relays } = await members(scene);
    const id = peer.id;
    await relays.cut();
    await relays.nextSocket(2);
    await stillTheSame(scene, peer, relays, 1);
    await peer.stop();
    equal(undefined, await peer.closed(), "the error of a stop");
    await scene.endedOnce(id);
  },
};

/** Relays, if the app grants stateful reconnects at all. */
async function granted(scene) {
  const answer = await negotiate(scene, "negotiateVersion=1&useStatefulReconnect=true");
  if (answer.useStatefulReconnect !== true) throw new Skipped("the app does not grant stateful reconnects");
  return scene.relays();
}

/** A client behind relays that is kept, and another one that sends to it by its user and a group. */
async function members(scene) {
  const relays = await granted(scene);
  const [user, group] = [scene.name("user"), scene.name("group")];
  const query = `user=${encodeURIComponent(user)}`;
  const [peer, other] = [await scene.connect({ relays, query, stateful: true }), await scene.connect()];
  await peer.invoke("Join", group);
  return { peer, relays, other, user, group };
}

/** Numbered messages on every path, and a stream, for as long as it takes to cut the link so many times. */
async function nothingLost(scene, { between, filler, pauseMs }, cuts, cut) {
  const { peer, relays, other, user, group } = await members(scene);
  const { app } = scene;
  const paths = {
    caller: (text) => peer.send("ToCaller", text),
    all: (text) => other.send("ToAll", text),
    group: (text) => other.send("ToGroup", group, text),
    user: (text) => other.send("ToUser", user, text),
    clients: (text) => other.send("ToClients", [peer.id, "nobody"], text),
    context: (text, n) => app.send(...[["clients", [peer.id]], ["users", [user]], ["groups", [group]]][n % 3], [], text),
  };
  let done = 0;
  const feed = async (path, send) => {
    const texts = [];
    while (done < cuts) {
      texts.push(`${scene.tag}${path}${texts.length};${filler}`);
      await send(texts.at(-1), texts.length);
      await pause(pauseMs);
    }
    return [path, texts];
  };
  const items = [];
  const stream = peer.stream("Counter", [ITEMS, ITEM_PAUSE_MS], (item) => items.push(item));
  const feeding = Promise.all(Object.entries(paths).map(([path, send]) => feed(path, send)));
  feeding.catch(() => {});
  const got = [];
  while (done < cuts) {
    for (let i = 0; i < between; i++) got.push(await peer.next());
    await cut(relays, done);
    await relays.nextSocket(done + 2);
    done++;
  }
  const fed = await feeding;
  const total = fed.reduce((sum, [, texts]) => sum + texts.length, 0);
  while (got.length < total) got.push(await peer.next());
  for (const [path, texts] of fed) {
    isTrue(texts.length > cuts, `only ${texts.length} messages went by ${path}`);
    const came = got.filter((text) => text.startsWith(`${scene.tag}${path}`));
    // Outside a hub's methods the Azure SDK writes each message to a server connection that it picks at
    // random, so that none may be missing or come twice, but their order is nobody's promise.
    if (path === "context" && app.facts.redirects) sequence(texts.toSorted(), came.toSorted(), `what came by ${path}`);
    else sequence(texts, came, `what came by ${path}`);
  }
  await stream.end;
  sequence(Array.from({ length: ITEMS }, (_, i) => i), items, "the stream");
  await stillTheSame(scene, peer, relays, cuts);
  equal(0, peer.pending, "the number of further messages");
}

async function stillTheSame(scene, peer, relays, cuts) {
  equal(peer.id, await peer.invoke("GetCallerConnectionId"), "the connection id at the hub");
  equal(peer.id, peer.connection.connectionId, "the connection id");
  equal(0, peer.reconnecting + peer.closes, "the number of reconnects and closes seen");
  equal(cuts + 1, await relays.sockets(), "the number of WebSockets");
  const events = await scene.app.events(peer.id, (all) => all.length > 0, "connected");
  equal(["connected"], events.map((e) => e.event).filter((name) => name.endsWith("connected")), "the events");
}
