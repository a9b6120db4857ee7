import { equal, isTrue, refusal, sequence } from "../../js-common/check.mjs";

// Around the sizes of buffers, frames and length fields.
const SIZES = [2_047, 2_048, 4_095, 4_096, 8_191, 8_192, 16_383, 16_384, 32_767, 32_768, 65_535, 65_536, 70_000];
const CHARACTERS = ["é", "漢", "😀"];
const MEGABYTE = 1_000_000;
const OVER_THE_LIMIT = 1_200_000;

export const sizes = {
  async "size-text-edges"(scene) {
    const peer = await scene.connect();
    for (const size of SIZES) {
      const texts = CHARACTERS.flatMap((character) => shifts(character, size));
      const back = await Promise.all(texts.map((text) => peer.invoke("Echo", text)));
      texts.forEach((text, i) => isTrue(text === back[i], `text ${i} of ${size} bytes came back changed`));
    }
  },

  async "size-megabyte"(scene) {
    const peer = await scene.connect();
    equal(MEGABYTE, await peer.invoke("Length", "y".repeat(MEGABYTE)), "the length seen by the hub");
    const text = await peer.invoke("Big", MEGABYTE);
    isTrue(text === "x".repeat(MEGABYTE), `Big returned ${text.length} characters`);
    const mixed = Array.from({ length: 30_000 }, (_, i) => `${i}é漢😀`).join("");
    isTrue(mixed === (await peer.invoke("Echo", mixed)), "a mixed text came back changed");
  },

  async "size-over-limit"(scene) {
    const [peer, witness] = await scene.several(2);
    await refusal(peer.invoke("Length", "z".repeat(OVER_THE_LIMIT)), "a call over the limit");
    const error = await peer.closed();
    equal("here", await witness.invoke("Echo", "here"));
    await scene.app.event(peer.id, "disconnected");
    await peer.connect();
    equal("again", await peer.invoke("Echo", "again"));
    isTrue(error instanceof Error, "the connection closed without an error");
  },
};

export const order = {
  async "order-down"(scene) {
    const count = 1000;
    const peer = await scene.connect({ hears: (text) => /^\d+$/.test(text) });
    await peer.invoke("Many", count);
    for (let i = 0; i < count; i++) equal(String(i), await peer.next(), "the next message");
    await peer.invoke("Nothing");
    equal(0, peer.pending, "the number of further messages");
  },

  async "order-up"(scene) {
    const texts = Array.from({ length: 1000 }, (_, i) => `${scene.tag}${i}`);
    const peer = await scene.connect();
    await peer.sendAll("Note", texts.map((text) => [text]));
    await peer.invoke("Note", "last");
    const notes = await scene.app.events(peer.id, (all) => all.some((e) => e.detail === "last"), "the last note");
    sequence([...texts, "last"], notes.filter((e) => e.event === "note").map((e) => e.detail), "what the hub saw");
  },

  async "order-group-churn"(scene) {
    const [member, sender, ...others] = await scene.several(4);
    const group = scene.name("group");
    await member.invoke("Join", group);
    let sending = true;
    const churn = others.map(async (other) => {
      let rounds = 0;
      for (; sending; rounds++) {
        await other.invoke("Join", group);
        await other.invoke("Leave", group);
      }
      return rounds;
    });
    const count = 1000;
    const down = Array.from({ length: count }, () => scene.name("down"));
    const up = Array.from({ length: count }, () => scene.name("up"));
    const last = scene.name("last");
    const sendDown = async () => {
      await sender.sendAll("ToGroup", down.map((text) => [group, text]));
      await sender.invoke("ToGroup", group, last);
    };
    const sendUp = async () => {
      await member.sendAll("Note", up.map((text) => [text]));
      await member.invoke("Note", last);
    };
    await Promise.all([sendDown(), sendUp()]);
    sequence(down, await member.before(last), "what the member got");
    const notes = await scene.app.events(member.id, (all) => all.some((e) => e.detail === last), "the last note");
    sequence([...up, last], notes.filter((e) => e.event === "note").map((e) => e.detail), "what the hub saw");
    sending = false;
    for (const rounds of await Promise.all(churn)) isTrue(rounds > 0, "nobody joined or left meanwhile");
    equal(0, member.pending, "the number of further messages");
  },
};

/** Texts of this many bytes, in which a character meets every cut at each of its bytes. */
function shifts(character, size) {
  const width = new TextEncoder().encode(character).length;
  return Array.from({ length: width }, (_, shift) => {
    const count = Math.floor((size - shift) / width);
    return "a".repeat(shift) + character.repeat(count) + "z".repeat(size - shift - count * width);
  });
}
