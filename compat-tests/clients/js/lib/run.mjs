import { scenarios } from "../scenarios/all.mjs";
import { Failed, Skipped, within } from "./check.mjs";
import { Scene } from "./scene.mjs";

/** Runs one scenario in a scene of its own. Returns `{ outcome: "ok" | "fail" | "skip", why, milliseconds }`. */
export async function run(host, { name, limit }) {
  const scene = new Scene(host);
  const begin = Date.now();
  let result = { outcome: "ok", why: "" };
  try {
    await within(scenarios[name](scene), limit, "not done");
  } catch (error) {
    if (error instanceof Skipped) result = { outcome: "skip", why: error.message };
    else if (error instanceof Failed) result = { outcome: "fail", why: error.message };
    else result = { outcome: "fail", why: `${error?.name ?? "error"}: ${error?.message ?? error}` };
  }
  result.milliseconds = Date.now() - begin;
  await scene.close();
  return result;
}
