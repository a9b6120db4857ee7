import { equal, isTrue, refusal, refused, sequence, within } from "../../js-common/check.mjs";
import { Queue } from "../../js-common/queue.mjs";

const numbers = (count) => Array.from({ length: count }, (_, i) => i);

export const streams = {
  async "stream-items"(scene) {
    const peer = await scene.connect();
    equal(["a", "b", "c"], await peer.items("Stream"));
    sequence(numbers(1000), await peer.items("Counter", 1000, 0), "the stream");
  },

  async "stream-empty"(scene) {
    const peer = await scene.connect();
    equal([], await peer.items("EmptyStream"));
    equal([], await peer.items("Counter", 0, 0));
  },

  async "stream-error"(scene) {
    const peer = await scene.connect();
    await refused(peer.items("StreamThrowException", "oh"), scene.app.detailed("An error occurred on the server while streaming results.", "Exception: oh"));
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "stream-as-it-comes"(scene) {
    const peer = await scene.connect();
    const arrived = new Queue();
    let ended = false;
    const stream = peer.stream("Counter", [4, 600], (item) => arrived.push(item));
    stream.end.then(() => {
      ended = true;
    });
    equal(0, await arrived.next("first item"));
    equal("meanwhile", await peer.invoke("Echo", "meanwhile"));
    isTrue(!ended, "the items came all at once");
    for (const i of [1, 2, 3]) equal(i, await arrived.next("item"));
    await stream.end;
  },

  async "stream-several-at-once"(scene) {
    const peer = await scene.connect();
    const all = await Promise.all([1, 2, 3, 4].map((n) => peer.items("Counter", n * 20, 2)));
    all.forEach((items, i) => sequence(numbers((i + 1) * 20), items, `stream ${i}`));
  },

  async "stream-cancel"(scene) {
    const peer = await scene.connect();
    const told = new Queue();
    peer.on("StreamCanceled", () => told.push(true));
    const arrived = new Queue();
    const stream = peer.stream("InfiniteStream", [], (item) => arrived.push(item));
    for (let i = 0; i < 3; i++) equal("x", await arrived.next("item"));
    stream.cancel();
    await scene.app.event(peer.id, "stream-ended");
    await told.next("call at the stream's end");
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "stream-ends-with-client"(scene) {
    const peer = await scene.connect();
    const arrived = new Queue();
    peer.stream("InfiniteStream", [], (item) => arrived.push(item));
    await arrived.next("item");
    await peer.stop();
    await scene.app.event(peer.id, "stream-ended");
  },

  async "upload-concat"(scene) {
    const peer = await scene.connect();
    equal("", await upload(scene, peer, "StreamingConcat", []));
    equal("onetwothree", await upload(scene, peer, "StreamingConcat", ["one", "two", "three"]));
    const { subject, answer } = open(scene, peer, "StreamingConcat");
    let answered = false;
    answer.then(() => {
      answered = true;
    });
    for (const part of ["x", "", "é😀"]) subject.next(part);
    equal("meanwhile", await peer.invoke("Echo", "meanwhile"));
    isTrue(!answered, "the answer came before the end of the upload");
    subject.complete();
    equal("xé😀", await answer);
  },

  async "upload-sum"(scene) {
    const peer = await scene.connect();
    equal(499_500, await upload(scene, peer, "Sum", numbers(1000)));
    const sums = await Promise.all([1, 2, 3, 4].map((n) => upload(scene, peer, "Sum", Array(50).fill(n))));
    equal([50, 100, 150, 200], sums, "the sums of uploads at once");
  },

  async "upload-events"(scene) {
    const peer = await scene.connect();
    const texts = numbers(50).map((i) => `item ${i}`);
    await upload(scene, peer, "UploadToNote", texts);
    await scene.app.event(peer.id, "upload-ended");
    sequence(texts, await uploaded(scene, peer.id), "what the hub saw");
  },

  async "upload-error"(scene) {
    const peer = await scene.connect();
    const { subject, answer } = open(scene, peer, "UploadToNote");
    subject.next("before");
    subject.error(new Error("out of paper"));
    await answer;
    const failed = await scene.app.event(peer.id, "upload-failed");
    isTrue(failed.detail?.includes("out of paper"), `the hub was told: ${failed.detail}`);
    equal(["before"], await uploaded(scene, peer.id), "what the hub saw");
  },

  async "upload-ends-with-client"(scene) {
    const peer = await scene.connect();
    const { subject, answer } = open(scene, peer, "UploadToNote");
    const lost = refusal(answer);
    lost.catch(() => {});
    subject.next("one");
    await scene.app.event(peer.id, "upload");
    await peer.stop();
    await lost;
    await scene.app.events(peer.id, (all) => all.some((e) => ["upload-failed", "upload-ended"].includes(e.event)), "an end of the upload");
  },

  async "upload-both-ways"(scene) {
    const peer = await scene.connect();
    const subject = new scene.client.signalR.Subject();
    const back = new Queue();
    const stream = peer.stream("EchoStream", [subject], (item) => back.push(item));
    for (const text of ["ping", "pong", ...numbers(100).map((i) => `text ${i}`)]) {
      subject.next(text);
      equal(text, await back.next("item that comes back"));
    }
    subject.complete();
    await within(stream.end, 10, "no end of the stream");
    equal(0, back.length, "the number of further items");
  },
};

/** Calls a method that takes a stream; the caller feeds the subject. */
function open(scene, peer, method) {
  const subject = new scene.client.signalR.Subject();
  const answer = peer.invoke(method, subject);
  answer.catch(() => {});
  return { subject, answer };
}

function upload(scene, peer, method, items) {
  const { subject, answer } = open(scene, peer, method);
  for (const item of items) subject.next(item);
  subject.complete();
  return answer;
}

async function uploaded(scene, id) {
  return (await scene.app.events(id, () => true, "")).filter((e) => e.event === "upload").map((e) => e.detail);
}
