import { equal, isTrue, sequence } from "../../js-common/check.mjs";
import { TEXTS } from "./texts.mjs";

const LARGE = 60_000;

export const callback = {
  async "callback-once"(scene) {
    const all = await scene.several(3);
    await scene.reaches(all, [all[1]], (text) => all[1].invoke("Callback", text), "Callback");
  },

  async "callback-arguments"(scene) {
    const peer = await scene.connect({ hearsMany: true });
    await peer.invoke("CallbackArgs");
    equal([1, "two", { Three: 3 }, [4, 5], null, true], await peer.many(), "the arguments");
  },

  async "callback-texts"(scene) {
    const peer = await scene.connect();
    for (const text of TEXTS) {
      await peer.invoke("Callback", scene.tag + text);
      equal(scene.tag + text, await peer.next(), "the text");
    }
  },

  async "callback-large"(scene) {
    const peer = await scene.connect();
    const text = scene.tag + "z".repeat(LARGE);
    await peer.invoke("Callback", text);
    const back = await peer.next();
    isTrue(text === back, `a text of ${text.length} characters came with ${back.length}`);
  },

  async "callback-order"(scene) {
    const peer = await scene.connect();
    const count = 1000;
    await peer.invoke("Burst", count, scene.tag);
    sequence(numbered(scene.tag, count), await peer.take(count), "the messages");
    await peer.invoke("Void");
    equal(0, peer.pending(), "the number of further messages");
  },

  async "callback-later"(scene) {
    const peer = await scene.connect();
    await peer.invoke("PushLater", 500, 20, scene.tag);
    equal(0, peer.pending(), "the number of messages before their time");
    sequence(numbered(scene.tag, 20), await peer.take(20), "the messages");
  },

  async "callback-unlistened-name"(scene) {
    const peer = await scene.connect();
    await peer.invoke("CallbackArgs");
    const text = scene.name("text");
    await peer.invoke("Callback", text);
    equal(text, await peer.next());
    equal([0, 0], [peer.disconnects, peer.reconnecting], "the numbers of ends and reconnects");
  },
};

function numbered(prefix, count) {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}
