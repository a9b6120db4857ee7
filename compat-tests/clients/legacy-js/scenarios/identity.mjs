import { equal, isTrue, refusal, refused } from "../../js-common/check.mjs";

const PROBE = "a b&c=d+e %41 ü😀";

export const context = {
  async "context-query"(scene) {
    const peer = await scene.connect({ query: { probe: PROBE, empty: "" } });
    equal(PROBE, await peer.invoke("Query", "probe"), "the parameter");
    equal("", await peer.invoke("Query", "empty"), "the empty parameter");
    equal(null, (await peer.invoke("Query", "missing")) ?? null, "a parameter that is not there");
  },

  async "context-header"(scene) {
    const peer = await scene.connect({ headers: { "X-Probe": "seen" } });
    equal("seen", await peer.invoke("Header", "X-Probe"), "the header");
    equal(null, (await peer.invoke("Header", "X-Missing")) ?? null, "a header that is not there");
  },

  async "context-cookie"(scene) {
    const peer = await scene.connect({ cookie: "probe=seen" });
    equal("seen", await peer.invoke("CookieValue", "probe"), "the cookie");
    equal(null, (await peer.invoke("CookieValue", "missing")) ?? null, "a cookie that is not there");
  },
};

export const auth = {
  async "auth-anonymous"(scene) {
    const peer = await scene.connect();
    equal(null, (await peer.invoke("UserName")) ?? null, "the user");
  },

  async "auth-query"(scene) {
    const user = scene.name("user ü+%");
    const peer = await scene.connect({ query: scene.saying(user) });
    equal(user, await peer.invoke("UserName"), "the user");
  },

  async "auth-cookie"(scene) {
    const user = scene.name("user");
    const peer = await scene.connect({ cookie: `as=${user}` });
    equal(user, await peer.invoke("UserName"), "the user");
    await reaches(scene, peer, user);
  },

  async "auth-bearer"(scene) {
    const user = scene.name("user");
    const peer = await scene.connect({ headers: { Authorization: `Bearer ${scene.saying(user)}` } });
    equal(user, await peer.invoke("UserName"), "the user");
    await reaches(scene, peer, user);
  },

  async "auth-method"(scene) {
    const anonymous = await scene.connect();
    await refused(anonymous.invoke("Secret"), anonymous.hiddenError("Secret"));
    equal("still here", await anonymous.invoke("Echo", "still here"));
    const user = scene.name("user");
    const peer = await scene.connect(scene.as(user));
    equal(user, await peer.invoke("Secret"), "the user");
  },

  async "auth-role"(scene) {
    const user = scene.name("user");
    const [none, other, admin] = [await scene.connect(), await scene.connect(scene.as(user, "ops")), await scene.connect(scene.as(user, "ops", "admin"))];
    await refused(none.invoke("AdminOnly"), none.hiddenError("AdminOnly"));
    await refused(other.invoke("AdminOnly"), other.hiddenError("AdminOnly"));
    equal(user, await admin.invoke("AdminOnly"), "the user");
  },

  async "auth-guarded-refused"(scene) {
    const peer = await scene.make({ hubs: ["guarded"] });
    await refusal(peer.start(), "the start");
    isTrue(!peer.states.includes("connected"), "the client says that it is connected");
  },

  async "auth-guarded-open"(scene) {
    const user = scene.name("user");
    const peer = await scene.connect({ hubs: ["guarded"], ...scene.as(user) });
    equal(user, await peer.invoke("Who"), "the user");
    const text = scene.name("text");
    await peer.invoke("Callback", text);
    equal(text, await peer.next());
  },

  async "auth-guarded-dropped"(scene) {
    const peer = await scene.connect({ hubs: ["conformance", "guarded"] });
    await refusal(peer.invokeAt("guarded", "Who"));
    await scene.sendFromOutside("all", "", scene.name("secret"), "guarded");
    const text = scene.name("text");
    await peer.invoke("Callback", text);
    equal(text, await peer.next("conformance"));
    equal(0, peer.pending("guarded"), "the number of messages of the guarded hub");
    equal([0, 0], [peer.disconnects, peer.reconnecting], "the numbers of ends and reconnects");
  },
};

/** A message to the user reaches the client. */
async function reaches(scene, peer, user) {
  const text = scene.name("text");
  await peer.invoke("SendUser", user, text);
  equal(text, await peer.next());
}
