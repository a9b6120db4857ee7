// Checks that end a scenario, with texts that say what was seen.

/** A check that did not hold. */
export class Failed extends Error {}

/** The scenario cannot be run by this client, transport or app. */
export class Skipped extends Error {}

const LONGEST = 300;

/** A value as text that is the same for equal values, whatever kind of byte array they hold. */
export function show(value) {
  const text = JSON.stringify(value, (_, v) => {
    if (v instanceof Uint8Array) return `bytes:${Array.from(v, (b) => b.toString(16).padStart(2, "0")).join("")}`;
    // A Node buffer has become this before it gets here.
    if (v?.type === "Buffer" && Array.isArray(v.data)) return `bytes:${v.data.map((b) => b.toString(16).padStart(2, "0")).join("")}`;
    return v;
  });
  return text === undefined ? "undefined" : text;
}

function short(text) {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
}

export function isTrue(condition, why) {
  if (!condition) throw new Failed(why);
}

export function equal(expected, actual, what = "the value") {
  const [wanted, got] = [show(expected), show(actual)];
  if (wanted !== got) throw new Failed(`${what} is ${short(got)}, not ${short(wanted)}`);
}

/** Two lists are equal; if not, tells where they part. */
export function sequence(expected, actual, what) {
  const at = expected.findIndex((item, i) => item !== actual[i]);
  if (at >= 0) throw new Failed(`${what}: item ${at} is ${show(actual[at])}, not ${show(expected[at])}; ${actual.length} of ${expected.length} came`);
  if (actual.length > expected.length) throw new Failed(`${what} has ${actual.length - expected.length} items too many, the first is ${show(actual[expected.length])}`);
}

/** Waits for a promise, but not longer than the given seconds. */
export async function within(promise, seconds, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Failed(`${what} within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error a promise is rejected with. */
export async function refusal(promise, what = "the call") {
  let result;
  try {
    result = await promise;
  } catch (error) {
    if (error instanceof Failed) throw error;
    return error instanceof Error ? error : new Error(String(error));
  }
  throw new Failed(`${what} succeeded with ${short(show(result))}`);
}

/** A promise is rejected with exactly this text. */
export async function refused(promise, text) {
  const error = await refusal(promise);
  equal(text, error.message, "the error");
}

/** Waits the given time; only for pacing, never in place of something that can be awaited. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
