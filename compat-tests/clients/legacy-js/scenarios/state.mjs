import { equal } from "../../js-common/check.mjs";

export const state = {
  async "state-round-trip"(scene) {
    const peer = await scene.connect();
    peer.state.counter = 5;
    equal(6, await peer.invoke("NextCount"));
    equal(6, peer.state.counter, "the client's state");
    equal(7, await peer.invoke("NextCount"));
    equal("7", await peer.invoke("ReadCounter"));
  },

  async "state-pushed"(scene) {
    const peer = await scene.connect();
    const text = scene.name("text");
    await peer.invoke("PushState", text);
    equal(text, await peer.next());
    equal(text, peer.state.pushed, "the client's state");
  },
};
