import { equal, isTrue, refusal, refused } from "../../js-common/check.mjs";

export const error = {
  async "error-exception"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("Throw", "a secret"), peer.hiddenError("Throw"));
    await refused(peer.invoke("tHROW", "a secret"), peer.hiddenError("tHROW"));
    await livesOn(peer);
  },

  async "error-hub-exception"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("ThrowHub", "shown \"é\" <b>"), "shown \"é\" <b>");
    await livesOn(peer);
  },

  async "error-hub-exception-data"(scene) {
    const peer = await scene.connect();
    const error = await refusal(peer.invoke("ThrowHubData", "shown", "code", "42"));
    equal("shown", error.message, "the error");
    equal("HubException", error.source, "the kind of the error");
    equal({ code: "42" }, error.data, "its data");
    const other = await refusal(peer.invoke("ThrowHub", "without"));
    equal("HubException", other.source, "the kind of the error");
    equal(undefined, other.data, "the data of an error without any");
    const hidden = await refusal(peer.invoke("Throw", "x"));
    equal("Exception", hidden.source, "the kind of an ordinary error");
    await livesOn(peer);
  },

  async "error-unknown-method"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("ThisDoesNotExist", 1), peer.hiddenError("ThisDoesNotExist"));
    await livesOn(peer);
  },

  async "error-argument-count"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("Add", 1), peer.hiddenError("Add"));
    await refused(peer.invoke("Add", 1, 2, 3), peer.hiddenError("Add"));
    await refused(peer.invoke("Void", 1), peer.hiddenError("Void"));
    await livesOn(peer);
  },

  async "error-argument-type"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("Add", "one", 2), peer.hiddenError("Add"));
    await refused(peer.invoke("Add", [1], {}), peer.hiddenError("Add"));
    await refused(peer.invoke("EchoPerson", [1]), peer.hiddenError("EchoPerson"));
    await livesOn(peer);
  },

  async "error-unknown-hub"(scene) {
    const peer = await scene.make({ hubs: ["nowhere"] });
    await refusal(peer.start(), "the start");
    isTrue(!peer.states.includes("connected"), "the client says that it is connected");
    const beside = await scene.make({ hubs: ["conformance", "nowhere"] });
    await refusal(beside.start(), "the start with a hub that is there beside it");
  },

  async "error-call-of-unknown-hub"(scene) {
    const peer = await scene.connect();
    const call = refusal(peer.invokeAt("nowhere", "Echo", "x"));
    await Promise.race([call, peer.reported()]);
    await livesOn(peer);
    equal(0, peer.disconnects + peer.reconnecting, "the number of ends and reconnects");
  },
};

async function livesOn(peer) {
  equal("after", await peer.invoke("Echo", "after"));
}
