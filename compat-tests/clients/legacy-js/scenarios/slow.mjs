import { equal, isTrue, pause } from "../../js-common/check.mjs";

// More than the sockets on the way hold.
const [MESSAGES, BYTES] = [1500, 8000];
// Fewer than any server keeps.
const KEPT = 100;
const STALLED_MS = 2000;
const PATIENCE_SECONDS = 45;
const QUICK_MS = 3000;

export const slow = {
  async "slow-reader"(scene) {
    const relays = await scene.relays();
    const [reader, other, sender] = [await scene.connect({ relays }), await scene.connect(), await scene.connect()];
    const group = scene.name("group");
    for (const peer of [reader, other]) await peer.invoke("JoinGroup", group);
    await relays.stall();
    const padding = ".".repeat(BYTES);
    for (let i = 0; i < MESSAGES; i++) await sender.invoke("SendGroup", group, `${scene.tag}${padding}${i}`);
    const numbers = (await other.take(MESSAGES)).map(number);
    isTrue(numbers.every((n, i) => n === i), "the others did not get all in order");
    const begin = Date.now();
    equal("quick", await other.invoke("Echo", "quick"));
    isTrue(Date.now() - begin < QUICK_MS, "the others wait for the slow one");
    await pause(STALLED_MS);
    await relays.resume();
    // It ends, or sooner or later gets the last.
    const last = scene.name("last");
    await sender.invoke("SendConnection", reader.id, last);
    const got = [];
    const ended = reader.disconnected(PATIENCE_SECONDS).then(() => true, () => false);
    const read = reader.before(last, PATIENCE_SECONDS).then((texts) => {
      got.push(...texts);
      return false;
    });
    if (await Promise.race([ended, read])) return;
    const seen = got.map(number);
    isTrue(seen.every((n, i) => i === 0 || n > seen[i - 1]), "messages came twice or out of order");
    // What is kept for a client that does not keep up is the latest.
    const latest = seen.slice(-KEPT);
    isTrue(latest.length === KEPT && latest.at(-1) === MESSAGES - 1 && latest[0] === MESSAGES - KEPT, `of ${MESSAGES} messages ${seen.length} came, and not the latest ${KEPT} without a gap`);
  },
};

function number(text) {
  return Number(text.slice(text.lastIndexOf(".") + 1));
}
