import { equal, isTrue, refused } from "../../js-common/check.mjs";

const TEXTS = [
  "", " ", "plain", "äöü ß é", "漢字かな", "😀👩‍👩‍👧", '"quoted" \\ / <b>&amp;', "tab\t cr\r lf\n crlf\r\n", "\0\u0001\u007f", "\u2028\u2029\ufeff",
  '{}\u001e{"type":6}\u001e', "data: a\r\n\r\ndata: b\r\n\r\n: c", "null", "\u001e".repeat(300),
];

const NO_FIT = "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.";

export const invoke = {
  async "invoke-result"(scene) {
    const peer = await scene.connect();
    equal("hello", await peer.invoke("Echo", "hello"));
    equal(-5, await peer.invoke("Add", 2, -7));
    equal(4, await peer.invoke("Length", "four"));
  },

  async "invoke-void"(scene) {
    const peer = await scene.connect();
    const result = await peer.invoke("Nothing");
    isTrue(result === undefined || result === null, `the result is ${result}`);
  },

  async "invoke-null"(scene) {
    const peer = await scene.connect();
    equal(null, await peer.invoke("Null"));
    equal(null, await peer.invoke("Echo", null));
  },

  async "invoke-object"(scene) {
    const peer = await scene.connect();
    const inner = complex(scene, null, null, [], "00000000-0000-0000-0000-000000000000", new Date(0), null);
    const value = complex(scene, "té😀xt", [1, -2, 2147483647], [9, 0, 255], "8f14e45f-ceea-467f-a0e6-1f0c7b8e2d31", new Date(981173106000), inner);
    equal(value, await peer.invoke("EchoComplexObject", value));
    equal(inner, await peer.invoke("EchoComplexObject", inner));
  },

  async "invoke-bytes"(scene) {
    const peer = await scene.connect();
    for (const size of [0, 1, 31, 32, 255, 256, 65_535, 65_536, 100_000]) {
      const value = bytes(scene, Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255));
      equal(value, await peer.invoke("EchoBytes", value), `${size} bytes`);
    }
  },

  async "invoke-any"(scene) {
    const peer = await scene.connect();
    const values = [
      true, false, 0, -1, 127, -128, 255, -129, 65_535, 65_536, 2147483647, -2147483648, 4294967296, 1.5, -0.1, 1e300, "", "text",
      [], [1, -1, 70_000], ["a", null, ""], [[], [1], [2, 3]], { one: 1, "zwei 😀": 2 }, { deep: { list: [{ x: null }, { y: [true] }] } },
    ];
    for (const value of values) equal(value, await peer.invoke("EchoAny", value));
  },

  async "invoke-texts"(scene) {
    const peer = await scene.connect();
    for (const text of TEXTS) equal(text, await peer.invoke("Echo", text));
  },

  async "invoke-name-ignores-case"(scene) {
    const peer = await scene.connect();
    equal(7, await peer.invoke("aDD", 3, 4));
  },

  async "invoke-parallel"(scene) {
    const peer = await scene.connect();
    const sums = await Promise.all(Array.from({ length: 300 }, (_, i) => peer.invoke("Add", i, i * 1000)));
    sums.forEach((sum, i) => equal(i * 1001, sum, `sum ${i}`));
  },

  async "invoke-slow-beside-quick"(scene) {
    const peer = await scene.connect();
    let slowIsDone = false;
    const slow = peer.invoke("Slow", 3000).then((result) => {
      slowIsDone = true;
      return result;
    });
    equal("quick", await peer.invoke("Echo", "quick"));
    isTrue(!slowIsDone, "the quick call waited for the slow one");
    equal("done", await slow);
  },
};

export const errors = {
  async "error-exception"(scene) {
    const peer = await scene.connect();
    const text = scene.app.detailed("An unexpected error occurred invoking 'ThrowException' on the server.", "InvalidOperationException: böse");
    await refused(peer.invoke("ThrowException", "böse"), text);
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "error-hub-exception"(scene) {
    const peer = await scene.connect();
    for (const text of ["told to the client", '"zwei"\n😀']) {
      await refused(peer.invoke("ThrowHubException", text), `An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: ${text}`);
    }
  },

  async "error-unknown-method"(scene) {
    const peer = await scene.connect();
    const text = "Failed to invoke 'NotThere' due to an error on the server. HubException: Method does not exist.";
    await refused(peer.invoke("NotThere"), text);
    await refused(peer.invoke("NotThere", 1, "two"), text);
    await refused(peer.items("NotThere"), text);
  },

  async "error-argument-count"(scene) {
    const peer = await scene.connect();
    for (const args of [[1], [1, 2, 3]]) {
      const text = scene.app.detailed(
        "Failed to invoke 'Add' due to an error on the server.",
        `InvalidDataException: Invocation provides ${args.length} argument(s) but target expects 2.`,
      );
      await refused(peer.invoke("Add", ...args), text);
    }
  },

  async "error-argument-type"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("Add", "one", "two"), scene.app.detailed("Failed to invoke 'Add' due to an error on the server.", NO_FIT));
    equal(3, await peer.invoke("Add", 1, 2));
  },

  async "error-stream-and-call-mixed-up"(scene) {
    const peer = await scene.connect();
    await refused(peer.invoke("Stream"), "The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.");
    await refused(peer.items("Echo", "x"), "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.");
  },

  async "error-of-send-is-silent"(scene) {
    const peer = await scene.connect();
    await peer.sendAll("NotThere", [[]]);
    await peer.sendAll("Add", [["one"]]);
    await peer.sendAll("ThrowHubException", [["nobody hears it"]]);
    equal("alive", await peer.invoke("Echo", "alive"));
    equal(0, peer.closes, "the number of closes");
  },
};

/** Bytes as this protocol carries them. */
function bytes(scene, array) {
  if (scene.binary) return array;
  let text = "";
  for (const byte of array) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The argument and result of EchoComplexObject in the names and types of this protocol. */
function complex(scene, string, ints, octets, guid, time, inner) {
  const array = bytes(scene, Uint8Array.from(octets));
  if (scene.binary) return { String: string, IntArray: ints, ByteArray: array, Guid: guid, DateTime: time, Inner: inner };
  return { string, intArray: ints, byteArray: array, guid, dateTime: time.toISOString().replace(".000", ""), inner };
}
