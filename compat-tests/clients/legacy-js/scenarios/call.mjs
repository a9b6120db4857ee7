import { equal, isTrue, pause } from "../../js-common/check.mjs";
import { TEXTS } from "./texts.mjs";

const LARGE_RESULT = 200_000;
// A WebSocket of the original takes messages of up to 64 KiB.
const [SOCKET_ARGUMENT, POSTED_ARGUMENT] = [60_000, 100_000];
const [SLOW_MS, QUICK_CALLS] = [3000, 5];

export const call = {
  async "call-echo"(scene) {
    const peer = await scene.connect();
    equal("hello", await peer.invoke("Echo", "hello"));
    equal(5, await peer.invoke("Add", 2, 3));
    equal(-1, await peer.invoke("Add", 2_147_483_647, -2_147_483_648));
    equal(4, await peer.invoke("Length", "four"));
  },

  async "call-types"(scene) {
    const peer = await scene.connect();
    const sent = [true, -7, 9_007_199_254_740_991, 1.5, "text", [1, 2, 3]];
    const { B, I, L, D, S, List, Sum } = await peer.invoke("Types", ...sent);
    equal([...sent, 6], [B, I, L, D, S, List, Sum], "the result");
  },

  async "call-object"(scene) {
    const peer = await scene.connect();
    const bob = { Name: "Bob", Age: 0, Tags: [], Born: null, Friend: null };
    const ann = { Name: "Ann \"é\"", Age: 7, Tags: ["a", "b", ""], Born: "2001-02-03T04:05:06Z", Friend: bob };
    const fields = (p) => p && [p.Name, p.Age, p.Tags, p.Born && new Date(p.Born).getTime(), fields(p.Friend)];
    equal(fields(ann), fields(await peer.invoke("EchoPerson", ann)), "the object");
    equal(null, (await peer.invoke("EchoPerson", null)) ?? null, "no object");
  },

  async "call-void"(scene) {
    const peer = await scene.connect();
    equal(undefined, await peer.invoke("Void"));
  },

  async "call-null"(scene) {
    const peer = await scene.connect();
    // The wire leaves null out.
    equal(null, (await peer.invoke("Null")) ?? null);
    equal(null, (await peer.invoke("Echo", null)) ?? null);
  },

  async "call-texts"(scene) {
    const peer = await scene.connect();
    for (const text of TEXTS) {
      equal(text, await peer.invoke("Echo", text), "the text");
      equal(text.length, await peer.invoke("Length", text), "the length seen by the hub");
    }
  },

  async "call-large-result"(scene) {
    const peer = await scene.connect();
    const text = await peer.invoke("Large", LARGE_RESULT);
    isTrue(text === "x".repeat(LARGE_RESULT), `Large returned ${text.length} characters`);
    equal("after", await peer.invoke("Echo", "after"));
  },

  async "call-large-argument"(scene) {
    const peer = await scene.connect();
    const length = peer.transportName === "webSockets" ? SOCKET_ARGUMENT : POSTED_ARGUMENT;
    equal(length, await peer.invoke("Length", "y".repeat(length)), "the length seen by the hub");
    const mixed = "é漢😀".repeat(5_000);
    isTrue(mixed === (await peer.invoke("Echo", mixed)), "a mixed text came back changed");
  },

  async "call-in-a-row"(scene) {
    const peer = await scene.connect();
    for (let i = 0; i < 200; i++) equal(i + 1, await peer.invoke("Add", i, 1), `the result of call ${i}`);
  },

  async "call-at-once"(scene) {
    const peer = await scene.connect();
    const results = await Promise.all(Array.from({ length: 100 }, (_, i) => peer.invoke("Add", i, 1)));
    results.forEach((result, i) => equal(i + 1, result, `the result of call ${i}`));
  },

  async "call-slow-beside-quick"(scene) {
    const peer = await scene.connect();
    let isDone = false;
    const slow = peer.invoke("Slow", SLOW_MS).finally(() => {
      isDone = true;
    });
    for (let i = 0; i < QUICK_CALLS; i++) equal(`quick ${i}`, await peer.invoke("Echo", `quick ${i}`));
    isTrue(!isDone, "the slow call held up the quick ones");
    equal(SLOW_MS, await slow, "the result of the slow call");
  },

  async "call-unlisted-hub"(scene) {
    const peer = await scene.connect();
    equal("second:x", await peer.invokeAt("second", "Echo", "x"));
    equal("x", await peer.invoke("Echo", "x"));
    equal(["connected"], (await scene.log(peer.id)).filter((event) => event === "connected"), "the events of the hub that is listened to");
  },

  async "call-any-case"(scene) {
    const peer = await scene.connect({ hubs: ["CONFORMance"] });
    equal("a", await peer.invoke("eCHO", "a"));
    equal(3, await peer.invoke("ADD", 1, 2));
    const text = scene.name("text");
    await peer.invoke("callback", text);
    equal(text, await peer.next());
  },

  async "call-renamed"(scene) {
    const peer = await scene.connect();
    equal("renamed", await peer.invoke("renamedMethod"));
  },

  async "call-overload"(scene) {
    const peer = await scene.connect();
    equal("none", await peer.invoke("Overload"));
    equal("int 3", await peer.invoke("Overload", 3));
  },

  async "call-progress"(scene) {
    const peer = await scene.connect();
    equal({ result: "done 5", reports: [1, 2, 3, 4, 5] }, await peer.progress("Progress", 5), "result and reports");
    // None comes late.
    await pause(200);
    equal({ result: "done 0", reports: [] }, await peer.progress("Progress", 0), "result and reports");
  },

  async "call-progress-at-once"(scene) {
    const peer = await scene.connect();
    const calls = await Promise.all([3, 8, 1, 5].map((count) => peer.progress("Progress", count)));
    const wanted = [3, 8, 1, 5].map((count) => ({ result: `done ${count}`, reports: Array.from({ length: count }, (_, i) => i + 1) }));
    equal(wanted, calls, "results and reports");
  },
};
