import { Skipped, equal, isTrue, pause, sequence } from "../lib/check.mjs";
import { negotiate } from "../lib/negotiate.mjs";
import { Queue } from "../lib/queue.mjs";

// The reference server keeps 100,000 unacknowledged bytes for a client, and a client acknowledges once a
// second. Whoever sends more is held up, and with as many calls held up as may run at a time the server
// reads no acknowledgement any more. So all that a scenario sends down stays below that.
const SMALL = { between: 120, filler: "", pauseMs: 2 };
// Long enough that nearly every cut after some bytes is inside a frame.
const LONG = { between: 25, filler: "é漢😀-".repeat(10), pauseMs: 8 };
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

/** A client behind relays that is kept, and another one that sends to a group the first is in. */
async function members(scene) {
  const relays = await granted(scene);
  const [peer, other] = [await scene.connect({ relays, stateful: true }), await scene.connect()];
  const group = scene.name("group");
  await peer.invoke("Join", group);
  return { peer, relays, other, group };
}

/** Numbered messages to the caller and to a group for as long as it takes to cut the link so many times. */
async function nothingLost(scene, { between, filler, pauseMs }, cuts, cut) {
  const { peer, relays, other, group } = await members(scene);
  let done = 0;
  const feed = async (what, send) => {
    const texts = [];
    while (done < cuts) {
      texts.push(`${scene.tag}${what}${texts.length};${filler}`);
      await send(texts.at(-1));
      await pause(pauseMs);
    }
    return texts;
  };
  const feeding = Promise.all([feed("own", (text) => peer.send("ToCaller", text)), feed("pushed", (text) => other.send("ToGroup", group, text))]);
  feeding.catch(() => {});
  const got = [];
  while (done < cuts) {
    for (let i = 0; i < between; i++) got.push(await peer.next());
    await cut(relays, done);
    await relays.nextSocket(done + 2);
    done++;
  }
  const [own, pushed] = await feeding;
  while (got.length < own.length + pushed.length) got.push(await peer.next());
  sequence(own, got.filter((text) => text.startsWith(`${scene.tag}own`)), "what came back");
  sequence(pushed, got.filter((text) => text.startsWith(`${scene.tag}pushed`)), "what was pushed");
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
